//! A browser that is shown the page, and what it sends.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use ring::digest::{SHA256, digest};
use url::Url;

use crate::{App, CALLBACK, PASSWORD};

pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

pub fn challenge() -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, VERIFIER.as_bytes()))
}

/// The parameters of a right request.
pub fn request(client: &str) -> Vec<(&'static str, String)> {
    vec![
        ("response_type", "code".into()),
        ("client_id", client.into()),
        ("redirect_uri", CALLBACK.into()),
        ("scope", "openid profile email offline_access patient:read".into()),
        ("state", "st&te".into()),
        ("nonce", "n0nce".into()),
        ("code_challenge", challenge()),
        ("code_challenge_method", "S256".into()),
    ]
}

/// One browser.
pub struct Browser {
    http: reqwest::Client,
    base: String,
    pub cookie: Option<String>,
}

/// What it was shown.
#[derive(Debug)]
pub struct Page {
    pub status: u16,
    pub body: String,
    pub policy: String,
    /// Where it is sent, and the parameters there.
    pub location: Option<Url>,
}

impl Page {
    /// A parameter of the place where it is sent.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let location = self.location.as_ref()?;
        location.query_pairs().find(|(given, _)| given == name).map(|(_, value)| value.into_owned())
    }

    /// A hidden field of the form.
    pub fn field(&self, name: &str) -> String {
        let start = format!("name=\"{name}\" value=\"");
        let (_, rest) = self.body.split_once(&start).unwrap_or_else(|| panic!("no {name} in {}", self.body));
        rest.split('"').next().unwrap().to_owned()
    }
}

impl Browser {
    pub fn new(app: &App) -> Self {
        let http = reqwest::Client::builder()
            .tls_certs_only([])
            .no_proxy()
            .redirect(Policy::none())
            .build()
            .unwrap();
        Self { http, base: app.base(), cookie: None }
    }

    pub async fn open(&mut self, parameters: &[(&'static str, String)]) -> Page {
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        let request = self.http.get(format!("{}/api/v1/oauth/authorize?{query}", self.base));
        self.send(request).await
    }

    pub async fn submit(&mut self, fields: &[(&str, String)]) -> Page {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.http.post(format!("{}/api/v1/oauth/authorize", self.base)).body(body);
        self.send(request.header("content-type", "application/x-www-form-urlencoded")).await
    }

    async fn send(&mut self, request: reqwest::RequestBuilder) -> Page {
        let request = request.header("accept", "text/html");
        let request = match &self.cookie {
            Some(cookie) => request.header(COOKIE, cookie),
            None => request,
        };
        let response = request.send().await.unwrap();
        let header = |name: reqwest::header::HeaderName| {
            response.headers().get(name).map(|value| value.to_str().unwrap().to_owned())
        };
        if let Some(cookie) = header(SET_COOKIE) {
            assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
            self.cookie = cookie.split(';').next().map(str::to_owned);
        }
        let location = header(LOCATION).map(|location| location.parse().unwrap());
        let policy = header(reqwest::header::CONTENT_SECURITY_POLICY).unwrap_or_default();
        let status = response.status().as_u16();
        Page { status, policy, location, body: response.text().await.unwrap() }
    }

    /// Opens the page, signs in and allows: what the client gets.
    pub async fn allow(&mut self, parameters: &[(&'static str, String)], name: &str) -> Page {
        let page = self.open(parameters).await;
        assert_eq!(page.status, 200, "{page:?}");
        let mut fields = parameters.to_vec();
        fields.push(("csrf", page.field("csrf")));
        fields.extend([
            ("username", name.into()),
            ("password", PASSWORD.into()),
            ("decision", "allow".into()),
        ]);
        self.submit(&fields).await
    }

    /// The same, down to the code.
    pub async fn code(&mut self, parameters: &[(&'static str, String)], name: &str) -> String {
        let page = self.allow(parameters, name).await;
        page.parameter("code").unwrap_or_else(|| panic!("no code: {page:?}"))
    }
}
