//! `POST /auth/password/forgotten`.

use actix_web::post;
use hms_api::{Json, Problems};
use hms_model::Email;
use hms_model::audit::Action;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Act, Call, Reply};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::auth::mails;
use crate::store::accounts;

/// Whose password is forgotten.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Forgotten {
    /// The e-mail address of the account.
    email: Email,
}

/// Sends a mail with the way to another password, if there is such an account; the answer is the same if there is none.
/// Asked for again within a minute, no second mail is sent.
#[utoipa::path(tag = "auth", operation_id = "forgot_password", request_body = Forgotten,
    responses((status = 204, description = "If there is such an account, a mail is on its way."), Problems))]
#[post("/auth/password/forgotten")]
pub async fn forgotten(call: Call<scope::Anyone>, body: Json<Forgotten>) -> Result<Reply, Problem> {
    let email = body.into_inner().email;
    call.write_unkeyed(move |work| {
        let found = accounts::find_by_email(work.db, email.as_str())?;
        let account = found.filter(|account| account.is_active());
        mails::request_reset(work, email.as_str(), account.as_ref())?;
        let act = Act::new(Action::Execute, "password_reset");
        work.audit(match account {
            Some(account) => act.by(account.id, account.roles),
            None => act.refused().detail("no such account"),
        })?;
        Ok(Reply::no_content())
    })
    .await
}
