//! What a client asks of a person (RFC 6749, 4.1.1, OpenID Connect Core 1.0, 3.1.2.1), checked before anyone is shown
//! anything.

use hms_model::id::ClientId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::client::{GrantType, OauthClient};
use super::code::is_challenge;
use super::error::{ErrorCode, Refused};
use super::scope::Scopes;

/// A parameter that is longer is none that a client means.
const LONGEST: usize = 2_000;

/// The parameters of the request, as they came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
pub struct Parameters {
    /// `code`.
    pub response_type: Option<String>,
    /// The client.
    pub client_id: Option<String>,
    /// Where to answer: one of those that are registered.
    pub redirect_uri: Option<String>,
    /// What it asks for: words with spaces between them.
    pub scope: Option<String>,
    /// Given back as it came.
    pub state: Option<String>,
    /// What the ID token repeats.
    pub nonce: Option<String>,
    /// The challenge of PKCE.
    pub code_challenge: Option<String>,
    /// `S256`.
    pub code_challenge_method: Option<String>,
    /// `query`, where it is said.
    pub response_mode: Option<String>,
    /// `login` or `consent` is what happens anyway; with `none` nobody is asked, and nobody signs in.
    pub prompt: Option<String>,
    /// Requests as a JWT are not taken.
    pub request: Option<String>,
    /// Requests by reference are not taken.
    pub request_uri: Option<String>,
}

/// A request that keeps all rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    /// Who asks.
    pub client_id: ClientId,
    /// Where to answer.
    pub redirect_uri: String,
    /// What is asked for.
    pub scopes: Scopes,
    /// Given back as it came.
    pub state: Option<String>,
    /// What the ID token repeats.
    pub nonce: Option<String>,
    /// The challenge of PKCE.
    pub challenge: String,
}

/// Why a request goes no further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// Nobody may be sent anywhere: the client or its redirect URI is not known. The person reads why.
    Here(&'static str),
    /// The client is told.
    Back {
        /// Where to.
        redirect_uri: String,
        /// Given back as it came.
        state: Option<String>,
        /// Why.
        refused: Refused,
    },
}

impl Parameters {
    /// The client that is named.
    pub fn client(&self) -> Option<ClientId> {
        self.client_id.as_deref()?.parse().ok()
    }

    /// Checks the request of this client.
    pub fn check(&self, client: Option<&OauthClient>) -> Result<Authorization, Stop> {
        let client =
            client.filter(|client| client.is_active()).ok_or(Stop::Here("The client is not known."))?;
        let uri = self.redirect_uri.as_deref().ok_or(Stop::Here("There is no redirect_uri."))?;
        if !client.redirect_uris.iter().any(|registered| registered.admits(uri)) {
            return Err(Stop::Here("The redirect_uri is not one that the client has registered."));
        }
        self.check_rest(client, uri).map_err(|refused| Stop::Back {
            redirect_uri: uri.to_owned(),
            state: self.state.clone(),
            refused,
        })
    }

    fn check_rest(&self, client: &OauthClient, uri: &str) -> Result<Authorization, Refused> {
        let refuse = |code, description: &'static str| Err(Refused::new(code, description));
        if self.request.is_some() {
            return refuse(ErrorCode::RequestNotSupported, "request objects are not taken");
        }
        if self.request_uri.is_some() {
            return refuse(ErrorCode::RequestUriNotSupported, "request objects are not taken");
        }
        if self.longest() > LONGEST {
            return refuse(ErrorCode::InvalidRequest, "a parameter is too long");
        }
        match self.response_type.as_deref() {
            Some("code") => {}
            Some(_) => return refuse(ErrorCode::UnsupportedResponseType, "response_type must be code"),
            None => return refuse(ErrorCode::InvalidRequest, "there is no response_type"),
        }
        if !client.may(GrantType::AuthorizationCode) {
            return refuse(ErrorCode::UnauthorizedClient, "the client may not use authorization_code");
        }
        if self.response_mode.as_deref().is_some_and(|mode| mode != "query") {
            return refuse(ErrorCode::InvalidRequest, "response_mode must be query");
        }
        if self.code_challenge_method.as_deref() != Some("S256") {
            return refuse(ErrorCode::InvalidRequest, "code_challenge_method must be S256");
        }
        let challenge = self.code_challenge.as_deref().filter(|challenge| is_challenge(challenge));
        let Some(challenge) = challenge else {
            return refuse(ErrorCode::InvalidRequest, "there is no code_challenge of 43 characters");
        };
        if self.prompt.as_deref() == Some("none") {
            return refuse(ErrorCode::LoginRequired, "nobody is signed in without being asked");
        }
        Ok(Authorization {
            client_id: client.id,
            redirect_uri: uri.to_owned(),
            scopes: Scopes::requested(self.scope.as_deref(), &client.scopes)?,
            state: self.state.clone(),
            nonce: self.nonce.clone(),
            challenge: challenge.to_owned(),
        })
    }

