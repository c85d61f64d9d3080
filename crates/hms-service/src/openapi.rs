//! The OpenAPI 3.1 document of a service, made from its handlers.

use hms_problem::{CODES, Envelope, ErrorBody};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApi};
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
    api
}

/// The table of error codes, as a part of the description.
fn codes() -> String {
    let rows = CODES
        .iter()
        .map(|code| format!("| `{}` | {} | {} |", code.as_str(), code.status().as_u16(), code.meaning()));
    let rows: Vec<_> = rows.collect();
    format!("| code | status | meaning |\n| --- | --- | --- |\n{}", rows.join("\n"))
}
