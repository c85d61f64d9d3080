//! The documentation pages, Swagger UI and Redoc, served from our own binary: a hospital's network may have
//! no way to a CDN, and a patient's data must not share a page with a script from elsewhere.
//!
//! ```text
//! {base}/docs                 Swagger UI
//! {base}/redoc                Redoc
//! {base}/docs/assets/{name}   the scripts and styles of both
//! ```

mod assets;
mod pages;

use actix_web::HttpRequest;
use actix_web::web::{self, ServiceConfig};

pub use assets::{Asset, CSS, JAVASCRIPT};
pub use pages::Page;

/// What the pages show and where they stand.
///
/// A service mounts them with an empty `base` and the document at `/openapi.json`; the gateway with the base
/// `/api` and the document at `/api/schema`.
#[derive(Debug, Clone)]
pub struct Pages {
    /// The title of both pages, as plain text.
    pub title: String,
    /// The path of the OpenAPI document, on the same host.
    pub spec_url: &'static str,
    /// What stands before `/docs` and `/redoc`: empty, or a path without a slash at its end.
    pub base: &'static str,
}

/// Adds the pages and their assets to an actix application.
///
/// The pages answer with and without a slash at the end. The OpenAPI document itself is the caller's.
pub fn configure(cfg: &mut ServiceConfig, pages: &Pages) {
    serve(cfg, &format!("{}/docs/assets", pages.base), &assets::ALL);
    mount(cfg, format!("{}/docs", pages.base), pages::swagger_ui(pages));
    mount(cfg, format!("{}/redoc", pages.base), pages::redoc(pages));
}

/// Adds the files behind pages, below this path.
pub fn serve(cfg: &mut ServiceConfig, folder: &str, files: &'static [Asset]) {
    for asset in files {
        let respond = move |request: HttpRequest| assets::respond(asset, request);
        cfg.service(
            web::resource(format!("{folder}/{}", asset.name))
                .route(web::get().to(respond))
                .route(web::head().to(respond)),
        );
    }
}

/// Adds a page, with and without a slash at the end of its path.
pub fn mount(cfg: &mut ServiceConfig, path: String, page: Page) {
    let with_slash = format!("{path}/");
    let respond = move || pages::respond(page.clone());
    cfg.service(
        web::resource(vec![path, with_slash])
            .route(web::get().to(respond.clone()))
            .route(web::head().to(respond)),
    );
}

#[cfg(test)]
mod tests;
