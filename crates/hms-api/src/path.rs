//! Parts of a path that must be ids.

use actix_web::web::PathConfig;
use hms_problem::{Code, Problem};

/// Makes a path part that cannot be read (an id that is no UUID) a 400 in the envelope.
pub fn path_config() -> PathConfig {
    PathConfig::default().error_handler(|error, _| {
        let reason = error.to_string();
        Problem::new(Code::InvalidRequest).message(format!("The path holds no valid id: {reason}")).into()
    })
}
