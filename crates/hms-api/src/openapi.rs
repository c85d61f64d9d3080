//! What every operation says of its errors.

use std::collections::BTreeMap;

use hms_problem::Envelope;
use utoipa::IntoResponses;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

/// The errors that any operation may answer with, for `responses(…, Problems)`.
pub struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let meanings = [
            ("400", "The request cannot be read as what it should be."),
            ("401", "A valid access token is needed."),
            ("403", "The token does not allow this."),
            ("404", "There is no such record, or it is not the caller's."),
            ("409", "The state of the record does not allow this."),
            ("412", "The record has changed since it was read."),
            ("422", "The request can be read, but breaks a rule or names something unknown."),
            ("503", "A part that is needed is away; try again."),
        ];
        meanings.map(|(status, meaning)| (status.to_owned(), RefOr::T(response(meaning)))).into()
    }
}

fn response(meaning: &str) -> Response {
    let schema = Ref::from_schema_name(<Envelope as utoipa::ToSchema>::name());
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new().description(meaning).content("application/json", content).build()
}
