//! `POST /auth/token`.

use actix_web::{post, web};
use hms_api::{Json, Problems};
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::Call;

use super::Uncached;
use super::login::{Credentials, sign_in};
use crate::State;
use crate::tokens::Tokens;

/// Signs in, like `/auth/login`: the name that clients of the hospital API know.
#[utoipa::path(tag = "auth", request_body = Credentials, responses((status = 200, body = Tokens), Problems))]
#[post("/auth/token")]
pub async fn token(
    call: Call<scope::Anyone>,
    state: web::Data<State>,
    body: Json<Credentials>,
) -> Result<Uncached, Problem> {
    sign_in(call, state, body.into_inner()).await
}
