//! Identify: who comes. A request without a token passes on, since some routes are for everybody and the service knows
//! which; a token or an API key that is there and not good ends the request here. Whoever comes with an API key goes on
//! with a short token in its place, so that services know one kind of identity only.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use hms_access::{Claims, authorization};
use hms_problem::{Code, Problem};

use super::answer::{self, AnswerBody};
use super::limit;
use super::normalise::ApiPath;
use crate::context::Context;
use crate::identity::Exchanged;
use crate::server::Shared;

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// RFC 6750, 3.1.
const INVALID_TOKEN: HeaderValue = HeaderValue::from_static("Bearer realm=\"hms\", error=\"invalid_token\"");
const INVALID_REQUEST: HeaderValue =
    HeaderValue::from_static("Bearer realm=\"hms\", error=\"invalid_request\"");

/// What a request shows of who sends it.
#[derive(Debug, PartialEq, Eq)]
enum Credentials<'a> {
    Nothing,
    Token(&'a str),
    Key(&'a str),
}

/// Finds out who comes, notes it in the context, and leaves in the headers what the service may see of it. A client of
/// OAuth that shows its own secret is nobody here: the auth service knows it.
pub async fn caller(
    shared: &Shared,
    context: &mut Context,
    headers: &mut HeaderMap,
    path: &ApiPath,
) -> Result<(), Problem> {
    if path.takes_client_credentials() && is_basic_alone(headers) {
        return Ok(());
    }
    match found(shared, context, headers).await {
        Err(problem) if problem.code() == Code::Unauthenticated => {
            let limited = limit::failed(shared.limiter.as_ref(), context.client).await;
            Err(limited.unwrap_or(problem))
        }
        other => other,
    }
}

fn is_basic_alone(headers: &HeaderMap) -> bool {
    let mut given = headers.get_all(header::AUTHORIZATION).map(HeaderValue::as_bytes);
    let basic = given.next().is_some_and(|value| {
        value.trim_ascii_start().get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"basic "))
    });
    basic && given.next().is_none() && !headers.contains_key(X_API_KEY)
}

/// The refusal of a credential, which asks for a better one (RFC 6750, 3).
pub fn refuse(problem: &Problem) -> HttpResponse<AnswerBody> {
    let mut response = answer::refuse(problem);
    let challenge = match problem.code() {
        Code::Unauthenticated | Code::TokenExpired => INVALID_TOKEN,
        Code::InvalidRequest => INVALID_REQUEST,
        _ => return response,
    };
    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    response
}

/// Who asks for one of the gateway's own pages that are not for everybody; those know tokens only.
pub async fn own_caller(shared: &Shared, headers: &HeaderMap) -> Result<Option<Arc<Claims>>, Problem> {
    match credentials(headers)? {
        Credentials::Nothing => Ok(None),
        Credentials::Token(token) => Ok(Some(shared.identity.of_token(token).await?)),
        Credentials::Key(_) => Err(refused("The Authorization header must be: Bearer <token>.")),
    }
}

async fn found(shared: &Shared, context: &mut Context, headers: &mut HeaderMap) -> Result<(), Problem> {
    match credentials(headers)? {
        Credentials::Nothing => {}
        Credentials::Token(token) => context.caller = Some(shared.identity.of_token(token).await?),
        Credentials::Key(key) => {
            let Exchanged { bearer, claims } = Box::pin(of_key(shared, context, key)).await?;
            headers.remove(X_API_KEY);
            headers.insert(header::AUTHORIZATION, bearer);
            context.caller = Some(claims);
        }
    }
    Ok(())
}

/// A key that is not known yet counts as a guess until the auth service knows it.
async fn of_key(shared: &Shared, context: &Context, key: &str) -> Result<Exchanged, Problem> {
    if let Some(known) = shared.identity.remembered(key) {
        return known;
    }
    let Some(limiter) = &shared.limiter else { return shared.identity.of_key(key, context.client).await };
    let (states, guess) = limiter.guess(context.client).await;
    let Some(guess) = guess else { return Err(limit::refusal(&states).unwrap_or(Code::RateLimited.into())) };
    let exchanged = shared.identity.of_key(key, context.client).await;
    // What is wrong with the key is counted where every refusal is.
    limiter.forgive(guess).await;
    exchanged
}

