//! The key that access tokens are signed with: made at the first start, then kept in the database, so that tokens
//! outlive a restart and all replicas sign alike.

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hms_access::{Issuer, KeySource, SigningKey};
use hms_model::Secret;
use hms_service::Context;

use crate::store::keys;

/// The issuer of access tokens: by the secret that all services share, where they check by one, or else by the
/// key of our own, whose public half they fetch.
pub async fn issuer(context: &Context, keys: KeySource) -> anyhow::Result<Issuer> {
    let key = match keys {
        KeySource::Secret(secret) => SigningKey::Hs256 { secret },
        KeySource::Url(_) | KeySource::Set(_) => own_key(context).await?,
    };
    Ok(Issuer::new(key)?)
}

async fn own_key(context: &Context) -> anyhow::Result<SigningKey> {
    let kept = match context.database.read(keys::active).await? {
        Some(kept) => kept,
        None => make_key(context).await?,
    };
    let pkcs8 = STANDARD.decode(kept.pkcs8.expose()).context("the signing key in the database is damaged")?;
    Ok(SigningKey::Ed25519 { id: kept.id, pkcs8 })
}

/// Of several replicas that do this at once, the first one's key stays, and all use it.
async fn make_key(context: &Context) -> anyhow::Result<keys::Kept> {
    let SigningKey::Ed25519 { id, pkcs8 } = SigningKey::generate()? else {
        anyhow::bail!("a new key is an Ed25519 key");
    };
    let new = keys::Kept { id, pkcs8: Secret::new(STANDARD.encode(pkcs8)) };
    let now = context.clock.now();
    let kept = context.database.write(move |db| {
        keys::insert_first(db, &new, now)?;
        keys::active(db)
    });
    kept.await?.context("no signing key could be kept")
}
