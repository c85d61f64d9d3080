//! The key that checkpoints are signed with: made at the first start and by command, kept in the database, so that all
//! replicas sign alike.

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hms_model::Secret;
use hms_service::Context;
use ring::rand::SystemRandom;
use ring::signature::Ed25519KeyPair;

use crate::domain::chain::{KeyRecord, Signer};
use crate::store::keys;

/// Makes sure that there is a key that can be used. Of several replicas that do this at once, the first one's key stays,
/// and all use it.
pub async fn ensure(context: &Context) -> anyhow::Result<()> {
    if let Some(kept) = context.database.read(keys::active).await? {
        kept.signer()?;
        return Ok(());
    }
    let (new, now) = (make()?, context.clock.now());
    let kept = context.database.write(move |db| {
        keys::insert_first(db, &new, now)?;
        keys::active(db)
    });
    let kept = kept.await?.context("no key of checkpoints could be kept")?;
    tracing::info!(
        key = kept.public.id,
        public_key = kept.public.public_key,
        "checkpoints are signed with this key"
    );
    Ok(())
}

/// A new key.
pub fn make() -> anyhow::Result<keys::Kept> {
    let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new());
    let pkcs8 = made.map_err(|_| anyhow::anyhow!("the system gives no randomness"))?;
    let signer = Signer::new(pkcs8.as_ref())?;
    Ok(keys::Kept {
        public: KeyRecord { id: signer.id().to_owned(), public_key: signer.public().base64() },
        pkcs8: Secret::new(STANDARD.encode(pkcs8.as_ref())),
    })
}
