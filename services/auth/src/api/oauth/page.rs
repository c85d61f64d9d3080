//! The page on which a person signs in and allows a client what it asks for: plain HTML without a script, that works in
//! any browser and can be framed by nobody.

use std::sync::LazyLock;

use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, REFERRER_POLICY, SET_COOKIE,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hms_problem::Problem;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use ring::digest::{SHA256, digest};

use crate::domain::oauth::authorization::{Authorization, Parameters};
use crate::domain::oauth::client::OauthClient;
use crate::domain::oauth::redirect::RedirectUri;
use crate::tokens;

/// 32 bytes in base64url.
const TIE_LENGTH: usize = 43;
const STYLE: &str = "body{font:16px/1.5 sans-serif;max-width:26rem;margin:3rem auto;padding:0 1rem;color:#1b1b1b}\
label{display:block;margin-top:.75rem}input{width:100%;box-sizing:border-box;padding:.5rem;font:inherit}\
button{margin:1rem .5rem 0 0;padding:.5rem 1rem;font:inherit}.wrong{color:#a40000}code{font-size:.9em}";

/// The page allows this style by its hash, and nothing else.
static STYLE_HASH: LazyLock<String> = LazyLock::new(|| STANDARD.encode(digest(&SHA256, STYLE.as_bytes())));

/// What ties the form to the browser that was shown it: a stranger who makes somebody's browser send a form of their own
/// does not know the value of the cookie.
#[derive(Clone)]
pub struct Tie {
    name: &'static str,
    secure: bool,
    value: String,
}

impl Tie {
    /// The tie of this browser, or a new one; with HTTPS nobody but this host can have set it.
    pub fn of(request: &HttpRequest, issuer: &str) -> Result<Self, Problem> {
        let secure = issuer.starts_with("https://");
        let name = if secure { "__Host-hms_authorize" } else { "hms_authorize" };
        // Kept where there is one, so that two pages can be open at a time.
        let value = kept(request, name).map_or_else(tokens::random::<32>, Ok)?;
        Ok(Self { name, secure, value })
    }

    /// Whether a form is from the page that this browser was shown.
    pub fn holds(&self, request: &HttpRequest, given: Option<&str>) -> bool {
        kept(request, self.name).as_ref() == Some(&self.value) && given == Some(self.value.as_str())
    }

    fn cookie(&self) -> String {
        let (name, value) = (self.name, &self.value);
        let secure = if self.secure { "; Secure" } else { "" };
        format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=1800{secure}")
    }
}

/// The value of the cookie of this name (RFC 6265, 4.2), if it is one of ours.
fn kept(request: &HttpRequest, name: &str) -> Option<String> {
    let ours = |value: &str| {
        value.len() == TIE_LENGTH
            && value.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    let headers = request.headers().get_all(COOKIE).filter_map(|header| header.to_str().ok());
    let pairs = headers.flat_map(|header| header.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(given, value)| *given == name && ours(value)).map(|(_, value)| value.to_owned()).next()
}

/// The page that asks. `wrong` is what was wrong with the last answer.
pub fn ask(
    client: &OauthClient,
    authorization: &Authorization,
    parameters: &Parameters,
    tie: &Tie,
    wrong: Option<&str>,
) -> HttpResponse {
    let action = RedirectUri::form_action(&authorization.redirect_uri).unwrap_or_default();
    let body = html! {
        h1 { "Sign in to HMS" }
        p { b { (client.name) } " asks for access in your name:" }
        ul {
            @for scope in authorization.scopes.iter() { li { code { (scope.word()) } } }
        }
        p { "It gets of these what your roles allow. You will be sent to " code { (action) } "." }
        @if let Some(wrong) = wrong { p.wrong role="alert" { (wrong) } }
        form method="post" action="/api/v1/oauth/authorize" {
            (hidden(parameters))
            input type="hidden" name="csrf" value=(tie.value);
            label { "User name or e-mail address" input name="username" autocomplete="username" autocapitalize="none"; }
            label { "Password" input name="password" type="password" autocomplete="current-password"; }
            label { "One-time code, if you have a second factor"
                input name="otp" inputmode="numeric" autocomplete="one-time-code"; }
            button name="decision" value="allow" { "Sign in and allow" }
            button name="decision" value="deny" { "Deny" }
        }
    };
    let status = if wrong.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let mut response = guarded(status, &format!("'self' {action}"));
    response.insert_header((SET_COOKIE, tie.cookie()));
    response.body(page("Sign in", &body).into_string())
}

/// The page that says why nobody is sent anywhere.
pub fn stop(reason: &str) -> HttpResponse {
    let body = html! {
        h1 { "This does not work" }
        p.wrong { (reason) }
        p { "Tell whoever runs the program that sent you here." }
    };
    guarded(StatusCode::BAD_REQUEST, "'none'").body(page("Not possible", &body).into_string())
}

fn hidden(parameters: &Parameters) -> Markup {
    let fields = [
        ("response_type", &parameters.response_type),
        ("client_id", &parameters.client_id),
        ("redirect_uri", &parameters.redirect_uri),
        ("scope", &parameters.scope),
        ("state", &parameters.state),
        ("nonce", &parameters.nonce),
        ("code_challenge", &parameters.code_challenge),
        ("code_challenge_method", &parameters.code_challenge_method),
        ("response_mode", &parameters.response_mode),
    ];
    html! {
        @for (name, value) in fields {
            @if let Some(value) = value { input type="hidden" name=(name) value=(value); }
        }
    }
}

fn page(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · HMS" }
                style { (PreEscaped(STYLE)) }
            }
            body { (body) }
        }
    }
}

fn guarded(status: StatusCode, form_action: &str) -> HttpResponseBuilder {
    let style = STYLE_HASH.as_str();
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; form-action {form_action}; frame-ancestors 'none'; base-uri 'none'"
    );
    let mut response = HttpResponse::build(status);
    response
        .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((CONTENT_SECURITY_POLICY, policy))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((X_FRAME_OPTIONS, "DENY"));
    response
}
