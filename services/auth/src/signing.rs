//! The keys that tokens are signed with: kept in the database, so that tokens outlive a restart and all replicas sign
//! alike; one follows the other without anybody noticing.

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use hms_access::{AccessError, Claims, Issuer, JwkSet, KeySource, SigningKey};
use hms_db::{Database, Db};
use hms_model::audit::Action;
use hms_model::{Clock, Secret};
use hms_problem::{Code, Problem};
use hms_service::{Act, Context};
use parking_lot::RwLock;
use serde::Serialize;

use crate::config::LONGEST_LIFETIME;
use crate::domain::signing_key::{Decision, LEAD, Use};
use crate::store::keys;

/// Signs tokens with the key whose time it is.
pub struct Signing {
    issuer: String,
    clock: Clock,
    keys: Keys,
}

enum Keys {
    /// The secret that all services share.
    Shared(Box<Issuer>),
    /// Our own, whose public halves others fetch.
    Own(RwLock<Vec<OwnKey>>),
}

struct OwnKey {
    issuer: Issuer,
    r#use: Use,
}

/// What a rotation has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// The id of the key that comes next.
    pub next: String,
    /// From when on it signs.
    pub from: DateTime<Utc>,
    /// Whether it was made just now.
    pub made: bool,
}

impl Rotation {
    /// What the audit is told.
    pub fn act(&self) -> Act {
        Act::new(Action::Create, "signing_key").detail(self.next.clone())
    }
}

impl Signing {
    /// By the secret that all services share, where they check by one, or else by keys of our own.
    pub async fn prepare(context: &Context, source: KeySource, issuer: String) -> anyhow::Result<Self> {
        let clock = context.clock.clone();
        let keys = match source {
            KeySource::Secret(secret) => Keys::Shared(Box::new(Issuer::new(SigningKey::Hs256 { secret })?)),
            KeySource::Url(_) | KeySource::Set(_) => {
                make_first(&context.database, clock.now()).await?;
                Keys::Own(RwLock::default())
            }
        };
        let signing = Self { issuer, clock, keys };
        signing.reload(&context.database).await?;
        Ok(signing)
    }

    /// Where the platform is reached from outside: the issuer of all tokens.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Whether others can check by public keys; without them there is no OpenID Connect.
    pub fn has_public_keys(&self) -> bool {
        matches!(self.keys, Keys::Own(_))
    }

    /// A signed access token.
    pub fn issue(&self, claims: &Claims) -> Result<String, AccessError> {
        let claims = Claims { iss: self.issuer.clone(), ..claims.clone() };
        self.with_key(|issuer| issuer.issue(&claims))
    }

    /// A signed statement that is no access token.
    pub fn sign<T: Serialize>(&self, statement: &T) -> Result<String, AccessError> {
        self.with_key(|issuer| issuer.sign(statement))
    }

    fn with_key<T>(&self, sign: impl FnOnce(&Issuer) -> Result<T, AccessError>) -> Result<T, AccessError> {
        match &self.keys {
            Keys::Shared(issuer) => sign(issuer),
            Keys::Own(keys) => {
                let (keys, now) = (keys.read(), self.clock.now());
                // The newest one, where the clock of this machine is behind that of the one that made the key.
                let key = keys.iter().rev().find(|key| key.r#use.is_now(now)).or_else(|| keys.last());
                sign(&key.ok_or(AccessError::Key)?.issuer)
            }
        }
    }

    /// The public keys: those that sign, the one that comes next, and those whose tokens may still be valid.
    pub fn jwks(&self) -> JwkSet {
        match &self.keys {
            Keys::Shared(_) => JwkSet::default(),
            Keys::Own(keys) => {
                let now = self.clock.now();
                let known = keys.read();
                let current = known.iter().filter(|key| key.r#use.is_of_meaning(LONGEST_LIFETIME, now));
                JwkSet { keys: current.flat_map(|key| key.issuer.jwks().keys).collect() }
            }
        }
    }

    /// Takes what other replicas have made.
    pub async fn reload(&self, database: &Database) -> anyhow::Result<()> {
        let Keys::Own(own) = &self.keys else { return Ok(()) };
        let kept = database.read(keys::all).await?;
        let read = kept.into_iter().map(|kept| {
            let pkcs8 =
                STANDARD.decode(kept.pkcs8.expose()).context("a signing key in the database is damaged")?;
            let issuer = Issuer::new(SigningKey::Ed25519 { id: kept.id, pkcs8 })?;
            Ok(OwnKey { issuer, r#use: kept.r#use })
        });
        let read = read.collect::<anyhow::Result<Vec<_>>>()?;
        anyhow::ensure!(!read.is_empty(), "there is no signing key in the database");
        *own.write() = read;
        Ok(())
    }
}

/// Lets another key follow the newest one, if it is time or somebody asks; none when it is not time.
pub fn rotate(
    db: &mut Db,
    period: TimeDelta,
    asked: bool,
    now: DateTime<Utc>,
) -> Result<Option<Rotation>, Problem> {
    let newest = keys::newest_locked(db)?.ok_or(Code::Internal)?;
    match newest.r#use.decide(period, asked, now) {
        Decision::Wait => Ok(None),
        Decision::IsNext => Ok(Some(Rotation { next: newest.id, from: newest.r#use.from, made: false })),
        Decision::Follow(from) => {
            let next = new_key(from).map_err(|_| Problem::new(Code::Internal))?;
            let made = keys::follow(db, &newest.id, &next, now)?;
            Ok(Some(Rotation { next: next.id, from, made }))
        }
    }
}

/// Drops the keys whose last token has expired.
pub fn drop_old(db: &mut Db, now: DateTime<Utc>) -> hms_db::Result<usize> {
    keys::remove_unused_since(db, now - LONGEST_LIFETIME - LEAD)
}

/// Of several replicas that do this at once, the first one's key stays, and all use it.
async fn make_first(database: &Database, now: DateTime<Utc>) -> anyhow::Result<()> {
    if !database.read(keys::all).await?.is_empty() {
        return Ok(());
    }
    let first = new_key(now)?;
    database.write(move |db| keys::insert(db, &first, now)).await?;
    Ok(())
}

fn new_key(from: DateTime<Utc>) -> anyhow::Result<keys::Kept> {
    let SigningKey::Ed25519 { id, pkcs8 } = SigningKey::generate()? else {
        anyhow::bail!("a new key is an Ed25519 key");
    };
    Ok(keys::Kept { id, pkcs8: Secret::new(STANDARD.encode(pkcs8)), r#use: Use { from, until: None } })
}
