//! The answers to what no route knows: 404, or 405 with `Allow` where only the method is wrong.

use std::sync::Arc;

use actix_web::dev::ResourceDef;
use actix_web::http::header::ALLOW;
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use hms_problem::{Code, Problem};
use utoipa::openapi::OpenApi;
use utoipa::openapi::path::PathItem;

/// The paths that exist, with their methods.
#[derive(Clone)]
pub struct KnownPaths(Arc<[(ResourceDef, String)]>);

impl KnownPaths {
    /// Those of an OpenAPI document.
    pub fn of(api: &OpenApi) -> Self {
        let paths = api.paths.paths.iter();
        Self(paths.map(|(path, item)| (ResourceDef::new(path.as_str()), methods(item).join(", "))).collect())
    }

    /// The answer to a request that no route took.
    pub fn answer(&self, request: &HttpRequest) -> HttpResponse {
        match self.0.iter().find(|(path, _)| path.is_match(request.path())) {
            None => Problem::new(Code::RouteNotFound).error_response(),
            Some((_, methods)) => {
                let mut response = Problem::new(Code::MethodNotAllowed).error_response();
                if let Ok(value) = methods.parse() {
                    response.headers_mut().insert(ALLOW, value);
                }
                response
            }
        }
    }
}

/// The methods that a path has operations for.
pub fn methods(item: &PathItem) -> Vec<&'static str> {
    let operations = [
        ("GET", &item.get),
        ("POST", &item.post),
        ("PUT", &item.put),
        ("PATCH", &item.patch),
        ("DELETE", &item.delete),
    ];
    operations.into_iter().filter(|(_, operation)| operation.is_some()).map(|(method, _)| method).collect()
}
