//! What is news among things that are told in any order, and more than once.

use std::collections::HashMap;
use std::hash::Hash;

/// Of each that is told, whether it is news: of a higher version than what is known of it by then. Notes what is.
pub fn news<K: Hash + Eq>(
    known: &mut HashMap<K, i64>,
    told: impl IntoIterator<Item = (K, i64)>,
) -> Vec<bool> {
    let mut is_news = |(key, version)| {
        let before = known.get(&key);
        let is_news = before.is_none_or(|before| *before < version);
        if is_news {
            known.insert(key, version);
        }
        is_news
    };
    told.into_iter().map(&mut is_news).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told, which of it is news, and what is known of `a` and `b` then.
    type Case = (&'static [(char, i64)], &'static [bool], [i64; 2]);

    #[test]
    fn what_is_newer_than_all_before_it_is_news() {
        let cases: [Case; 6] = [
            (&[], &[], [0, 4]),
            (&[('a', 1), ('a', 2), ('a', 3)], &[true, true, true], [3, 4]),
            (&[('a', 2), ('a', 1), ('a', 2)], &[true, false, false], [2, 4]),
            (&[('b', 4), ('b', 3), ('b', 5)], &[false, false, true], [0, 5]),
            (&[('a', 1), ('b', 1), ('a', 1), ('b', 9)], &[true, false, false, true], [1, 9]),
            (&[('b', 7), ('a', 3), ('b', 6), ('a', 5)], &[true, true, false, true], [5, 7]),
        ];
        for (told, expected, newest) in cases {
            let mut known = HashMap::from([('b', 4)]);
            assert_eq!(news(&mut known, told.iter().copied()), expected, "{told:?}");
            assert_eq!(['a', 'b'].map(|key| known.get(&key).copied().unwrap_or(0)), newest, "{told:?}");
        }
    }
}
