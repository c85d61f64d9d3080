//! `POST /auth/register`.

use actix_web::{post, web};
use hms_api::{Json, Problems};
use hms_model::role::{Role, scope};
use hms_model::{Email, LanguageTag, Secret};
use hms_problem::Problem;
use hms_service::{Call, Reply};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::State;
use crate::api::accounts;
use crate::domain::account::{Account, NewAccount, Username};

/// Who wants an account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// Where mail reaches them; a name to sign in with.
    email: Email,
    /// A password of 15 to 128 characters.
    password: Secret,
    /// A short name to sign in with.
    username: Option<Username>,
    /// The language in which to write to them.
    language: Option<LanguageTag>,
}

/// Makes an account for a patient.
#[utoipa::path(tag = "auth", request_body = Registration, responses((status = 201, body = Account), Problems))]
#[post("/auth/register")]
pub async fn register(
    call: Call<scope::Anyone>,
    state: web::Data<State>,
    body: Json<Registration>,
) -> Result<Reply, Problem> {
    let Registration { email, password, username, language } = body.into_inner();
    let new = NewAccount {
        email,
        username,
        roles: vec![Role::Patient],
        email_verified: false,
        patient_id: None,
        practitioner_id: None,
        language,
    };
    accounts::make(&call, &state, new, password).await
}
