//! API keys: `hms_<id>_<secret><checksum>`. The id finds the record, the secret of 256 random bits proves that one has
//! the key, and the checksum tells a typo, or a text that only looks like a key, from a key without a database.

use chrono::{DateTime, TimeDelta, Utc};
use hms_model::id::{AccountId, ApiKeyId, DepartmentId};
use hms_model::role::Scope;
use hms_model::{Coded, Secret, Text};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::account::Account;

const PREFIX: &str = "hms_";
/// 43 characters of 62 hold 256 bits.
const SECRET_LENGTH: usize = 43;
/// A CRC-32 in hexadecimal.
const CHECKSUM_LENGTH: usize = 8;
/// The most keys that an account may have at a time.
pub const MOST_KEYS: i64 = 100;
/// For how long the old secret stays good after a rotation, at the most.
pub const LONGEST_OVERLAP: TimeDelta = TimeDelta::days(30);

/// The letters of a secret: none of them ends a word, so that a double click takes the whole key.
const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// An API key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ApiKey {
    /// Its id, which stands in the key too.
    pub id: ApiKeyId,
    /// For whom it acts: it never may more than this account.
    pub account_id: AccountId,
    /// What it is for, in words of whoever made it.
    pub name: String,
    /// What it allows, as far as the roles of its account allow it.
    pub scopes: Vec<Scope>,
    /// The one department whose records it reaches; all that the account reaches when there is none.
    pub department_id: Option<DepartmentId>,
    /// From when on it is no longer valid.
    pub expires_at: Option<DateTime<Utc>>,
    /// Since when it is revoked.
    pub revoked_at: Option<DateTime<Utc>>,
    /// Until when the secret before the last rotation stays good.
    pub old_valid_until: Option<DateTime<Utc>>,
    /// When it was last used, to the minute or so.
    pub last_used_at: Option<DateTime<Utc>>,
    /// Who made it.
    pub created_by: AccountId,
    /// Its version, for `If-Match`.
    pub version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// What a key is made of.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// What it is for.
    pub name: Text<1, 100>,
    /// What it shall allow.
    pub scopes: Vec<Scope>,
    /// The department it is bound to.
    pub department_id: Option<DepartmentId>,
    /// From when on it shall no longer be valid.
    pub expires_at: Option<DateTime<Utc>>,
}

/// What changes in a key; what is not named stays.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// What it is for.
    pub name: Option<Text<1, 100>>,
    /// What it shall allow.
    pub scopes: Option<Vec<Scope>>,
    /// From when on it shall no longer be valid; never when null.
    pub expires_at: Option<Option<DateTime<Utc>>>,
}

/// Who makes or changes a key.
#[derive(Debug, Clone)]
pub struct Manager {
    /// Their account.
    pub account_id: AccountId,
    /// What their token allows.
    pub scopes: Vec<Scope>,
    /// Whether a program acts, by a key or as a client.
    pub is_program: bool,
}

/// Why something cannot be done with a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A program that makes itself keys would never be locked out again.
    #[error("API keys are managed by people: sign in instead of using a key or a client.")]
    Program,
    /// Only admins make keys for others.
    #[error("A key for another account is made by an admin.")]
    ForAnother,
    /// A key that allows nothing.
    #[error("must name at least one scope")]
    NoScopes,
    /// Nobody gives away more than they have.
    #[error("the account does not have: {}", words(.0))]
    Beyond(Vec<Scope>),
    /// No department has these.
    #[error("a key of a department cannot have: {}", words(.0))]
    OfTheWhole(Vec<Scope>),
    /// Whose account cannot sign in has no keys.
    #[error("the account is disabled")]
    Disabled,
    /// Who sees only their own records has no use for a department.
    #[error("only the keys of staff can be bound to a department")]
    NoDepartment,
    /// It would never be valid.
    #[error("must lie in the future")]
    Past,
    /// Longer than a rotation may take.
    #[error("must be at most 30 days from now")]
    TooLong,
    /// It is revoked, and stays so.
    #[error("The key is revoked.")]
    Revoked,
    /// There are too many of them.
    #[error("An account has at most {MOST_KEYS} keys.")]
    TooMany,
}

