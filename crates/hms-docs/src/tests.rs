use actix_web::dev::ServiceResponse;
use actix_web::http::header::{self, HeaderName};
use actix_web::http::{Method, StatusCode};
use actix_web::{App, test};

use super::*;

fn of_a_service() -> Pages {
    Pages { title: "HMS: appointment".to_owned(), spec_url: "/openapi.json", base: "" }
}

fn of_the_gateway() -> Pages {
    Pages { title: "HMS".to_owned(), spec_url: "/api/schema", base: "/api" }
}

async fn send(pages: Pages, request: test::TestRequest) -> ServiceResponse {
    let app = test::init_service(App::new().configure(|cfg| configure(cfg, &pages))).await;
    test::call_service(&app, request.to_request()).await
}

async fn get(pages: Pages, path: &str) -> ServiceResponse {
    send(pages, test::TestRequest::get().uri(path)).await
}

fn header_of(response: &ServiceResponse, name: HeaderName) -> String {
    response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

async fn text_of(response: ServiceResponse) -> String {
    String::from_utf8(test::read_body(response).await.to_vec()).unwrap()
}

/// The addresses that a page names in `href` and `src`.
fn addresses_in(html: &str) -> Vec<String> {
    html.split(['\n', ' '])
        .filter_map(|word| word.strip_prefix("href=\"").or_else(|| word.strip_prefix("src=\"")))
        .filter_map(|rest| rest.split('"').next())
        .filter(|address| !address.starts_with("data:"))
        .map(str::to_owned)
        .collect()
}

#[actix_web::test]
async fn a_service_shows_both_pages_with_and_without_a_slash() {
    for path in ["/docs", "/docs/", "/redoc", "/redoc/"] {
        let response = get(of_a_service(), path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(header_of(&response, header::CONTENT_TYPE), "text/html; charset=utf-8");
        let html = text_of(response).await;
        assert!(html.contains("<title>HMS: appointment</title>"), "{html}");
        assert!(html.contains("spec-url=\"/openapi.json\""), "{html}");
    }
}

#[actix_web::test]
async fn the_gateway_shows_them_under_its_base() {
    for path in ["/api/docs", "/api/docs/", "/api/redoc", "/api/redoc/"] {
        let response = get(of_the_gateway(), path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert!(text_of(response).await.contains("spec-url=\"/api/schema\""));
    }
    assert_eq!(get(of_the_gateway(), "/docs").await.status(), StatusCode::NOT_FOUND);
}

#[actix_web::test]
async fn every_file_that_a_page_names_is_there() {
    for (pages, paths) in
        [(of_a_service(), ["/docs", "/redoc"]), (of_the_gateway(), ["/api/docs", "/api/redoc"])]
    {
        for path in paths {
            let html = text_of(get(pages.clone(), path).await).await;
            let addresses = addresses_in(&html);
            assert!(addresses.len() >= 2, "{html}");
            for address in addresses {
                let response = get(pages.clone(), &address).await;
                assert_eq!(response.status(), StatusCode::OK, "{address}");
            }
        }
    }
}

#[actix_web::test]
async fn the_policy_allows_nothing_from_elsewhere_and_no_inline_script() {
    for path in ["/docs", "/redoc"] {
        let response = get(of_a_service(), path).await;
        let policy = header_of(&response, header::CONTENT_SECURITY_POLICY);
        assert!(policy.contains("default-src 'none'; script-src 'self';"), "{policy}");
        assert!(!policy.contains("http"), "{policy}");
        let html = text_of(response).await;
        assert!(!html.contains("<script>") && !html.contains("://"), "{html}");
    }
}

#[actix_web::test]
async fn the_bundles_travel_compressed() {
    for (name, content_type) in [
        ("swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
        ("swagger-ui.css", "text/css; charset=utf-8"),
        ("redoc.standalone.js", "text/javascript; charset=utf-8"),
    ] {
        let response = get(of_a_service(), &format!("/docs/assets/{name}")).await;
        assert_eq!(header_of(&response, header::CONTENT_ENCODING), "gzip");
        assert_eq!(header_of(&response, header::VARY), "Accept-Encoding");
        assert_eq!(header_of(&response, header::CONTENT_TYPE), content_type);
        assert!(test::read_body(response).await.starts_with(&[0x1f, 0x8b]), "{name} is no gzip");
    }
}

#[actix_web::test]
async fn a_client_that_has_the_file_is_told_so() {
    let path = "/docs/assets/swagger-ui-init.js";
    let tag = header_of(&get(of_a_service(), path).await, header::ETAG);
    assert!(tag.len() > 10, "{tag}");
    for (known, status) in [
        (tag.as_str(), StatusCode::NOT_MODIFIED),
        ("*", StatusCode::NOT_MODIFIED),
        ("\"another\"", StatusCode::OK),
        ("nonsense", StatusCode::OK),
    ] {
        let request = test::TestRequest::get().uri(path).insert_header((header::IF_NONE_MATCH, known));
        let response = send(of_a_service(), request).await;
        assert_eq!(response.status(), status, "{known}");
        assert_eq!(header_of(&response, header::ETAG), tag);
    }
}

#[actix_web::test]
async fn head_is_answered_too() {
    for path in ["/docs", "/redoc", "/docs/assets/pages.css"] {
        let request = test::TestRequest::default().method(Method::HEAD).uri(path);
        assert_eq!(send(of_a_service(), request).await.status(), StatusCode::OK, "{path}");
    }
}

#[actix_web::test]
async fn a_title_cannot_become_markup() {
    let pages = Pages { title: "<script>alert(1)</script> & co".to_owned(), ..of_a_service() };
    let html = text_of(get(pages, "/docs").await).await;
    assert!(html.contains("<title>&lt;script&gt;alert(1)&lt;/script&gt; &amp; co</title>"), "{html}");
}
