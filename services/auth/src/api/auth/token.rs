//! `POST /auth/token`.

use actix_web::{HttpRequest, post, web};
use hms_api::{Json, Problems};
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::Call;

use super::login::{Credentials, SignIn, sign_in};
use super::{Uncached, entering};
use crate::State;

/// Signs in, like `/auth/login`: the name that clients of the hospital API know.
#[utoipa::path(tag = "auth", request_body = Credentials, responses((status = 200, body = SignIn), Problems))]
#[post("/auth/token")]
pub async fn token(
    call: Call<scope::Anyone>,
    request: HttpRequest,
    state: web::Data<State>,
    body: Json<Credentials>,
) -> Result<Uncached, Problem> {
    let place = entering::place(&request)?;
    sign_in(call, place, state, body.into_inner()).await
}
