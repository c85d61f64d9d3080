//! Pages for people, served from our own binary: no CDN, no build step, nothing inline.
//!
//! ```text
//! /console/analytics        the figures of the metrics service, as charts
//! /console/assets/{name}    the scripts and styles
//! ```
//!
//! A page is a client of the API as any other: it signs in by `POST /api/v1/auth/login`, keeps its tokens in memory, and
//! sees what the account may see.

use actix_web::web::ServiceConfig;
use hms_docs::{Asset, CSS, JAVASCRIPT, Page};

/// Where the pages stand.
pub const BASE: &str = "/console";

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
    hms_docs::mount(cfg, format!("{BASE}/analytics"), analytics);
}

#[cfg(test)]
mod tests;
