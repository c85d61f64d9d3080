//! Pages for people, served from our own binary: no CDN, no build step, nothing inline.
//!
//! ```text
//! /console                  leads to the first of them
//! /console/analytics        the figures of the metrics service, as charts
//! /console/assets/{name}    the scripts and styles
//! ```
//!
//! A page is a client of the API as any other: it signs in by `POST /api/v1/auth/login`, keeps its tokens in memory, and
//! sees what the account may see.

use actix_web::HttpResponse;
use actix_web::http::header::LOCATION;
use actix_web::web::{self, ServiceConfig};
use hms_docs::{Asset, CSS, JAVASCRIPT, Page};

/// Where the pages stand.
pub const BASE: &str = "/console";

const FIRST: &str = "/console/analytics";

/// Nothing from elsewhere, nothing inline, no frame around us; forms are sent by the script alone. A chart and a table
/// that is downloaded need no more than this.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

static ASSETS: [Asset; 6] = [
    Asset::compressed("chart.js", JAVASCRIPT, include_bytes!("../assets/chart.umd.js.gz")),
    Asset::plain("analytics.js", JAVASCRIPT, include_bytes!("../assets/analytics.js")),
    Asset::plain("charts.js", JAVASCRIPT, include_bytes!("../assets/charts.js")),
    Asset::plain("session.js", JAVASCRIPT, include_bytes!("../assets/session.js")),
    Asset::plain("words.js", JAVASCRIPT, include_bytes!("../assets/words.js")),
    Asset::plain("console.css", CSS, include_bytes!("../assets/console.css")),
];

/// Adds the pages and their assets to an actix application. Pages answer with and without a slash at the end.
pub fn configure(cfg: &mut ServiceConfig) {
    hms_docs::serve(cfg, &format!("{BASE}/assets"), &ASSETS);
    let analytics = Page::new(include_str!("../assets/analytics.html"), POLICY);
    hms_docs::mount(cfg, FIRST.to_owned(), analytics);
    let front = web::resource([BASE.to_owned(), format!("{BASE}/")]);
    cfg.service(front.route(web::get().to(to_the_first)).route(web::head().to(to_the_first)));
}

/// For now: another page may be the first one day.
async fn to_the_first() -> HttpResponse {
    HttpResponse::TemporaryRedirect().insert_header((LOCATION, FIRST)).finish()
}

#[cfg(test)]
mod tests;
