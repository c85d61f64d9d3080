//! CORS (the Fetch standard, 3.2): which web pages may read answers. The gateway answers preflights itself and is
//! the only one that says who may; an origin that is not in the list hears nothing.

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use hms_problem::{Code, Problem};

/// The origins that may read answers.
#[derive(Debug, Clone, Default)]
pub struct Cors {
    exact: Vec<HeaderValue>,
    /// Scheme and the rest after the first label: `https://` and `.example.org`.
    below: Vec<(String, String)>,
}

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
const HEADERS: HeaderValue = HeaderValue::from_static(
    "Accept, Accept-Language, Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, \
     Last-Event-ID, Traceparent, Tracestate, X-API-Key, X-Request-Id",
);
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "Content-Disposition, Deprecation, ETag, Idempotent-Replayed, Link, Location, RateLimit, RateLimit-Policy, \
     Retry-After, Sunset, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id",
);
/// How long a browser may keep the answer to a preflight, in seconds; Chromium keeps none longer.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");
const TRUE: HeaderValue = HeaderValue::from_static("true");
const VARY_PREFLIGHT: HeaderValue =
    HeaderValue::from_static("Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
const VARY_ORIGIN: HeaderValue = HeaderValue::from_static("Origin");

/// What only the gateway says.
const OURS: [HeaderName; 6] = [
    header::ACCESS_CONTROL_ALLOW_ORIGIN,
    header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
    header::ACCESS_CONTROL_ALLOW_METHODS,
    header::ACCESS_CONTROL_ALLOW_HEADERS,
    header::ACCESS_CONTROL_EXPOSE_HEADERS,
    header::ACCESS_CONTROL_MAX_AGE,
];

impl Cors {
    /// The origins of a list such as `https://app.example.org, https://*.clinic.example`.
    pub fn parse(list: &str) -> Result<Self, String> {
        let mut cors = Self::default();
        for origin in list.split(',').map(str::trim).filter(|origin| !origin.is_empty()) {
            cors.add(origin)?;
        }
        Ok(cors)
    }

    fn add(&mut self, origin: &str) -> Result<(), String> {
        let refused =
            || format!("{origin:?} is no origin such as https://app.example.org or https://*.example.org");
        let (scheme, host) = origin.split_once("://").ok_or_else(refused)?;
        let wild = host.strip_prefix("*.");
        let plain = wild.unwrap_or(host);
        let parsed = url::Url::parse(&format!("{scheme}://{plain}")).map_err(|_| refused())?;
        // What does not come back as it went in has a path, upper-case letters, a user or a default port.
        let same = parsed.origin().ascii_serialization() == format!("{scheme}://{plain}");
        let labels = plain.split('.').count();
        if !same
            || !matches!(scheme, "http" | "https")
            || plain.contains('*')
            || (wild.is_some() && labels < 2)
        {
            return Err(refused());
        }
        match wild {
            Some(rest) => self.below.push((format!("{scheme}://"), format!(".{rest}"))),
            None => self.exact.push(HeaderValue::from_str(origin).map_err(|_| refused())?),
        }
        Ok(())
    }

    fn allows(&self, origin: &HeaderValue) -> bool {
        if self.exact.contains(origin) {
            return true;
        }
        let Ok(origin) = origin.to_str() else { return false };
        self.below.iter().any(|(scheme, rest)| {
            let label =
                origin.strip_prefix(scheme.as_str()).and_then(|host| host.strip_suffix(rest.as_str()));
            label.is_some_and(is_label)
        })
    }

    fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.below.is_empty()
    }
}

/// A label of a host name; one only, so that `*.example.org` is not `a.b.example.org`.
fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// The answer to a preflight; none if the request is not one.
pub fn preflight(cors: &Cors, method: &Method, headers: &HeaderMap) -> Option<Result<HttpResponse, Problem>> {
    if *method != Method::OPTIONS || !headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD) {
        return None;
    }
    let origin = headers.get(header::ORIGIN)?;
    if !cors.allows(origin) {
        let message = "Pages of this origin may not use the API.";
        return Some(Err(Problem::new(Code::Forbidden).message(message)));
    }
    let mut answer = HttpResponse::new(StatusCode::NO_CONTENT);
    let answered = answer.headers_mut();
    // The origin and the credentials are added to it as to every other answer.
    answered.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    answered.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
    answered.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    answered.insert(header::VARY, VARY_PREFLIGHT);
    Some(Ok(answer))
}

/// Whether a header is one that a service must not say.
pub fn is_ours(name: &str) -> bool {
    name.starts_with("access-control-") && OURS.iter().any(|ours| ours == name)
}

/// Says in an answer who may read it.
pub fn admit(cors: &Cors, origin: Option<&HeaderValue>, answer: &mut HeaderMap) {
    if cors.is_empty() {
        return;
    }
    // A cache must not give the answer for one origin to another.
    answer.append(header::VARY, VARY_ORIGIN);
    if let Some(origin) = origin.filter(|origin| cors.allows(origin)) {
        answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        answer.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE);
        answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_exact_or_one_label_below() {
        let list = "https://app.example.org, http://localhost:3000,https://*.clinic.example";
        let cors = Cors::parse(list).unwrap();
        let allowed = |origin: &str| cors.allows(&HeaderValue::from_str(origin).unwrap());
        for good in [
            "https://app.example.org",
            "http://localhost:3000",
            "https://a.clinic.example",
            "https://b-1.clinic.example",
        ] {
            assert!(allowed(good), "{good}");
        }
        for bad in [
            "null",
            "",
            "https://example.org",
            "http://app.example.org",
            "https://app.example.org:8443",
            "https://app.example.org.evil.example",
            "https://APP.example.org",
            "http://localhost:3001",
            "https://clinic.example",
            "https://.clinic.example",
            "https://a.b.clinic.example",
            "https://evil.example/.clinic.example",
            "https://evil.example#.clinic.example",
            "https://user@a.clinic.example",
            "https://a.clinic.example:444",
            "http://a.clinic.example",
        ] {
            assert!(!allowed(bad), "{bad}");
        }
        assert!(!Cors::default().allows(&HeaderValue::from_static("https://app.example.org")));
    }

    #[test]
    fn a_list_that_cannot_be_right_is_refused() {
        for bad in [
            "*",
            "https://*",
            "https://*.org",
            "https://a.*.example.org",
            "https://*.*.example.org",
            "app.example.org",
            "https://app.example.org/",
            "https://app.example.org:443",
            "https://App.example.org",
            "ftp://app.example.org",
            "null",
            "https://me@app.example.org",
        ] {
            assert!(Cors::parse(bad).is_err(), "{bad}");
        }
        assert!(Cors::parse(" , ").unwrap().is_empty());
    }
}
