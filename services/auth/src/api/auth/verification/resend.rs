//! `POST /auth/verification`.

use actix_web::post;
use hms_api::{Json, Problems};
use hms_model::Email;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Reply};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::auth::mails;
use crate::store::accounts;

/// Whose mail did not arrive.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Unverified {
    /// The e-mail address of the account.
    email: Email,
}

/// Sends the mail with the verification once more, if there is such an account and it is not verified; the answer is
/// the same if not. Asked for again within a minute, no second mail is sent.
#[utoipa::path(tag = "auth", operation_id = "resend_verification", request_body = Unverified,
    responses((status = 204, description = "If it is due, a mail is on its way."), Problems))]
#[post("/auth/verification")]
pub async fn resend(call: Call<scope::Anyone>, body: Json<Unverified>) -> Result<Reply, Problem> {
    let email = body.into_inner().email;
    call.write_unkeyed(move |work| {
        let found = accounts::find_by_email(work.db, email.as_str())?;
        let account = found.filter(|account| account.is_active() && !account.email_verified);
        mails::request_verification(work, email.as_str(), account.as_ref())?;
        Ok(Reply::no_content())
    })
    .await
}
