//! The few pages that the gateway answers itself: health, metrics, the merged API document and its two views, the console.

mod health;
mod merge;
mod routes;
pub mod schema;

use actix_http::Request;
use actix_service::boxed::{RcService, rc_service};
use actix_service::{IntoServiceFactory as _, ServiceFactory as _};
use actix_web::dev::{AppConfig, ServiceResponse};
use actix_web::http::header::ContentType;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{App, Error, Handler, HttpResponse, Responder};
use hms_problem::Code;

use crate::server::Gateway;

/// The pages of one worker.
pub type Pages = RcService<Request, ServiceResponse, Error>;

/// The pages as a worker answers them; an error has no more to say than that they cannot be made.
pub async fn pages(gateway: Data<Gateway>) -> Result<Pages, ()> {
    let app = App::new().app_data(gateway).configure(configure);
    app.into_factory().new_service(AppConfig::default()).await.map(rc_service)
}

/// Adds the pages, each with and without a slash at its end.
fn configure(cfg: &mut ServiceConfig) {
    page(cfg, "/health", health::short);
    page(cfg, "/health/ready", health::ready);
    page(cfg, "/health/detailed", health::detailed);
    page(cfg, "/metrics", metrics);
    page(cfg, "/api/schema", schema::show);
    let pages = hms_docs::Pages { title: "HMS".to_owned(), spec_url: "/api/schema", base: "/api" };
    hms_docs::configure(cfg, &pages);
    hms_console::configure(cfg);
    routes::configure(cfg);
    cfg.default_service(web::to(no_route));
}

fn page<F, Args>(cfg: &mut ServiceConfig, path: &str, answer: F)
where
    F: Handler<Args> + Clone,
    Args: actix_web::FromRequest + 'static,
    F::Output: Responder + 'static,
{
    let paths = vec![path.to_owned(), format!("{path}/")];
    cfg.service(web::resource(paths).route(web::get().to(answer.clone())).route(web::head().to(answer)));
}

async fn no_route() -> Result<HttpResponse, hms_problem::Problem> {
    Err(Code::RouteNotFound.into())
}

async fn metrics(gateway: Data<Gateway>) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(gateway.shared.metrics.render())
}

fn json(body: impl Into<bytes::Bytes>) -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::json()).body(body.into())
}
