//! `GET /notifications/push-key`.

use actix_web::{get, web};
use hms_api::Problems;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};
use serde::Serialize;
use utoipa::ToSchema;

use crate::State;

/// What a browser needs to subscribe to push messages.
#[derive(Debug, Serialize, ToSchema)]
pub struct PushKey {
    /// The public key of this deployment, for `applicationServerKey`: P-256, uncompressed, in base64url (RFC 8292).
    #[schema(examples(
        "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8"
    ))]
    key: String,
}

/// Shows the key that push subscriptions are bound to.
#[utoipa::path(tag = "notifications", operation_id = "get_push_key",
    responses((status = 200, body = PushKey), Problems), security(("bearer" = ["notification:read"])))]
#[get("/notifications/push-key")]
pub async fn push_key(_: Call<scope::NotificationRead>, state: web::Data<State>) -> Result<Reply, Problem> {
    Reply::ok(&PushKey { key: state.channels.push_key().to_owned() })
}