    fn longest(&self) -> usize {
        let all = [&self.scope, &self.state, &self.nonce, &self.redirect_uri, &self.prompt];
        all.into_iter().flatten().map(String::len).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use hms_model::id::Id;

    use super::super::client::{ClientKind, NewClient, register};
    use super::*;

    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn app(grant: GrantType) -> OauthClient {
        let new = NewClient {
            name: "An app".parse().unwrap(),
            kind: ClientKind::Confidential,
            redirect_uris: vec!["https://app.example/cb".parse().unwrap()],
            grant_types: vec![grant],
            scopes: Scopes::parse("openid patient:read").unwrap(),
            department_id: None,
        };
        let now = DateTime::UNIX_EPOCH;
        register(new, Id::new(now), Id::new(now), now).unwrap()
    }

    fn right() -> Parameters {
        let text = |text: &str| Some(text.to_owned());
        Parameters {
            response_type: text("code"),
            redirect_uri: text("https://app.example/cb"),
            scope: text("openid"),
            state: text("s"),
            code_challenge: text(CHALLENGE),
            code_challenge_method: text("S256"),
            ..Parameters::default()
        }
    }

    #[test]
    fn nobody_is_sent_to_a_place_that_is_not_registered() {
        let client = app(GrantType::AuthorizationCode);
        let gone = client.revoke(DateTime::UNIX_EPOCH).unwrap();
        let elsewhere = Parameters { redirect_uri: Some("https://evil.example/".into()), ..right() };
        let nowhere = Parameters { redirect_uri: None, ..right() };
        for (parameters, client) in
            [(right(), None), (right(), Some(&gone)), (elsewhere, Some(&client)), (nowhere, Some(&client))]
        {
            assert!(matches!(parameters.check(client), Err(Stop::Here(_))), "{parameters:?}");
        }
    }

    #[test]
    fn the_client_is_told_what_is_wrong_with_its_request() {
        let client = app(GrantType::AuthorizationCode);
        let text = |text: &str| Some(text.to_owned());
        let cases = [
            (right(), None),
            (Parameters { scope: None, ..right() }, None),
            (Parameters { prompt: text("login"), response_mode: text("query"), ..right() }, None),
            (Parameters { response_type: None, ..right() }, Some(ErrorCode::InvalidRequest)),
            (
                Parameters { response_type: text("token"), ..right() },
                Some(ErrorCode::UnsupportedResponseType),
            ),
            (Parameters { response_mode: text("fragment"), ..right() }, Some(ErrorCode::InvalidRequest)),
            (Parameters { code_challenge: None, ..right() }, Some(ErrorCode::InvalidRequest)),
            (Parameters { code_challenge: text("short"), ..right() }, Some(ErrorCode::InvalidRequest)),
            (Parameters { code_challenge_method: None, ..right() }, Some(ErrorCode::InvalidRequest)),
            (Parameters { code_challenge_method: text("plain"), ..right() }, Some(ErrorCode::InvalidRequest)),
            (Parameters { scope: text("account:write"), ..right() }, Some(ErrorCode::InvalidScope)),
            (Parameters { prompt: text("none"), ..right() }, Some(ErrorCode::LoginRequired)),
            (Parameters { request: text("a.b.c"), ..right() }, Some(ErrorCode::RequestNotSupported)),
            (
                Parameters { request_uri: text("https://a"), ..right() },
                Some(ErrorCode::RequestUriNotSupported),
            ),
            (Parameters { state: Some("s".repeat(LONGEST + 1)), ..right() }, Some(ErrorCode::InvalidRequest)),
        ];
        for (parameters, expected) in cases {
            let code = match parameters.check(Some(&client)) {
                Ok(_) => None,
                Err(Stop::Back { refused, redirect_uri, state }) => {
                    assert_eq!(
                        (redirect_uri.as_str(), state),
                        ("https://app.example/cb", parameters.state.clone())
                    );
                    Some(refused.code)
                }
                Err(stop) => panic!("{stop:?}"),
            };
            assert_eq!(code, expected, "{parameters:?}");
        }
        let machine = app(GrantType::ClientCredentials);
        let stop = right().check(Some(&machine)).unwrap_err();
        assert!(matches!(stop, Stop::Back { refused, .. } if refused.code == ErrorCode::UnauthorizedClient));
    }
}