fn words(scopes: &[Scope]) -> String {
    scopes.iter().map(|scope| scope.code()).collect::<Vec<_>>().join(", ")
}

/// A key as somebody shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presented {
    /// Which key.
    pub id: ApiKeyId,
    /// The secret.
    pub secret: Secret,
}

/// The text is no API key, or has a typo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAKey;

/// The key as it is shown once.
pub fn write(id: ApiKeyId, secret: &Secret) -> String {
    let body = format!("{PREFIX}{}_{}", id.uuid().simple(), secret.expose());
    let checksum = crc32fast::hash(body.as_bytes());
    format!("{body}{checksum:08x}")
}

/// Reads a key that somebody shows.
pub fn read(text: &str) -> Result<Presented, NotAKey> {
    let split = text.len().checked_sub(CHECKSUM_LENGTH).ok_or(NotAKey)?;
    let (body, checksum) = text.split_at_checked(split).ok_or(NotAKey)?;
    let (id, secret) = body.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_')).ok_or(NotAKey)?;
    let well_formed = secret.len() == SECRET_LENGTH && secret.bytes().all(|byte| LETTERS.contains(&byte));
    if !well_formed || checksum != format!("{:08x}", crc32fast::hash(body.as_bytes())) {
        return Err(NotAKey);
    }
    let id = Uuid::try_parse(id).ok().filter(|uuid| uuid.simple().to_string() == id).ok_or(NotAKey)?;
    Ok(Presented { id: ApiKeyId::from_uuid(id), secret: Secret::new(secret) })
}

/// A secret out of random bytes, or none where there were too few that can be used: every letter is as likely as
/// any other, so that the bytes above the last whole multiple of 62 are passed over.
pub fn secret_of(random: &[u8]) -> Option<Secret> {
    let usable = random.iter().filter(|byte| **byte < 248);
    let letters =
        usable.filter_map(|byte| LETTERS.get(usize::from(byte % 62)).map(|letter| char::from(*letter)));
    let secret: String = letters.take(SECRET_LENGTH).collect();
    (secret.len() == SECRET_LENGTH).then(|| Secret::new(secret))
}

impl Manager {
    /// Whether they may manage the keys of this account.
    pub fn may_manage(&self, owner: AccountId) -> bool {
        owner == self.account_id || self.manages_all()
    }

    /// Whether they may manage everybody's keys.
    pub fn manages_all(&self) -> bool {
        self.scopes.contains(&Scope::AccountWrite)
    }

    /// What nobody may give to a key: what its account does not have, and, for oneself, what one's own token lacks.
    fn check_scopes(
        &self,
        wanted: &[Scope],
        owner: &Account,
        department: Option<DepartmentId>,
    ) -> Result<Vec<Scope>, Refusal> {
        let mut scopes = wanted.to_vec();
        scopes.sort_unstable();
        scopes.dedup();
        if scopes.is_empty() {
            return Err(Refusal::NoScopes);
        }
        let held: Vec<Scope> = owner.roles.iter().flat_map(|role| role.scopes()).collect();
        let own = owner.id == self.account_id;
        let given = |scope: &Scope| held.contains(scope) && (!own || self.scopes.contains(scope));
        let beyond: Vec<Scope> = scopes.iter().copied().filter(|scope| !given(scope)).collect();
        if !beyond.is_empty() {
            return Err(Refusal::Beyond(beyond));
        }
        let whole: Vec<Scope> = scopes.iter().copied().filter(|scope| scope.is_of_the_whole()).collect();
        if department.is_none() || whole.is_empty() { Ok(scopes) } else { Err(Refusal::OfTheWhole(whole)) }
    }

