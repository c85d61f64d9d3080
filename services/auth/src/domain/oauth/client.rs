//! Programs that are registered as clients.

use chrono::{DateTime, Utc};
use hms_model::id::{AccountId, ClientId, DepartmentId};
use hms_model::{Text, coded_enum};
use serde::Serialize;
use utoipa::ToSchema;

use super::error::{ErrorCode, Refused};
use super::redirect::RedirectUri;
use super::scope::{Granted, Scopes};

const MOST_REDIRECT_URIS: usize = 20;

coded_enum! {
    /// Whether a program can keep a secret (RFC 6749, 2.1).
    pub enum ClientKind {
        /// It can: it runs on a server.
        Confidential = "confidential",
        /// It cannot: it runs in a browser or on somebody's phone.
        Public = "public",
    }
}

coded_enum! {
    /// How a client may come by a token.
    pub enum GrantType {
        /// Somebody signs in and allows it (RFC 6749, 4.1, always with PKCE).
        AuthorizationCode = "authorization_code",
        /// A refresh token follows it.
        RefreshToken = "refresh_token",
        /// It acts for itself (RFC 6749, 4.4).
        ClientCredentials = "client_credentials",
    }
}

/// A client, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct OauthClient {
    /// Its id, the `client_id`.
    pub id: ClientId,
    /// What people read before they allow it.
    pub name: String,
    /// Whether it has a secret.
    pub kind: ClientKind,
    /// Where it may be answered.
    #[schema(value_type = Vec<String>)]
    pub redirect_uris: Vec<RedirectUri>,
    /// How it may come by a token.
    pub grant_types: Vec<GrantType>,
    /// What it may ask for.
    #[schema(value_type = Vec<String>)]
    pub scopes: Scopes,
    /// The one department whose records it reaches.
    pub department_id: Option<DepartmentId>,
    /// Since when it is gone.
    pub revoked_at: Option<DateTime<Utc>>,
    /// Who registered it.
    pub created_by: AccountId,
    /// Its version, for `If-Match`.
    pub version: i64,
    /// When it was registered.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// What a client is made of.
#[derive(Debug, Clone)]
pub struct NewClient {
    /// What people read before they allow it.
    pub name: Text<1, 100>,
    /// Whether it can keep a secret.
    pub kind: ClientKind,
    /// Where it may be answered.
    pub redirect_uris: Vec<RedirectUri>,
    /// How it may come by a token.
    pub grant_types: Vec<GrantType>,
    /// What it may ask for.
    pub scopes: Scopes,
    /// The one department whose records it reaches.
    pub department_id: Option<DepartmentId>,
}

/// What changes in a client; what is not named stays.
#[derive(Debug, Clone, Default)]
pub struct ClientChanges {
    /// What people read before they allow it.
    pub name: Option<Text<1, 100>>,
    /// Where it may be answered.
    pub redirect_uris: Option<Vec<RedirectUri>>,
    /// How it may come by a token.
    pub grant_types: Option<Vec<GrantType>>,
    /// What it may ask for.
    pub scopes: Option<Scopes>,
}

/// Why a client cannot be so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It could do nothing.
    #[error("must name authorization_code or client_credentials")]
    NoGrant,
    /// A program without a secret cannot prove who it is.
    #[error("client_credentials is for confidential clients")]
    NoSecret,
    /// Nobody could be sent back.
    #[error("authorization_code needs at least one redirect URI")]
    NoRedirectUri,
    /// More than anybody can oversee.
    #[error("at most {MOST_REDIRECT_URIS}")]
    TooManyRedirectUris,
    /// No department has some of them.
    #[error("a client of a department has none that are about the organisation as a whole")]
    OfTheWhole,
    /// It is gone, and stays so.
    #[error("The client is gone.")]
    Revoked,
    /// It has none to replace.
    #[error("A public client has no secret.")]
    PublicHasNone,
}

