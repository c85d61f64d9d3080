//! Accounts: who signs in. An account and a patient (or a practitioner) are two things; where they belong together
//! the account carries the id of the other.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use hms_model::coded_enum;
use hms_model::event::{AccountDeleted, AccountRegistered};
use hms_model::id::{AccountId, PatientId, PractitionerId};
use hms_model::role::Role;
use hms_model::{Email, Invalid, LanguageTag};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

coded_enum! {
    /// Whether an account may sign in.
    pub enum AccountStatus {
        /// It may.
        Active = "active",
        /// It may not, and its sessions have ended.
        Disabled = "disabled",
    }
}

/// An account as its holder and the admins see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Where mail reaches its holder; a name to sign in with.
    pub email: String,
    /// A short name to sign in with, if it has one.
    pub username: Option<String>,
    /// What its holder is.
    pub roles: Vec<Role>,
    /// Whether it may sign in.
    pub status: AccountStatus,
    /// Whether its holder has shown that the e-mail address is theirs.
    pub email_verified: bool,
    /// The patient who is the holder.
    pub patient_id: Option<PatientId>,
    /// The practitioner who is the holder.
    pub practitioner_id: Option<PractitionerId>,
    /// The language in which to write to its holder.
    pub language: Option<LanguageTag>,
    /// Its version, for `If-Match`.
    pub version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// A user name: 3 to 64 characters of `a` to `z`, `0` to `9`, `.`, `_` and `-`, beginning with a letter, kept in
/// lower case. It has no `@`, so that none is ever taken for an e-mail address.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(value_type = String, pattern = "^[A-Za-z][A-Za-z0-9._-]{2,63}$", examples("ann.andersson"))]
pub struct Username(String);

/// What an account is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAccount {
    /// Its e-mail address.
    pub email: Email,
    /// Its user name.
    pub username: Option<Username>,
    /// Its roles.
    pub roles: Vec<Role>,
    /// Whether the e-mail address is known to be the holder's: an admin says so, or a mail has reached it.
    pub email_verified: bool,
    /// The patient who is the holder.
    pub patient_id: Option<PatientId>,
    /// The practitioner who is the holder.
    pub practitioner_id: Option<PractitionerId>,
    /// The language in which to write to its holder.
    pub language: Option<LanguageTag>,
}

/// Why something cannot be done with an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// An account of no role could do nothing.
    #[error("must name at least one role")]
    NoRoles,
    /// Whoever disables their own account locks themselves out, perhaps as the last admin.
    #[error("nobody disables or deletes their own account here")]
    OwnAccount,
    /// Otherwise the last admin could be gone.
    #[error("the account of an admin is deleted by another admin")]
    AdminsOwn,
}

impl FromStr for Username {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let name = text.trim().to_ascii_lowercase();
        let known = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-');
        let right = (3..=64).contains(&name.len())
            && name.bytes().all(known)
            && name.starts_with(|first: char| first.is_ascii_lowercase());
        if right {
            Ok(Self(name))
        } else {
            Err(Invalid("must have 3 to 64 of a-z, 0-9, '.', '_', '-' and begin with a letter".into()))
        }
    }
}