    fn check(&self, owner: AccountId) -> Result<(), Refusal> {
        match () {
            () if self.is_program => Err(Refusal::Program),
            () if !self.may_manage(owner) => Err(Refusal::ForAnother),
            () => Ok(()),
        }
    }
}

fn check_expiry(at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Result<(), Refusal> {
    if at.is_some_and(|at| at <= now) { Err(Refusal::Past) } else { Ok(()) }
}

/// Makes a key for an account.
pub fn make(
    new: NewApiKey,
    owner: &Account,
    manager: &Manager,
    id: ApiKeyId,
    now: DateTime<Utc>,
) -> Result<ApiKey, Refusal> {
    manager.check(owner.id)?;
    if !owner.is_active() {
        return Err(Refusal::Disabled);
    }
    if new.department_id.is_some() && !owner.roles.iter().any(|role| role.is_staff()) {
        return Err(Refusal::NoDepartment);
    }
    check_expiry(new.expires_at, now)?;
    Ok(ApiKey {
        id,
        account_id: owner.id,
        name: new.name.into(),
        scopes: manager.check_scopes(&new.scopes, owner, new.department_id)?,
        department_id: new.department_id,
        expires_at: new.expires_at,
        revoked_at: None,
        old_valid_until: None,
        last_used_at: None,
        created_by: manager.account_id,
        version: 1,
        created_at: now,
        updated_at: now,
    })
}

impl ApiKey {
    fn changed(&self, manager: &Manager, now: DateTime<Utc>) -> Result<Self, Refusal> {
        manager.check(self.account_id)?;
        match self.revoked_at {
            Some(_) => Err(Refusal::Revoked),
            None => Ok(Self { version: self.version + 1, updated_at: now, ..self.clone() }),
        }
    }

    /// The key with another name, other scopes or another end.
    pub fn change(
        &self,
        changes: Changes,
        owner: &Account,
        manager: &Manager,
        now: DateTime<Utc>,
    ) -> Result<Self, Refusal> {
        let mut key = self.changed(manager, now)?;
        if let Some(name) = changes.name {
            key.name = name.into();
        }
        if let Some(scopes) = changes.scopes {
            key.scopes = manager.check_scopes(&scopes, owner, self.department_id)?;
        }
        if let Some(expires_at) = changes.expires_at {
            check_expiry(expires_at, now)?;
            key.expires_at = expires_at;
        }
        Ok(key)
    }

    /// The key with a new secret, the old one being good until then.
    pub fn rotate(
        &self,
        old_valid_until: DateTime<Utc>,
        manager: &Manager,
        now: DateTime<Utc>,
    ) -> Result<Self, Refusal> {
        let key = self.changed(manager, now)?;
        if old_valid_until > now + LONGEST_OVERLAP {
            return Err(Refusal::TooLong);
        }
        Ok(Self { old_valid_until: Some(old_valid_until).filter(|until| *until > now), ..key })
    }

    /// The key, revoked; none when it is already.
    pub fn revoke(&self, manager: &Manager, now: DateTime<Utc>) -> Result<Option<Self>, Refusal> {
        match self.changed(manager, now) {
            Ok(key) => Ok(Some(Self { revoked_at: Some(now), ..key })),
            Err(Refusal::Revoked) => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }

    /// Whether it is good now.
    pub fn is_valid(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|at| now < at)
    }

    /// What it allows in the hands of this account as it is today.
    pub fn effective_scopes(&self, owner: &Account) -> Vec<Scope> {
        let held: Vec<Scope> = owner.roles.iter().flat_map(|role| role.scopes()).collect();
        let given = |scope: &Scope| {
            held.contains(scope) && (self.department_id.is_none() || !scope.is_of_the_whole())
        };
        self.scopes.iter().copied().filter(given).collect()
    }

    /// For how long a token for it may live, that lives no longer than `longest`.
    pub fn token_lifetime(&self, longest: TimeDelta, now: DateTime<Utc>) -> TimeDelta {
        self.expires_at.map_or(longest, |at| longest.min(at - now))
    }
}

#[cfg(test)]
mod tests;
