//! The keys of checkpoints, and `GET /audit/keys`.

pub mod rotate;

use actix_web::get;
use chrono::{DateTime, Utc};
use hms_api::Problems;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};
use serde::Serialize;
use utoipa::ToSchema;

use crate::store;
use crate::store::keys::Published;

/// The public keys of checkpoints.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckpointKeys {
    keys: Vec<CheckpointKey>,
}

/// A public key of checkpoints.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckpointKey {
    /// The first 32 hexadecimal digits of the SHA-256 of the key.
    id: String,
    /// `Ed25519`.
    algorithm: &'static str,
    /// The 32 bytes of the key in base64.
    public_key: String,
    /// Whether new checkpoints are signed with it.
    active: bool,
    /// When it was made.
    created_at: DateTime<Utc>,
}

impl From<Published> for CheckpointKey {
    fn from(published: Published) -> Self {
        Self {
            id: published.key.id,
            algorithm: "Ed25519",
            public_key: published.key.public_key,
            active: published.active,
            created_at: published.created_at,
        }
    }
}

/// Shows the public keys by which the chain of entries can be checked. Keep them elsewhere than the entries.
#[utoipa::path(tag = "audit", responses((status = 200, body = CheckpointKeys), Problems),
    security(("bearer" = ["audit:read"])))]
#[get("/audit/keys")]
pub async fn keys(call: Call<scope::AuditRead>) -> Result<Reply, Problem> {
    let published = call.read(|db| Ok(store::keys::published(db)?)).await?;
    Reply::ok(&CheckpointKeys { keys: published.into_iter().map(CheckpointKey::from).collect() })
}
