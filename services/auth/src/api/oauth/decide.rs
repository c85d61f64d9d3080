//! `POST /oauth/authorize`.

use actix_web::{HttpRequest, HttpResponse, post, web};
use hms_api::Problems;
use hms_model::Secret;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Work};
use serde::Deserialize;
use utoipa::ToSchema;

use super::OauthError;
use super::authorize::{back, check, stopped};
use super::form::Form;
use super::page::{self, Tie};
use super::person::{self, Typed};
use crate::State;
use crate::domain::account::Account;
use crate::domain::oauth::authorization::{Authorization, Parameters};
use crate::domain::oauth::code::{Code, LIFETIME};
use crate::store::codes;
use crate::tokens;

/// The form of the page: the request once more, and the answer to it.
#[derive(Deserialize, ToSchema)]
pub struct Answered {
    #[serde(flatten)]
    parameters: Parameters,
    /// Ties the form to the browser that was shown it.
    csrf: Option<String>,
    /// `allow` or `deny`.
    decision: Option<String>,
    /// The user name or the e-mail address.
    username: Option<String>,
    /// The password.
    password: Option<Secret>,
    /// The code of the second factor, where the account has one.
    otp: Option<Secret>,
}

/// Takes what the person answers: signs them in, and sends the client its code; or tells it that they said no.
#[utoipa::path(tag = "oauth", operation_id = "oauth_decide",
    request_body(content = Answered, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 303, description = "Back to the client, with a code or with what is wrong."),
        (status = 400, description = "The page once more.", body = String, content_type = "text/html"),
        Problems,
    ))]
#[post("/oauth/authorize")]
pub async fn decide(
    call: Call<scope::Anyone>,
    state: web::Data<State>,
    request: HttpRequest,
    form: Form<Answered>,
) -> Result<HttpResponse, OauthError> {
    let Form(answered) = form;
    let issuer = state.issuer.issuer();
    let (client, authorization) = match check(&call, &answered.parameters).await? {
        Ok(checked) => checked,
        Err(stop) => return Ok(stopped(&request, issuer, stop)),
    };
    let tie = Tie::of(&request, issuer)?;
    let again = |wrong: &str| page::ask(&client, &authorization, &answered.parameters, &tie, Some(wrong));
    if !tie.holds(&request, answered.csrf.as_deref()) {
        return Ok(again("The page was too old, or your browser keeps no cookies. Please try again."));
    }
    let denied = |why| {
        let what = [("error", "access_denied"), ("error_description", why)];
        back(&authorization.redirect_uri, authorization.state.as_deref(), issuer, &what)
    };
    if answered.decision.as_deref() != Some("allow") {
        return Ok(denied("the person said no"));
    }
    let (Some(name), Some(password)) = (answered.username, answered.password) else {
        return Ok(again("Please give your user name and your password."));
    };
    let otp = answered.otp.filter(|otp| !otp.expose().trim().is_empty());
    let account = match person::sign_in(&call, state.clone(), Typed { name, password, otp }).await? {
        Ok(account) => account,
        Err(wrong) => return Ok(again(&wrong)),
    };
    let staff = account.roles.iter().any(|role| role.is_staff());
    if client.department_id.is_some() && !staff {
        return Ok(denied("the client is for staff"));
    }
    let (uri, given_state) = (authorization.redirect_uri.clone(), authorization.state.clone());
    let code = call.write_for(move |work| make_code(work, authorization, &account)).await?;
    Ok(back(&uri, given_state.as_deref(), issuer, &[("code", code.expose())]))
}

fn make_code(work: &mut Work<'_>, asked: Authorization, account: &Account) -> Result<Secret, Problem> {
    let secret = Secret::new(tokens::random::<32>()?);
    let code = Code {
        client_id: asked.client_id,
        account_id: account.id,
        redirect_uri: asked.redirect_uri,
        challenge: asked.challenge,
        scopes: asked.scopes,
        nonce: asked.nonce,
        auth_time: work.now,
        expires_at: work.now + LIFETIME,
        grant_id: None,
    };
    codes::insert(work.db, &tokens::hash_of(&secret), &code)?;
    Ok(secret)
}
