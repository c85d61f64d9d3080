//! `GET /oauth/authorize`.

use actix_web::http::header::{ACCEPT, CACHE_CONTROL, LOCATION, REFERRER_POLICY};
use actix_web::{HttpRequest, HttpResponse, ResponseError, get, web};
use hms_api::Problems;
use hms_db::Error;
use hms_model::Coded;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::Call;

use super::page::{self, Tie};
use crate::State;
use crate::domain::oauth::authorization::{Authorization, Parameters, Stop};
use crate::domain::oauth::client::OauthClient;
use crate::domain::oauth::redirect::RedirectUri;
use crate::store::clients;

/// Shows a person who asks for what, and lets them sign in and allow it. Where the client or its redirect URI is not
/// known, nobody is sent anywhere; every other error goes back to the client.
#[utoipa::path(tag = "oauth", operation_id = "oauth_authorize", params(Parameters),
    responses(
        (status = 200, description = "The page.", body = String, content_type = "text/html"),
        (status = 303, description = "Back to the client, with what is wrong."),
        Problems,
    ))]
#[get("/oauth/authorize")]
pub async fn authorize(
    call: Call<scope::Anyone>,
    state: web::Data<State>,
    request: HttpRequest,
    parameters: Result<web::Query<Parameters>, actix_web::Error>,
) -> Result<HttpResponse, Problem> {
    let issuer = state.issuer.issuer();
    let Ok(parameters) = parameters else {
        return Ok(stopped(&request, issuer, Stop::Here("A parameter stands there twice.")));
    };
    match check(&call, &parameters).await? {
        Err(stop) => Ok(stopped(&request, issuer, stop)),
        Ok((client, authorization)) => {
            let tie = Tie::of(&request, issuer)?;
            Ok(page::ask(&client, &authorization, &parameters, &tie, None))
        }
    }
}

/// The client and what it asks for, if that keeps all rules.
pub async fn check(
    call: &Call<scope::Anyone>,
    parameters: &Parameters,
) -> Result<Result<(OauthClient, Authorization), Stop>, Problem> {
    let id = parameters.client();
    let client = call.read(move |db| match id.map(|id| clients::find(db, id)) {
        None | Some(Err(Error::NotFound)) => Ok(None),
        Some(found) => Ok(Some(found?)),
    });
    let client = client.await?;
    let checked = parameters.check(client.as_ref());
    Ok(checked.and_then(|authorization| match client {
        Some(client) => Ok((client, authorization)),
        None => Err(Stop::Here("The client is not known.")),
    }))
}

/// How the refusal is told: to the client, or to the person in a browser, or to a program in our envelope.
pub fn stopped(request: &HttpRequest, issuer: &str, stop: Stop) -> HttpResponse {
    let accepts = request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    match stop {
        Stop::Here(reason) if accepts.contains("text/html") => page::stop(reason),
        Stop::Here(reason) => Problem::new(Code::InvalidRequest).message(reason).error_response(),
        Stop::Back { redirect_uri, state, refused } => {
            let what = [("error", refused.code.code()), ("error_description", &refused.description)];
            back(&redirect_uri, state.as_deref(), issuer, &what)
        }
    }
}

/// Sends the browser back to the client; who answers is said too (RFC 9207), so that nobody mistakes another server's
/// answer for ours.
pub fn back(redirect_uri: &str, state: Option<&str>, issuer: &str, what: &[(&str, &str)]) -> HttpResponse {
    let mut parameters = what.to_vec();
    parameters.extend(state.map(|state| ("state", state)));
    parameters.push(("iss", issuer));
    match RedirectUri::with(redirect_uri, &parameters) {
        Some(uri) => HttpResponse::SeeOther()
            .insert_header((LOCATION, uri))
            .insert_header((CACHE_CONTROL, "no-store"))
            .insert_header((REFERRER_POLICY, "no-referrer"))
            .finish(),
        None => page::stop("The redirect_uri cannot be used."),
    }
}
