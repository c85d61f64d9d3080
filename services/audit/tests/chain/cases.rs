//! What is done to a chain of twelve entries with checkpoints after 4, 8 and 10, case by case.

use hms_audit::chain::{Entry, Hash, Kind, Place, Record, SignedCheckpoint, Start};

use crate::made::{Chain, act, check, check_noted, signer};

type Case = (&'static str, fn(&mut Chain), Kind, i64);

fn chain() -> Chain {
    Chain::of(12, &[4, 8, 10])
}

fn edit(entry: &mut Entry) {
    entry.text = entry.text.replace("act", "fact");
}

#[test]
fn a_chain_that_nobody_touched_is_right() {
    let report = chain().check();
    assert_eq!(report.finding, None);
    assert_eq!((report.entries, report.checkpoints, report.uncovered), (12, 3, 2));
    assert_eq!(report.signed.unwrap().seq, 10);
    let empty = Chain::of(0, &[]).check();
    assert_eq!((empty.finding, empty.entries), (None, 0));
    let unsigned = Chain::of(5, &[]).check();
    assert_eq!((unsigned.finding, unsigned.uncovered, unsigned.signed), (None, 5, None));
}

#[test]
fn what_was_done_is_named_with_the_first_entry_that_is_wrong() {
    let cases: [Case; 27] = [
        ("a text", |it| edit(&mut it.entries[5]), Kind::Edit, 6),
        ("the first text", |it| edit(&mut it.entries[0]), Kind::Edit, 1),
        ("the last text", |it| edit(&mut it.entries[11]), Kind::Edit, 12),
        ("a hash", |it| it.entries[5].hash = Hash::genesis(), Kind::Edit, 6),
        ("the hash before", |it| it.entries[5].prev = Hash::genesis(), Kind::Edit, 6),
        ("a number", |it| it.entries[11].seq = 20, Kind::Insertion, 20),
        ("what it is found by", |it| it.entries[5].agrees = false, Kind::Edit, 6),
        (
            "a text and its hash",
            |it| {
                edit(&mut it.entries[5]);
                it.entries[5].hash = Hash::of_entry(&it.entries[5].prev, &it.entries[5].text);
            },
            Kind::Edit,
            6,
        ),
        (
            "a text and all hashes after it",
            |it| {
                edit(&mut it.entries[5]);
                it.rechain(5);
            },
            Kind::Edit,
            5,
        ),
        (
            "a text after the last checkpoint, and all hashes after it",
            |it| {
                edit(&mut it.entries[10]);
                it.rechain(10);
            },
            Kind::Edit,
            12,
        ),
        ("one entry out", |it| drop(it.entries.remove(5)), Kind::Deletion, 6),
        ("the first out", |it| drop(it.entries.remove(0)), Kind::Deletion, 1),
        ("the one before a checkpoint out", |it| drop(it.entries.remove(7)), Kind::Deletion, 8),
        ("several out", |it| drop(it.entries.drain(2..9)), Kind::Deletion, 3),
        (
            "one out, with the numbers closed up",
            |it| {
                it.entries.remove(5);
                it.renumber(5, -1);
            },
            Kind::Deletion,
            6,
        ),
        (
            "one out after the last checkpoint, with the numbers closed up",
            |it| {
                it.entries.remove(10);
                it.renumber(10, -1);
            },
            Kind::Deletion,
            11,
        ),
        ("two neighbours swapped", |it| it.swap(5, 6), Kind::Reorder, 6),
        ("two swapped across a checkpoint", |it| it.swap(2, 9), Kind::Reorder, 3),
        (
            "two texts swapped",
            |it| {
                let text = it.entries[2].text.clone();
                it.entries[2].text = std::mem::replace(&mut it.entries[9].text, text);
            },
            Kind::Reorder,
            3,
        ),
        (
            "a forged entry in between",
            |it| {
                let forged = it.forged(7, it.entries[5].hash.clone(), false);
                it.renumber(6, 1);
                it.entries.insert(6, forged);
            },
            Kind::Insertion,
            7,
        ),
        (
            "a forged entry that is well chained",
            |it| {
                let forged = it.forged(7, it.entries[5].hash.clone(), true);
                it.renumber(6, 1);
                it.entries.insert(6, forged);
            },
            Kind::Insertion,
            7,
        ),
        (
            "the same where a checkpoint signs",
            |it| {
                let forged = it.forged(8, it.entries[6].hash.clone(), true);
                it.renumber(7, 1);
                it.entries.insert(7, forged);
            },
            Kind::Insertion,
            8,
        ),
        (
            "a forged entry that names a predecessor of its own",
            |it| {
                let forged = it.forged(7, Hash::of_statement("x"), true);
                it.renumber(6, 1);
                it.entries.insert(6, forged);
            },
            Kind::Insertion,
            7,
        ),
        (
            "a forged entry at the end",
            |it| it.entries.push(it.forged(13, it.end.hash.clone(), true)),
            Kind::Insertion,
            13,
        ),
        ("the end cut off", |it| it.entries.truncate(11), Kind::Truncation, 12),
        ("more of the end cut off", |it| it.entries.truncate(6), Kind::Truncation, 7),
        (
            "the end cut off, and what signed it",
            |it| {
                it.entries.truncate(6);
                it.signed.truncate(1);
            },
            Kind::Truncation,
            7,
        ),
    ];
    for (case, change, kind, seq) in cases {
        let mut chain = chain();
        change(&mut chain);
        let report = chain.check();
        let finding = report.finding.unwrap_or_else(|| panic!("{case}: not found"));
        assert_eq!((finding.kind, finding.seq), (kind, seq), "{case}: {finding}");
        let there = chain.entries.iter().find(|entry| entry.seq == seq).and_then(Entry::id);
        let missing = matches!(kind, Kind::Truncation) || case.ends_with(" out");
        assert_eq!(finding.id, there.filter(|_| !missing), "{case}: {finding}");
    }
}

#[test]
fn what_was_done_to_checkpoints_is_named() {
    let cases: [Case; 8] = [
        ("one out", |it| drop(it.signed.remove(1)), Kind::Deletion, 10),
        ("the first out", |it| drop(it.signed.remove(0)), Kind::Deletion, 8),
        ("one twice", |it| it.signed.insert(1, it.signed[0].clone()), Kind::Reorder, 4),
        ("one too late", |it| it.signed[0].0 = 6, Kind::Reorder, 4),
        ("one too early", |it| it.signed[1].0 = 6, Kind::Reorder, 8),
        (
            "one that says something else",
            |it| it.signed[1].1.statement = it.signed[1].1.statement.replace("1970", "1971"),
            Kind::BadSignature,
            8,
        ),
        ("one that is no statement", |it| it.signed[1].1.statement = "{}".into(), Kind::BadSignature, 8),
        (
            "one by another key",
            |it| {
                let signed = signer().sign(&it.signed[1].1.read().unwrap()).unwrap();
                it.signed[1].1.signature = signed.signature;
            },
            Kind::BadSignature,
            8,
        ),
    ];
    for (case, change, kind, seq) in cases {
        let mut chain = chain();
        change(&mut chain);
        let finding = chain.check().finding.unwrap_or_else(|| panic!("{case}: not found"));
        assert_eq!((finding.kind, finding.seq, finding.id), (kind, seq, None), "{case}: {finding}");
    }
}

/// Somebody who can change everything but has not the key: all is made new, and signed with another one.
#[test]
fn a_whole_new_chain_needs_the_key() {
    let chain = chain();
    let mut other = Chain::of(12, &[4, 8, 10]);
    edit(&mut other.entries[0]);
    assert_eq!(check(other.records(), None).finding.unwrap().kind, Kind::Edit);
    let other = Chain::of(12, &[4, 8, 10]);
    assert_eq!(check(other.records(), None).finding, None, "by its own key it is right");
    let finding = check(other.records(), Some(vec![chain.key()])).finding.unwrap();
    assert_eq!((finding.kind, finding.seq), (Kind::UnknownKey, 4));
    assert_eq!(check(other.records(), Some(vec![chain.key(), other.key()])).finding, None);
}

/// What nobody can see in the rest alone: the end is gone, with all that tells of it.
#[test]
fn a_place_that_was_noted_must_still_be_there() {
    let chain = chain();
    let noted = |entry: &Entry| Some(Place { hash: entry.hash.clone(), seq: entry.seq });
    let key = || Some(vec![chain.key()]);
    assert_eq!(check_noted(chain.records(), key(), noted(&chain.entries[9])).finding, None);

    let mut cut = Chain { signer: signer(), ..self::chain() };
    cut.entries = chain.entries[..6].to_vec();
    cut.signed = chain.signed[..1].to_vec();
    cut.end = noted(&cut.entries[5]).unwrap();
    assert_eq!(check(cut.records(), key()).finding, None, "the rest is right");
    let finding = check_noted(cut.records(), key(), noted(&chain.entries[9])).finding.unwrap();
    assert_eq!((finding.kind, finding.seq), (Kind::Truncation, 7));

    let other = Place { hash: Hash::genesis(), seq: 3 };
    let finding = check_noted(chain.records(), key(), Some(other)).finding.unwrap();
    assert_eq!((finding.kind, finding.seq, finding.id), (Kind::Edit, 3, Some(act(3).id)));
}

#[test]
fn a_pruned_chain_begins_where_a_checkpoint_says() {
    let mut pruned = chain();
    pruned.prune(8);
    let report = pruned.check();
    assert_eq!((report.finding, report.entries, report.anchor.seq), (None, 4, 8));
    let mut all = Chain::of(10, &[4, 10]);
    all.prune(10);
    assert_eq!((all.check().finding, all.check().entries), (None, 0));

    let without_a_boundary = Chain { boundary: None, ..pruned };
    let finding = without_a_boundary.check().finding.unwrap();
    assert_eq!((finding.kind, finding.seq), (Kind::Deletion, 1));

    let mut more = chain();
    more.prune(4);
    more.entries.remove(0);
    let finding = more.check().finding.unwrap();
    assert_eq!((finding.kind, finding.seq), (Kind::Deletion, 5));
    let mut moved = chain();
    moved.prune(4);
    moved.entries.remove(0);
    moved.start.anchor = Place { hash: moved.entries[0].prev.clone(), seq: 5 };
    let finding = moved.check().finding.unwrap();
    assert_eq!((finding.kind, finding.seq), (Kind::Deletion, 1), "no checkpoint says that");
}

/// Entries 6 to 8 with the checkpoint that signs them.
#[test]
fn a_part_of_the_chain_is_checked_by_the_checkpoint_at_its_end() {
    let chain = chain();
    let part = |change: fn(&mut Entry)| {
        let mut entries = chain.entries[5..8].to_vec();
        change(&mut entries[1]);
        let anchor = Place { hash: chain.entries[4].hash.clone(), seq: 5 };
        let end = Place { hash: chain.entries[7].hash.clone(), seq: 8 };
        let mut records = vec![Record::Start(Start { anchor, whole: false })];
        records.extend(entries.into_iter().map(Record::Entry));
        records.extend([Record::Checkpoint(chain.signed[1].1.clone()), Record::End(end)]);
        check(records, Some(vec![chain.key()]))
    };
    let report = part(|_| {});
    assert_eq!((report.finding, report.entries, report.uncovered, report.whole), (None, 3, 0, false));
    let finding = part(edit).finding.unwrap();
    assert_eq!((finding.kind, finding.seq), (Kind::Edit, 7));
}

#[test]
fn lines_of_a_file_are_found_in_another_order_twice_or_cut_off() {
    type Change = fn(&mut Vec<Record>);
    // Start and key come first, so entry n is record n + 1, and one more after each checkpoint.
    let cases: [(&str, Change, Kind, i64); 9] = [
        ("two neighbours", |it| it.swap(3, 4), Kind::Reorder, 3),
        ("two far apart", |it| it.swap(3, 10), Kind::Reorder, 8),
        ("an earlier one again", |it| it.insert(9, it[3].clone()), Kind::Insertion, 2),
        ("a later one already", |it| it.insert(3, it[10].clone()), Kind::Insertion, 8),
        ("one right after itself", |it| it.insert(3, it[3].clone()), Kind::Insertion, 2),
        ("a line out", |it| drop(it.remove(3)), Kind::Deletion, 2),
        ("no end", |it| it.truncate(9), Kind::Truncation, 7),
        ("something after the end", |it| it.push(it[3].clone()), Kind::Insertion, 13),
        ("a second start", |it| it.insert(5, it[0].clone()), Kind::Insertion, 4),
    ];
    for (case, change, kind, seq) in cases {
        let chain = chain();
        let mut records = chain.records();
        change(&mut records);
        let finding = check(records, Some(vec![chain.key()])).finding;
        let finding = finding.unwrap_or_else(|| panic!("{case}: not found"));
        assert_eq!((finding.kind, finding.seq), (kind, seq), "{case}: {finding}");
    }
}

#[test]
fn a_thousand_entries_without_a_checkpoint_are_not_left_by_the_service() {
    let report = Chain::of(999, &[]).check();
    assert_eq!((report.finding, report.uncovered), (None, 999));
    let finding = Chain::of(1_000, &[]).check().finding.unwrap();
    assert_eq!((finding.kind, finding.seq), (Kind::Deletion, 1));
    let mut chain = Chain::of(1_010, &[5, 1_005]);
    assert_eq!(chain.check().finding, None);
    chain.signed.pop();
    assert_eq!(chain.check().finding.unwrap().seq, 6);
}

#[test]
fn a_report_reads_as_a_person_would_say_it() {
    let chain = chain();
    let report = chain.check();
    let hash = &chain.entries[9].hash;
    let expected = format!(
        "entries: 12, from 1 to 12\ncheckpoints: 3, the last at 10:{hash}\n\
         not yet covered by a checkpoint: 2 entries\nthe chain is whole\n"
    );
    assert_eq!(report.to_string(), expected);
    let mut broken = self::chain();
    edit(&mut broken.entries[5]);
    let last = broken.check().to_string();
    let id = act(6).id;
    let expected = format!("the chain is broken: edit at entry 6 ({id}): its hash is not that of its text\n");
    assert!(last.ends_with(&expected), "{last}");
    let nothing = SignedCheckpoint { statement: "{}".into(), signature: String::new() };
    assert_eq!(nothing.read(), None);
}
