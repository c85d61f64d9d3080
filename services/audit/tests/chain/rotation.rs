//! A chain that was handed over from one key to the next.

use hms_audit::chain::{Kind, PublicKey};

use crate::made::{Chain, check, signer};

/// Twelve entries under three keys: handed over after the fourth and after the eighth.
fn rotated() -> (Chain, [PublicKey; 3]) {
    let mut chain = Chain::of(4, &[2]);
    let first = chain.hand_over();
    chain.grow(4);
    let second = chain.hand_over();
    chain.grow(4);
    let keys = [first.public().clone(), second.public().clone(), chain.key()];
    (chain, keys)
}

fn found(chain: &Chain, trusted: &[PublicKey]) -> Option<(Kind, i64)> {
    check(chain.records(), Some(trusted.to_vec())).finding.map(|finding| (finding.kind, finding.seq))
}

#[test]
fn who_has_the_first_key_can_check_all_that_later_ones_signed() {
    let (chain, [first, second, third]) = rotated();
    assert_eq!(found(&chain, std::slice::from_ref(&first)), None);
    assert_eq!(found(&chain, &[first.clone(), second.clone(), third.clone()]), None);
    // A later key says nothing of what came before it.
    assert_eq!(found(&chain, std::slice::from_ref(&third)), Some((Kind::UnknownKey, 2)));
    assert_eq!(found(&chain, &[second, third]), Some((Kind::UnknownKey, 2)));
    assert_eq!(check(chain.records(), Some(vec![first])).checkpoints, 5);
}

#[test]
fn a_key_that_was_replaced_signs_no_more() {
    let mut chain = Chain::of(4, &[2]);
    let first = chain.hand_over();
    let (known, second) = (first.public().clone(), std::mem::replace(&mut chain.signer, first));
    chain.grow(4);
    assert_eq!(found(&chain, &[known, second.public().clone()]), Some((Kind::UnknownKey, 8)));
}

#[test]
fn only_a_key_that_is_trusted_hands_over() {
    let mut chain = Chain::of(4, &[2]);
    let honest = std::mem::replace(&mut chain.signer, signer());
    chain.hand_over();
    chain.grow(4);
    assert_eq!(found(&chain, &[honest.public().clone()]), Some((Kind::UnknownKey, 4)));
}

#[test]
fn an_edit_is_found_on_either_side_of_a_rotation() {
    for at in [1, 5, 9] {
        let (mut chain, [first, ..]) = rotated();
        chain.entries[at].text = chain.entries[at].text.replacen("act", "fact", 1);
        assert_eq!(found(&chain, &[first]), Some((Kind::Edit, at as i64 + 1)));
    }
}

/// The checkpoint that says where a pruned chain begins is the newest one, and comes first.
#[test]
fn where_a_pruned_chain_begins_may_be_signed_by_a_key_that_is_not_known_yet() {
    let (mut chain, [first, second, third]) = rotated();
    chain.prune(2);
    assert_eq!(found(&chain, std::slice::from_ref(&first)), None);
    // What the first key had handed over with is gone.
    chain.prune(4);
    assert_eq!(found(&chain, std::slice::from_ref(&first)), Some((Kind::UnknownKey, 8)));
    assert_eq!(found(&chain, &[second]), None);
    chain.prune(8);
    assert_eq!(found(&chain, &[third]), None);

    // Nobody ever hands over to the one that says where it begins.
    let (mut chain, [first, ..]) = rotated();
    let right = std::mem::replace(&mut chain.signer, signer());
    chain.prune(2);
    chain.signed.pop();
    chain.signer = right;
    assert_eq!(found(&chain, &[first]), Some((Kind::UnknownKey, 12)));
}
