//! The OpenAPI 3.1 document of a service, made from its handlers.

use actix_web::http::StatusCode;
use hms_problem::{CODES, Envelope, ErrorBody};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApi, PathItem, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::Service;

/// Completes what the routes say of themselves.
pub(crate) fn complete<S: Service>(mut api: OpenApi) -> OpenApi {
    api.info = InfoBuilder::new()
        .title(format!("HMS {}", S::NAME))
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(format!("{}\n\n{}", S::ABOUT, codes())))
        .build();
    let mut components = api.components.take().unwrap_or_else(|| ComponentsBuilder::new().build());
    components.schemas.insert(Envelope::name().into_owned(), Envelope::schema());
    components.schemas.insert(ErrorBody::name().into_owned(), ErrorBody::schema());
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    api.components = Some(components);
    api.paths.paths.values_mut().for_each(describe_responses);
    api
}

/// A response must have a description (OpenAPI 3.1, Response Object); where a route gives none, it is the reason
/// phrase of the status.
fn describe_responses(item: &mut PathItem) {
    let operations = [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete]
        .into_iter()
        .flatten();
    for (status, response) in operations.flat_map(|operation| &mut operation.responses.responses) {
        let RefOr::T(response) = response else { continue };
        if response.description.is_empty() {
            let reason = status.parse::<StatusCode>().ok().and_then(|status| status.canonical_reason());
            response.description = reason.unwrap_or(status).to_owned();
        }
    }
}

/// The table of error codes, as a part of the description.
fn codes() -> String {
    let rows = CODES
        .iter()
        .map(|code| format!("| `{}` | {} | {} |", code.as_str(), code.status().as_u16(), code.meaning()));
    let rows: Vec<_> = rows.collect();
    format!("| code | status | meaning |\n| --- | --- | --- |\n{}", rows.join("\n"))
}
