//! The two pages.

use actix_web::HttpResponse;
use actix_web::http::header::{self, ContentType};
use actix_web::web::Bytes;

use crate::Pages;

/// A page: its text, and what the browser may load for it.
#[derive(Debug, Clone)]
pub struct Page {
    html: Bytes,
    policy: &'static str,
}

impl Page {
    /// A page of this text, and the content security policy that a browser gets with it.
    pub fn new(html: impl Into<Bytes>, policy: &'static str) -> Self {
        Self { html: html.into(), policy }
    }
}

/// Nothing from elsewhere, nothing inline, no frame around us.
const SWAGGER_UI_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// As above, but Redoc writes styles from its script, which browsers count as inline, and its search runs in
/// a worker that it makes from a blob.
const REDOC_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";

/// Swagger UI: read, and try out.
pub fn swagger_ui(pages: &Pages) -> Page {
    let assets = assets(pages);
    let spec = escape(pages.spec_url);
    let html = html(
        pages,
        &format!("<link rel=\"stylesheet\" href=\"{assets}/swagger-ui.css\">\n"),
        &format!(
            "<div id=\"swagger-ui\" data-spec-url=\"{spec}\"></div>\n\
             <script src=\"{assets}/swagger-ui-bundle.js\"></script>\n\
             <script src=\"{assets}/swagger-ui-init.js\"></script>\n"
        ),
    );
    Page::new(html, SWAGGER_UI_POLICY)
}

/// Redoc: read.
pub fn redoc(pages: &Pages) -> Page {
    let assets = assets(pages);
    let spec = escape(pages.spec_url);
    let html = html(
        pages,
        "",
        &format!(
            "<redoc spec-url=\"{spec}\"></redoc>\n\
             <script src=\"{assets}/redoc.standalone.js\"></script>\n"
        ),
    );
    Page::new(html, REDOC_POLICY)
}

/// Answers with a page.
pub async fn respond(page: Page) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(ContentType::html())
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::CONTENT_SECURITY_POLICY, page.policy))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .body(page.html)
}

/// Absolute, because a relative address means another file at `/docs` than at `/docs/`.
fn assets(pages: &Pages) -> String {
    escape(&format!("{}/docs/assets", pages.base))
}

/// The empty icon keeps browsers from asking for `/favicon.ico`.
fn html(pages: &Pages, head: &str, body: &str) -> String {
    let assets = assets(pages);
    let title = escape(&pages.title);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<link rel=\"icon\" href=\"data:,\">\n\
         <link rel=\"stylesheet\" href=\"{assets}/pages.css\">\n{head}</head>\n\
         <body>\n{body}</body>\n</html>\n"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