/// What the headers show; of two of a kind the service might take the other one.
fn credentials(headers: &HeaderMap) -> Result<Credentials<'_>, Problem> {
    let mut given = headers.get_all(header::AUTHORIZATION);
    let mut keys = headers.get_all(X_API_KEY);
    let (authorization, key) = (given.next(), keys.next());
    if given.next().is_some() {
        return Err(refused("There is more than one Authorization header."));
    }
    if keys.next().is_some() {
        return Err(refused("There is more than one X-API-Key header."));
    }
    match (authorization, key) {
        (None, None) => Ok(Credentials::Nothing),
        (Some(_), Some(_)) => Err(Problem::new(Code::InvalidRequest)
            .message("The request shows who sends it twice: by Authorization and by X-API-Key.")),
        (None, Some(key)) => {
            let key = key.to_str().map(str::trim).unwrap_or_default();
            if key.is_empty() { Err(refused("The API key is not valid.")) } else { Ok(Credentials::Key(key)) }
        }
        (Some(value), None) => of_authorization(value)
            .ok_or_else(|| refused("The Authorization header must be: Bearer <token>, or ApiKey <key>.")),
    }
}

fn of_authorization(value: &HeaderValue) -> Option<Credentials<'_>> {
    let (scheme, credential) = authorization(value.as_bytes())?;
    match scheme {
        _ if scheme.eq_ignore_ascii_case("bearer") => Some(Credentials::Token(credential)),
        _ if scheme.eq_ignore_ascii_case("apikey") => Some(Credentials::Key(credential)),
        _ => None,
    }
}

fn refused(why: &str) -> Problem {
    Problem::new(Code::Unauthenticated).message(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_shows_one_credential_or_none() {
        let token = || Credentials::Token("abc");
        let key = || Credentials::Key("hms_1_x");
        type Given = &'static [(&'static str, &'static str)];
        let cases: [(Given, Result<Credentials<'_>, Code>); _] = [
            (&[], Ok(Credentials::Nothing)),
            (&[("authorization", "Bearer abc")], Ok(token())),
            (&[("authorization", "bearer  abc ")], Ok(token())),
            (&[("authorization", "ApiKey hms_1_x")], Ok(key())),
            (&[("authorization", "apikey hms_1_x")], Ok(key())),
            (&[("x-api-key", "hms_1_x")], Ok(key())),
            (&[("x-api-key", " hms_1_x ")], Ok(key())),
            (&[("x-api-key", "")], Err(Code::Unauthenticated)),
            (&[("authorization", "Bearer")], Err(Code::Unauthenticated)),
            (&[("authorization", "Basic abc")], Err(Code::Unauthenticated)),
            (&[("authorization", "Bearer a"), ("authorization", "Bearer a")], Err(Code::Unauthenticated)),
            (&[("x-api-key", "a"), ("x-api-key", "a")], Err(Code::Unauthenticated)),
            (&[("authorization", "Bearer abc"), ("x-api-key", "hms_1_x")], Err(Code::InvalidRequest)),
            (&[("authorization", "ApiKey hms_1_x"), ("x-api-key", "hms_1_x")], Err(Code::InvalidRequest)),
        ];
        for (given, expected) in cases {
            let mut headers = HeaderMap::new();
            for (name, value) in given {
                headers.append(name.parse().unwrap(), HeaderValue::from_str(value).unwrap());
            }
            assert_eq!(credentials(&headers).map_err(|problem| problem.code()), expected, "{given:?}");
        }
    }

    #[test]
    fn a_client_of_oauth_shows_its_secret_and_nothing_else() {
        type Given = &'static [(&'static str, &'static str)];
        let cases: [(Given, bool); _] = [
            (&[("authorization", "Basic abc")], true),
            (&[("authorization", "basic abc")], true),
            (&[("authorization", "Bearer abc")], false),
            (&[("authorization", "Basic")], false),
            (&[("authorization", "Basic a"), ("authorization", "Basic b")], false),
            (&[("authorization", "Basic a"), ("authorization", "Bearer b")], false),
            (&[("authorization", "Basic a"), ("x-api-key", "b")], false),
            (&[], false),
        ];
        for (given, alone) in cases {
            let mut headers = HeaderMap::new();
            for (name, value) in given {
                headers.append(name.parse().unwrap(), HeaderValue::from_str(value).unwrap());
            }
            assert_eq!(is_basic_alone(&headers), alone, "{given:?}");
        }
    }
}
