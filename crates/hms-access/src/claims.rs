//! What an access token says (RFC 9068, JWT profile for access tokens).

use chrono::{DateTime, TimeDelta, Utc};
use hms_model::id::{AccountId, Id, PatientId, PractitionerId, SessionId};
use hms_model::role::{Reach, Requirement, Role, Scope};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The issuer that stands in every token.
pub(crate) const ISSUER: &str = "hms";

/// The claims of an access token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Claims {
    /// Who issued it.
    pub iss: String,
    /// Whose it is.
    pub sub: AccountId,
    /// The sign-in it comes from.
    pub sid: SessionId,
    /// The id of the token itself.
    pub jti: Uuid,
    /// When it was issued, in seconds since 1970.
    pub iat: i64,
    /// From when on it is no longer valid, in seconds since 1970.
    pub exp: i64,
    /// The roles of the account.
    pub roles: Vec<Role>,
    /// The scopes, as OAuth writes them: words with spaces between (RFC 6749, 3.3).
    #[serde(with = "scope_words")]
    pub scope: Vec<Scope>,
    /// The patient who is the account's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patient_id: Option<PatientId>,
    /// The practitioner who is the account's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub practitioner_id: Option<PractitionerId>,
}

impl Claims {
    /// The claims of an account for one session, with all scopes that its roles give.
    pub fn new(
        sub: AccountId,
        sid: SessionId,
        roles: Vec<Role>,
        now: DateTime<Utc>,
        lifetime: TimeDelta,
    ) -> Self {
        let mut scope: Vec<Scope> = roles.iter().flat_map(|role| role.scopes()).collect();
        scope.sort_unstable();
        scope.dedup();
        Self {
            iss: ISSUER.to_owned(),
            sub,
            sid,
            jti: Id::<()>::new(now).uuid(),
            iat: now.timestamp(),
            exp: (now + lifetime).timestamp(),
            roles,
            scope,
            patient_id: None,
            practitioner_id: None,
        }
    }

    /// Whether the token meets what a handler asks for.
    pub fn meets(&self, requirement: Requirement) -> bool {
        match requirement {
            Requirement::Nothing | Requirement::SignedIn => true,
            Requirement::Scope(scope) => self.scope.contains(&scope),
        }
    }

    /// Whether the account works for the organisation.
    pub fn is_staff(&self) -> bool {
        self.roles.iter().any(|role| role.is_staff())
    }

    /// Whose records the account may touch.
    pub fn reach(&self) -> Reach {
        if self.is_staff() {
            Reach::Everyone
        } else {
            Reach::Own { account_id: self.sub, patient_id: self.patient_id }
        }
    }
}

mod scope_words {
    use hms_model::Coded;
    use hms_model::role::Scope;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(scopes: &[Scope], serializer: S) -> Result<S::Ok, S::Error> {
        let words: Vec<_> = scopes.iter().map(|scope| scope.code()).collect();
        serializer.serialize_str(&words.join(" "))
    }

    /// A scope that this program does not know yet gives nothing here, and is passed over.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Scope>, D::Error> {
        let words = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Ok(words.split(' ').filter_map(Scope::from_code).collect())
    }
}
