//! What everyone does with their own account: register, sign in, stay signed in, sign out.

pub mod login;
pub mod logout;
pub mod me;
pub mod refresh;
pub mod register;
pub mod token;

use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::{CustomizeResponder, Responder};
use hms_service::Reply;

/// An answer with tokens in it, which nobody may keep on the way (RFC 6749, 5.1).
pub type Uncached = CustomizeResponder<Reply>;

fn uncached(reply: Reply) -> Uncached {
    reply.customize().insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")))
}
