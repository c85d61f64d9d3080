//! Any chain, and anything done to it.

use std::collections::BTreeSet;

use hms_audit::chain::{Hash, Kind, Record};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::made::{Chain, check};

/// What somebody does to the tables, or to the lines of an export.
#[derive(Debug, Clone)]
enum Change {
    Edit { at: Index, hash_too: bool, hashes_after_too: bool },
    Delete { from: Index, count: usize, close_up: bool },
    Insert { after: Index, sound: bool, chained: bool },
    Swap { one: Index, other: Index },
    SwapTexts { one: Index, other: Index },
    Cut { at: Index, checkpoints_too: bool },
    SwapLines { one: Index, other: Index },
    CopyLine { from: Index, to: Index },
    CutLines { at: Index },
}

fn change() -> impl Strategy<Value = Change> {
    let index = any::<Index>;
    prop_oneof![
        (index(), any::<bool>(), any::<bool>()).prop_map(|(at, hash_too, hashes_after_too)| Change::Edit {
            at,
            hash_too,
            hashes_after_too
        }),
        (index(), 1..5_usize, any::<bool>()).prop_map(|(from, count, close_up)| Change::Delete {
            from,
            count,
            close_up
        }),
        (index(), any::<bool>(), any::<bool>()).prop_map(|(after, sound, chained)| Change::Insert {
            after,
            sound,
            chained
        }),
        (index(), index()).prop_map(|(one, other)| Change::Swap { one, other }),
        (index(), index()).prop_map(|(one, other)| Change::SwapTexts { one, other }),
        (index(), any::<bool>()).prop_map(|(at, checkpoints_too)| Change::Cut { at, checkpoints_too }),
        (index(), index()).prop_map(|(one, other)| Change::SwapLines { one, other }),
        (index(), index()).prop_map(|(from, to)| Change::CopyLine { from, to }),
        index().prop_map(|at| Change::CutLines { at }),
    ]
}

/// How many entries, and after which of them there is a checkpoint.
fn shape() -> impl Strategy<Value = (usize, BTreeSet<usize>)> {
    (1..40_usize, proptest::collection::btree_set(1..40_usize, 0..8))
}

fn chain_of((count, signed): (usize, BTreeSet<usize>)) -> Chain {
    let signed: Vec<usize> = signed.into_iter().filter(|after| *after <= count).collect();
    Chain::of(count, &signed)
}

/// The records after the change, what it is, and the number of the first entry that it touches; none where it
/// changes nothing.
fn apply(chain: &mut Chain, change: &Change) -> Option<(Vec<Record>, Kind, i64)> {
    let count = chain.entries.len();
    let number = |at: usize| at as i64 + 1;
    let mut lines: Vec<Record> = chain.records();
    let of_entries: Vec<usize> =
        (0..lines.len()).filter(|at| matches!(lines[*at], Record::Entry(_))).collect();
    let (kind, seq) = match change {
        Change::Edit { at, hash_too, hashes_after_too } => {
            let at = at.index(count);
            chain.entries[at].text.push(' ');
            if *hashes_after_too {
                chain.rechain(at);
            } else if *hash_too {
                chain.entries[at].hash = Hash::of_entry(&chain.entries[at].prev, &chain.entries[at].text);
            }
            (Kind::Edit, number(at))
        }
        Change::Delete { from, count: some, close_up } => {
            let from = from.index(count);
            let to = (from + some).min(count);
            chain.entries.drain(from..to);
            if *close_up {
                chain.renumber(from, from as i64 - to as i64);
            }
            (if to == count { Kind::Truncation } else { Kind::Deletion }, number(from))
        }
        Change::Insert { after, sound, chained } => {
            let after = after.index(count);
            let prev = match chained {
                true => chain.entries[after].hash.clone(),
                false => Hash::of_statement("nowhere"),
            };
            let forged = chain.forged(number(after + 1), prev, *sound);
            chain.renumber(after + 1, 1);
            chain.entries.insert(after + 1, forged);
            (Kind::Insertion, number(after + 1))
        }
        Change::Swap { one, other } | Change::SwapTexts { one, other } => {
            let (one, other) = (one.index(count), other.index(count));
            if one == other {
                return None;
            }
            chain.swap(one, other);
            if let Change::SwapTexts { .. } = change {
                let (one_text, other_text) =
                    (chain.entries[one].text.clone(), chain.entries[other].text.clone());
                chain.swap(one, other);
                (chain.entries[one].text, chain.entries[other].text) = (one_text, other_text);
            }
            (Kind::Reorder, number(one.min(other)))
        }
        Change::Cut { at, checkpoints_too } => {
            let at = at.index(count);
            chain.entries.truncate(at);
            if *checkpoints_too {
                chain.signed.retain(|(seq, _)| *seq <= at as i64);
            }
            (Kind::Truncation, number(at))
        }
        Change::SwapLines { one, other } => {
            let (one, other) = (one.index(count), other.index(count));
            if one == other {
                return None;
            }
            lines.swap(of_entries[one], of_entries[other]);
            return Some((lines, Kind::Reorder, number(one.max(other))));
        }
        Change::CopyLine { from, to } => {
            let (from, to) = (of_entries[from.index(count)], of_entries[to.index(count)]);
            let copy = lines[from].clone();
            let Record::Entry(entry) = &copy else { return None };
            let seq = entry.seq;
            lines.insert(to, copy);
            return Some((lines, Kind::Insertion, seq));
        }
        Change::CutLines { at } => {
            let at = at.index(lines.len() - 1) + 1;
            let kept = of_entries.iter().filter(|line| **line < at).count();
            lines.truncate(at);
            return Some((lines, Kind::Truncation, number(kept)));
        }
    };
    Some((chain.records(), kind, seq))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_done_to_any_chain_is_found(shape in shape(), change in change()) {
        let mut chain = chain_of(shape);
        prop_assert_eq!(chain.check().finding, None);
        let Some((records, kind, seq)) = apply(&mut chain, &change) else { return Ok(()) };
        let finding = check(records, Some(vec![chain.key()])).finding;
        let Some(finding) = finding else { return Err(TestCaseError::fail("not found")) };
        prop_assert_eq!(finding.kind, kind, "{}", finding);
        // Of what was signed and then made new, only the part between two checkpoints is known.
        let new = matches!(change, Change::Edit { hash_too, hashes_after_too, .. } if hash_too || hashes_after_too);
        prop_assert!(new || finding.seq == seq, "{}, not {}", finding, seq);
    }
}
