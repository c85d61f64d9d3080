//! `POST /audit/keys/rotate`.

use actix_web::post;
use hms_api::Problems;
use hms_model::audit::Action;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply};

use super::CheckpointKey;
use crate::signer;
use crate::store::chain;
use crate::store::keys::Published;

/// Puts a new key in the place of the one that signs checkpoints. The old one signs a last checkpoint, which names the new
/// one, and its private half is deleted: whoever has kept any earlier public key can still check the whole chain.
#[utoipa::path(tag = "audit", operation_id = "rotate_checkpoint_key",
    responses((status = 200, body = CheckpointKey, description = "The new key."), Problems),
    security(("bearer" = ["signing_key:write"])))]
#[post("/audit/keys/rotate")]
pub async fn rotate(call: Call<scope::SigningKeyWrite>) -> Result<Reply, Problem> {
    let new = signer::make().map_err(|error| {
        tracing::error!(error = format!("{error:#}"), "a key of checkpoints cannot be made");
        Problem::new(Code::Internal)
    })?;
    call.write(move |work| {
        let signed = chain::hand_over(work.db, &new, work.now)?;
        let detail = format!("{} in the place of {}", new.public.id, signed.key);
        work.publish(&signed)?;
        work.audit(Act::new(Action::Update, "checkpoint_key").detail(detail))?;
        let published = Published { key: new.public, active: true, created_at: work.now };
        Reply::ok(&CheckpointKey::from(published))
    })
    .await
}
