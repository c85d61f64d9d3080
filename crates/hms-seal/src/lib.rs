//! Keys that are in no database: where a service has its own key from, what follows from it, and secrets that are
//! sealed with it before the database gets them.

mod file;
mod key;
mod seal;

pub use file::write_once;
pub use key::{KEY_BYTES, OwnKey};
pub use seal::Seal;

use anyhow::Context as _;
use ring::rand::{SecureRandom as _, SystemRandom};

/// Random bytes for a key, a nonce or a salt.
pub fn random<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).ok().context("the machine gives no random numbers")?;
    Ok(bytes)
}
