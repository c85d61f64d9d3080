//! The audit as a chain: each entry is hashed together with the hash of the entry before it, and from time to time
//! a checkpoint signs how far the chain has come. Whoever has the public key can tell by the entries and the
//! checkpoints alone whether anything was changed. `docs/audit.md` says the same for other tools.

mod canonical;
mod checkpoint;
mod hash;
mod head;
mod key;
mod record;
mod report;
mod suspect;
mod verifier;

pub use canonical::canonical;
pub use checkpoint::{SignedCheckpoint, Statement};
pub use hash::{Hash, Place};
pub use head::{Head, LONGEST_RUN, LastCheckpoint, Link};
pub use key::{KeyError, PublicKey, Signer, public_keys};
pub use record::{Entry, KeyRecord, Record, Start, Unreadable};
pub use report::{Finding, Kind, Report};
pub use verifier::Verifier;
