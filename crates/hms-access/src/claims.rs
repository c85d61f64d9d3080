//! What an access token says (RFC 9068, JWT profile for access tokens).

use chrono::{DateTime, TimeDelta, Utc};
use hms_model::id::{AccountId, DepartmentId, Id, PatientId, PractitionerId, SessionId};
use hms_model::role::{Reach, Requirement, Role, Scope};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The issuer that stands in every token.
pub(crate) const ISSUER: &str = "hms";

/// Whom a token is meant for (RFC 7519, 4.1.3): the API, through the gateway and at every service.
pub const AUDIENCE: &str = "hms";

/// The audience of the tokens by which services speak to each other: good on internal routes and nowhere else.
pub const INTERNAL_AUDIENCE: &str = "hms-internal";

/// The claims of an access token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Claims {
    /// Who issued it.
    pub iss: String,
    /// Whom it is meant for; a token that names nobody is from before there was a choice.
    #[serde(default = "api")]
    pub aud: String,
    /// Whose it is.
    pub sub: AccountId,
    /// What can be revoked as one: a sign-in, an API key, a grant or a client, by its id.
    pub sid: SessionId,
    /// The id of the token itself.
    pub jti: Uuid,
    /// When it was issued, in seconds since 1970.
    pub iat: i64,
    /// From when on it is valid, in seconds since 1970, if that is not at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
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
    /// Which program acts: an OAuth client or an API key by its id, a service by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The one department that an API key or a client is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department_id: Option<DepartmentId>,
    /// How the person was recognised (RFC 8176): `pwd`, `otp`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// Whether the token is good for setting up a second factor and for nothing else.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub enrolling: bool,
    /// The rate-limit plan, where it is not `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
}

fn api() -> String {
    AUDIENCE.to_owned()
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
            aud: AUDIENCE.to_owned(),
            sub,
            sid,
            jti: Id::<()>::new(now).uuid(),
            iat: now.timestamp(),
            nbf: None,
            exp: (now + lifetime).timestamp(),
            roles,
            scope,
            patient_id: None,
            practitioner_id: None,
            client_id: None,
            department_id: None,
            amr: Vec::new(),
            enrolling: false,
            plan: None,
        }
    }

    /// Whether the token meets what a handler asks for.
    pub fn meets(&self, requirement: Requirement) -> bool {
        match requirement {
            Requirement::Nothing => true,
            Requirement::SignedIn => !self.enrolling,
            Requirement::InPerson => !self.enrolling && self.is_person(),
            Requirement::Enrolling => self.is_person(),
            Requirement::Scope(scope) => !self.enrolling && self.gives(scope),
            Requirement::Internal => self.aud == INTERNAL_AUDIENCE && self.roles == [Role::Service],
        }
    }

    /// Whether it holds this scope, which a department must be able to have where the token is bound to one.
    fn gives(&self, scope: Scope) -> bool {
        let beyond = self.department_id.is_some() && scope.is_of_the_whole();
        self.scope.contains(&scope) && !beyond
    }

    /// Whether it comes from a person's own sign-in.
    fn is_person(&self) -> bool {
        self.aud == AUDIENCE && self.client_id.is_none()
    }

    /// Whether the account works for the organisation.
    pub fn is_staff(&self) -> bool {
        self.roles.iter().any(|role| role.is_staff())
    }

    /// Whose records the account may touch by what a handler asks for. Who works here and is a patient here has scopes of
    /// both roles: one that only the patient's role gives reaches what is their own.
    pub fn reach_for(&self, requirement: Requirement) -> Reach {
        let Requirement::Scope(scope) = requirement else { return self.reach() };
        let gives = |role: &&Role| role.scopes().any(|given| given == scope);
        let at_work = self.roles.iter().filter(|role| role.is_staff()).any(|role| gives(&role));
        if at_work || !self.is_staff() || !self.roles.contains(&Role::Patient) {
            return self.reach();
        }
        // A key of a department is nobody's own.
        let patient_id = self.patient_id.filter(|_| self.department_id.is_none());
        Reach::Own { account_id: self.sub, patient_id }
    }

    /// Whose records the account may touch: staff and machine clients everyone's, unless they are bound to one
    /// department; all others their own.
    pub fn reach(&self) -> Reach {
        match self.department_id {
            _ if !self.is_staff() && self.roles != [Role::Service] => {
                Reach::Own { account_id: self.sub, patient_id: self.patient_id }
            }
            Some(department_id) => Reach::Department { department_id },
            None => Reach::Everyone,
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