/// Registers a client.
pub fn register(
    new: NewClient,
    by: AccountId,
    id: ClientId,
    now: DateTime<Utc>,
) -> Result<OauthClient, Refusal> {
    let client = OauthClient {
        id,
        name: new.name.into(),
        kind: new.kind,
        redirect_uris: new.redirect_uris,
        grant_types: new.grant_types,
        scopes: new.scopes,
        department_id: new.department_id,
        revoked_at: None,
        created_by: by,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    client.checked()
}

impl OauthClient {
    fn checked(mut self) -> Result<Self, Refusal> {
        self.grant_types.sort_unstable();
        self.grant_types.dedup();
        let (code, own) = (self.may(GrantType::AuthorizationCode), self.may(GrantType::ClientCredentials));
        match () {
            () if !code && !own => Err(Refusal::NoGrant),
            () if own && self.kind == ClientKind::Public => Err(Refusal::NoSecret),
            () if code && self.redirect_uris.is_empty() => Err(Refusal::NoRedirectUri),
            () if self.redirect_uris.len() > MOST_REDIRECT_URIS => Err(Refusal::TooManyRedirectUris),
            () if self.department_id.is_some() && self.scopes.hms().iter().any(|it| it.is_of_the_whole()) => {
                Err(Refusal::OfTheWhole)
            }
            () => Ok(self),
        }
    }

    /// Whether it may come by a token in this way.
    pub fn may(&self, grant: GrantType) -> bool {
        self.grant_types.contains(&grant)
    }

    /// Whether it is there.
    pub fn is_active(&self) -> bool {
        self.revoked_at.is_none()
    }

    fn next(&self, now: DateTime<Utc>) -> Result<Self, Refusal> {
        match self.revoked_at {
            Some(_) => Err(Refusal::Revoked),
            None => Ok(Self { version: self.version + 1, updated_at: now, ..self.clone() }),
        }
    }

    /// The client with changes.
    pub fn change(&self, changes: ClientChanges, now: DateTime<Utc>) -> Result<Self, Refusal> {
        let mut client = self.next(now)?;
        client.name = changes.name.map_or(client.name, Into::into);
        client.redirect_uris = changes.redirect_uris.unwrap_or(client.redirect_uris);
        client.grant_types = changes.grant_types.unwrap_or(client.grant_types);
        client.scopes = changes.scopes.unwrap_or(client.scopes);
        client.checked()
    }

    /// The client with another secret.
    pub fn with_new_secret(&self, now: DateTime<Utc>) -> Result<Self, Refusal> {
        match self.kind {
            ClientKind::Public => Err(Refusal::PublicHasNone),
            ClientKind::Confidential => self.next(now),
        }
    }

    /// The client, gone; none when it is already.
    pub fn revoke(&self, now: DateTime<Utc>) -> Option<Self> {
        self.next(now).ok().map(|client| Self { revoked_at: Some(now), ..client })
    }

    /// What it gets when it acts for itself: nothing that is about a person.
    pub fn own_scopes(&self, asked: Option<&str>) -> Result<Scopes, Refused> {
        if !self.may(GrantType::ClientCredentials) {
            let description = "the client may not use client_credentials";
            return Err(Refused::new(ErrorCode::UnauthorizedClient, description));
        }
        let allowed: Scopes = self.scopes.hms().into_iter().map(Granted::Hms).collect();
        Scopes::requested(asked, &allowed)
    }
}

#[cfg(test)]
mod tests {
    use hms_model::id::Id;

    use super::*;

    fn client(kind: ClientKind, grants: &[GrantType], uris: &[&str]) -> Result<OauthClient, Refusal> {
        let new = NewClient {
            name: "An app".parse().unwrap(),
            kind,
            redirect_uris: uris.iter().map(|uri| uri.parse().unwrap()).collect(),
            grant_types: grants.to_vec(),
            scopes: Scopes::parse("openid patient:read appointment:read").unwrap(),
            department_id: None,
        };
        let now = DateTime::UNIX_EPOCH;
        register(new, Id::new(now), Id::new(now), now)
    }

    #[test]
    fn a_client_is_one_that_can_come_by_a_token() {
        use ClientKind::{Confidential, Public};
        use GrantType::{AuthorizationCode, ClientCredentials, RefreshToken};
        let (uri, none): (&[&str], &[&str]) = (&["https://app.example/cb"], &[]);
        let many = vec!["https://app.example/cb"; MOST_REDIRECT_URIS + 1];
        let cases = [
            (Public, &[AuthorizationCode, RefreshToken][..], uri, Ok(2)),
            (Confidential, &[ClientCredentials], none, Ok(1)),
            (Confidential, &[ClientCredentials, AuthorizationCode, ClientCredentials], uri, Ok(2)),
            (Public, &[ClientCredentials], none, Err(Refusal::NoSecret)),
            (Public, &[AuthorizationCode], none, Err(Refusal::NoRedirectUri)),
            (Confidential, &[AuthorizationCode], none, Err(Refusal::NoRedirectUri)),
            (Public, &[RefreshToken], uri, Err(Refusal::NoGrant)),
            (Public, &[], uri, Err(Refusal::NoGrant)),
            (Public, &[AuthorizationCode], &many, Err(Refusal::TooManyRedirectUris)),
        ];
        for (kind, grants, uris, expected) in cases {
            let made = client(kind, grants, uris);
            assert_eq!(made.map(|client| client.grant_types.len()), expected, "{kind} {grants:?}");
        }
    }

    #[test]
    fn a_client_of_a_department_has_no_scope_of_the_whole() {
        let client = client(ClientKind::Confidential, &[GrantType::ClientCredentials], &[]).unwrap();
        let now = DateTime::UNIX_EPOCH;
        let scopes =
            |words: &str| ClientChanges { scopes: Scopes::parse(words).ok(), ..ClientChanges::default() };
        assert!(client.change(scopes("patient:read account:write"), now).is_ok());
        let bound = OauthClient { department_id: Some(Id::new(now)), ..client };
        assert!(bound.change(scopes("openid patient:read"), now).is_ok());
        assert_eq!(bound.change(scopes("patient:read account:write"), now), Err(Refusal::OfTheWhole));
    }

    #[test]
    fn a_client_that_acts_for_itself_is_nobody_who_signs_in() {
        let own = client(ClientKind::Confidential, &[GrantType::ClientCredentials], &[]).unwrap();
        assert_eq!(own.own_scopes(None).unwrap().words(), "patient:read appointment:read");
        assert_eq!(own.own_scopes(Some("patient:read")).unwrap().words(), "patient:read");
        for beyond in ["openid", "patient:write", "patient:read openid"] {
            assert_eq!(own.own_scopes(Some(beyond)).unwrap_err().code, ErrorCode::InvalidScope, "{beyond}");
        }
        let app = client(ClientKind::Public, &[GrantType::AuthorizationCode], &["https://app.example/cb"]);
        assert_eq!(app.unwrap().own_scopes(None).unwrap_err().code, ErrorCode::UnauthorizedClient);
    }

    #[test]
    fn a_client_that_is_gone_stays_so() {
        let now = DateTime::UNIX_EPOCH;
        let made = client(ClientKind::Confidential, &[GrantType::ClientCredentials], &[]).unwrap();
        let gone = made.revoke(now).unwrap();
        assert!(!gone.is_active());
        assert_eq!(gone.revoke(now), None);
        assert_eq!(gone.change(ClientChanges::default(), now), Err(Refusal::Revoked));
        assert_eq!(gone.with_new_secret(now), Err(Refusal::Revoked));
        let public =
            client(ClientKind::Public, &[GrantType::AuthorizationCode], &["https://app.example/cb"]).unwrap();
        assert_eq!(public.with_new_secret(now), Err(Refusal::PublicHasNone));
    }
}
