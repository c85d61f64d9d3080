use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{App, test};

use super::*;

const HTML: &str = include_str!("../assets/analytics.html");
const SCRIPTS: [(&str, &str); 4] = [
    ("analytics.js", include_str!("../assets/analytics.js")),
    ("charts.js", include_str!("../assets/charts.js")),
    ("session.js", include_str!("../assets/session.js")),
    ("words.js", include_str!("../assets/words.js")),
];

async fn get(path: &str) -> ServiceResponse {
    let app = test::init_service(App::new().configure(configure)).await;
    test::call_service(&app, test::TestRequest::get().uri(path).to_request()).await
}

/// What stands between a beginning and the next quotation mark.
fn quoted<'a>(text: &'a str, beginning: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(beginning).skip(1).filter_map(|rest| rest.split('"').next())
}

#[actix_web::test]
async fn the_page_and_all_that_it_names_are_there() {
    for path in ["/console/analytics", "/console/analytics/"] {
        let response = get(path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let header = |name| response.headers().get(name).unwrap().to_str().unwrap().to_owned();
        assert_eq!(header(header::CONTENT_TYPE), "text/html; charset=utf-8");
        let policy = header(header::CONTENT_SECURITY_POLICY);
        assert_eq!(policy, POLICY);
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
    }
    let links = quoted(HTML, "href=\"").chain(quoted(HTML, "src=\"")).filter(|link| link.starts_with('/'));
    let imports = SCRIPTS.iter().flat_map(|(_, text)| quoted(text, "from \"./"));
    let named: Vec<String> =
        links.map(str::to_owned).chain(imports.map(|name| format!("{BASE}/assets/{name}"))).collect();
    assert!(named.len() >= 6, "{named:?}");
    for address in &named {
        assert_eq!(get(address).await.status(), StatusCode::OK, "{address}");
    }
    for asset in &ASSETS {
        assert!(named.iter().any(|address| address.ends_with(asset.name)), "{} is named nowhere", asset.name);
    }
}

#[actix_web::test]
async fn who_asks_for_the_console_is_led_to_its_page() {
    for path in ["/console", "/console/"] {
        let response = get(path).await;
        assert_eq!(response.status(), StatusCode::TEMPORARY_REDIRECT, "{path}");
        assert_eq!(response.headers().get(header::LOCATION).unwrap(), "/console/analytics");
    }
}

/// The policy forbids it; here it is found before a browser finds it.
#[actix_web::test]
async fn nothing_is_inline_and_no_name_becomes_markup() {
    for word in
        ["style=", "<style", "javascript:", " onclick", " onload", " onerror", " onsubmit", " onchange"]
    {
        assert!(!HTML.contains(word), "{word}");
    }
    assert!(HTML.matches("<script").count() == HTML.matches("<script src=").count());
    for (name, text) in SCRIPTS {
        for word in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "localStorage",
            "sessionStorage",
            "document.cookie",
            "indexedDB",
            "http:",
            "https:",
        ] {
            assert!(!text.contains(word), "{name}: {word}");
        }
    }
}

#[actix_web::test]
async fn every_field_has_a_label_and_every_label_a_field() {
    let fields = ["<input id=\"", "<select id=\""].into_iter().flat_map(|tag| quoted(HTML, tag));
    let mut fields: Vec<_> = fields.collect();
    let mut labels: Vec<_> = quoted(HTML, "<label for=\"").collect();
    fields.sort_unstable();
    labels.sort_unstable();
    assert_eq!(fields, labels);
    assert!(fields.len() > 6);
}
