//! `POST /accounts`.

use actix_web::{post, web};
use hms_api::{Json, Problems};
use hms_model::id::{PatientId, PractitionerId};
use hms_model::role::{Role, scope};
use hms_model::{Email, LanguageTag, Secret};
use hms_problem::Problem;
use hms_service::{Call, Reply};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::State;
use crate::domain::account::{Account, NewAccount, Username};

/// An account for someone else.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountForm {
    /// Where mail reaches its holder; a name to sign in with.
    email: Email,
    /// A password of 15 to 128 characters.
    password: Secret,
    /// A short name to sign in with.
    username: Option<Username>,
    /// What its holder is: at least one.
    roles: Vec<Role>,
    /// The patient who is the holder.
    patient_id: Option<PatientId>,
    /// The practitioner who is the holder.
    practitioner_id: Option<PractitionerId>,
    /// The language in which to write to its holder.
    language: Option<LanguageTag>,
}

/// Makes an account for someone else: this is how staff get theirs.
#[utoipa::path(
    tag = "accounts",
    request_body = AccountForm,
    responses((status = 201, body = Account), Problems),
    security(("bearer" = ["account:write"]))
)]
#[post("/accounts")]
pub async fn create(
    call: Call<scope::AccountWrite>,
    state: web::Data<State>,
    body: Json<AccountForm>,
) -> Result<Reply, Problem> {
    let AccountForm { email, password, username, roles, patient_id, practitioner_id, language } =
        body.into_inner();
    let email_verified = true;
    let new = NewAccount { email, username, roles, email_verified, patient_id, practitioner_id, language };
    super::make(&call, &state, new, password).await
}
