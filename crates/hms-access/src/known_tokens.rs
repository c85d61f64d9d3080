//! Tokens whose signature was found good: checking one takes longer than all else that is done with it.

use std::sync::Arc;

use quick_cache::sync::Cache;
use ring::digest::{SHA256, digest};

use crate::claims::Claims;

/// How many are remembered; beyond that those go that were not shown again. Only good tokens come in, so that
/// nobody can push others out with tokens of their own making.
const MOST: usize = 16_384;

/// By what a token is known: its SHA-256, of which nobody can make the token again.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Name([u8; 32]);

impl Name {
    /// The name of a token.
    pub fn of(token: &str) -> Self {
        let mut name = [0; 32];
        for (to, from) in name.iter_mut().zip(digest(&SHA256, token.as_bytes()).as_ref()) {
            *to = *from;
        }
        Self(name)
    }
}

#[derive(Clone)]
struct Checked {
    claims: Arc<Claims>,
    generation: u64,
}

/// The tokens; many threads ask at the same time, each in another part of the map.
pub(crate) struct KnownTokens(Cache<Name, Checked>);

impl Default for KnownTokens {
    fn default() -> Self {
        Self(Cache::new(MOST))
    }
}

impl KnownTokens {
    /// The claims of a token that was checked with the keys of this generation.
    pub fn get(&self, name: &Name, generation: u64) -> Option<Arc<Claims>> {
        self.0.get(name).filter(|checked| checked.generation == generation).map(|checked| checked.claims)
    }

    /// Remembers a token.
    pub fn put(&self, name: Name, claims: &Arc<Claims>, generation: u64) {
        self.0.insert(name, Checked { claims: Arc::clone(claims), generation });
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}