impl TryFrom<String> for Username {
    type Error = Invalid;
    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl Username {
    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl NewAccount {
    /// Its names, which its password must not be.
    pub fn names(&self) -> Vec<&str> {
        [Some(self.email.as_str()), self.username.as_ref().map(Username::as_str)]
            .into_iter()
            .flatten()
            .collect()
    }
}

/// Makes an account.
pub fn register(new: NewAccount, id: AccountId, now: DateTime<Utc>) -> Result<Account, Refusal> {
    let mut roles = new.roles;
    roles.sort_unstable();
    roles.dedup();
    if roles.is_empty() {
        return Err(Refusal::NoRoles);
    }
    Ok(Account {
        id,
        email: new.email.into(),
        username: new.username.map(|name| name.0),
        roles,
        status: AccountStatus::Active,
        email_verified: new.email_verified,
        patient_id: new.patient_id,
        practitioner_id: new.practitioner_id,
        language: new.language,
        version: 1,
        created_at: now,
        updated_at: now,
    })
}

impl Account {
    /// The account with another status or another language, on behalf of `caller`; none when it is so already.
    pub fn changed(
        &self,
        status: Option<AccountStatus>,
        language: Option<LanguageTag>,
        caller: AccountId,
        now: DateTime<Utc>,
    ) -> Result<Option<Self>, Refusal> {
        let (status, language) = (status.unwrap_or(self.status), language.or_else(|| self.language.clone()));
        if (self.status, &self.language) == (status, &language) {
            return Ok(None);
        }
        if status == AccountStatus::Disabled && self.is_active() && self.id == caller {
            return Err(Refusal::OwnAccount);
        }
        Ok(Some(Self { status, language, version: self.version + 1, updated_at: now, ..self.clone() }))
    }

    /// The account with its address verified; none when it was before.
    pub fn with_verified_email(&self, now: DateTime<Utc>) -> Option<Self> {
        (!self.email_verified).then(|| Self {
            email_verified: true,
            version: self.version + 1,
            updated_at: now,
            ..self.clone()
        })
    }

    /// Its names, which its password must not be.
    pub fn names(&self) -> Vec<&str> {
        [Some(self.email.as_str()), self.username.as_deref()].into_iter().flatten().collect()
    }

    /// Whether it may sign in.
    pub fn is_active(&self) -> bool {
        self.status == AccountStatus::Active
    }

    /// What is told when it is gone.
    pub fn deleted(&self) -> AccountDeleted {
        AccountDeleted { account_id: self.id, version: self.version + 1 }
    }

    /// What is told of it when it is new.
    pub fn registered(&self) -> AccountRegistered {
        AccountRegistered { account_id: self.id, version: self.version, roles: self.roles.clone() }
    }
}

#[cfg(test)]
mod tests {
    use hms_model::id::Id;

    use super::*;

    fn new(roles: &[Role]) -> NewAccount {
        NewAccount {
            email: "ann@example.org".parse().unwrap(),
            username: Some("Ann.A".parse().unwrap()),
            roles: roles.to_vec(),
            email_verified: false,
            patient_id: None,
            practitioner_id: None,
            language: None,
        }
    }

    #[test]
    fn user_names_are_plain_and_in_lower_case() {
        assert_eq!("  Ann.A ".parse::<Username>().unwrap().as_str(), "ann.a");
        for wrong in ["", "an", "1ann", ".ann", "ann@example.org", "ann andersson", "änn", &"a".repeat(65)] {
            assert!(wrong.parse::<Username>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_account_has_each_role_once_and_at_least_one() {
        let now = DateTime::UNIX_EPOCH;
        let account = register(new(&[Role::Nurse, Role::Doctor, Role::Nurse]), Id::new(now), now).unwrap();
        assert_eq!(account.roles, [Role::Doctor, Role::Nurse]);
        assert_eq!(register(new(&[]), Id::new(now), now), Err(Refusal::NoRoles));
    }

    #[test]
    fn a_status_is_changed_by_someone_else() {
        use AccountStatus::{Active, Disabled};
        let now = DateTime::UNIX_EPOCH;
        let (own, other) = (Id::new(now), Id::new(now));
        let active = register(new(&[Role::Admin]), own, now).unwrap();
        let disabled = Account { status: Disabled, ..active.clone() };
        let cases = [
            (&active, Disabled, other, Ok(Some(Disabled))),
            (&active, Disabled, own, Err(Refusal::OwnAccount)),
            (&active, Active, own, Ok(None)),
            (&disabled, Active, other, Ok(Some(Active))),
            (&disabled, Disabled, other, Ok(None)),
        ];
        for (account, status, caller, expected) in cases {
            let changed = account.changed(Some(status), None, caller, now);
            let told = changed.map(|changed| changed.map(|account| (account.status, account.version)));
            assert_eq!(told, expected.map(|status| status.map(|status| (status, 2))), "{status}");
        }
    }

    #[test]
    fn a_language_is_anybodys_to_change() {
        let (now, tag) = (DateTime::UNIX_EPOCH, |text: &str| Some(text.parse::<LanguageTag>().unwrap()));
        let account = register(new(&[Role::Admin]), Id::new(now), now).unwrap();
        let german = account.changed(None, tag("de-AT"), account.id, now).unwrap().unwrap();
        assert_eq!((&german.language, german.status, german.version), (&tag("de-AT"), account.status, 2));
        assert_eq!(german.changed(None, None, account.id, now), Ok(None));
        assert_eq!(german.changed(Some(german.status), tag("de-AT"), account.id, now), Ok(None));
    }
}
