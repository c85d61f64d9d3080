//! `POST /auth/mfa/totp`.

use actix_web::{post, web};
use hms_api::{Json, Problems};
use hms_model::Secret;
use hms_model::audit::Action;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::State;
use crate::api::auth::{Uncached, own_account_locked, proof, uncached};
use crate::domain::totp::{self, SECRET_BYTES};
use crate::store::factors;

/// Who wants a second factor.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Enrolment {
    /// The password; not asked for within 10 minutes of the sign-in.
    password: Option<Secret>,
}

/// What an authenticator app needs, shown once.
#[derive(Serialize, ToSchema)]
pub struct TotpSecret {
    /// The secret in base32 (RFC 4648), to type in.
    secret: String,
    /// The same as a URI, for a QR code.
    otpauth_url: String,
}

/// Gives the secret for an authenticator app (RFC 6238: SHA-1, 6 digits, 30 seconds). It counts for nothing until it is
/// confirmed by a code.
#[utoipa::path(tag = "auth", operation_id = "enrol_second_factor", request_body = Enrolment,
    responses((status = 200, body = TotpSecret), Problems), security(("bearer" = [])))]
#[post("/auth/mfa/totp")]
pub async fn enrol(
    call: Call<scope::Enrolling>,
    state: web::Data<State>,
    body: Json<Enrolment>,
) -> Result<Uncached, Problem> {
    let id = call.claims()?.sub;
    let proof = proof::prove(&call, &state, body.into_inner().password).await?;
    let reply = call.write_unkeyed(move |work| {
        let account = own_account_locked(work.db, id)?;
        proof.holds(work, id)?;
        let secret: [u8; SECRET_BYTES] = super::random()?;
        let sealed = state.keyring.seal(id, &secret).map_err(|error| {
            tracing::error!(error = format!("{error:#}"), "a secret cannot be sealed");
            Problem::new(Code::Internal)
        })?;
        if !factors::enrol(work.db, id, &sealed, work.now)? {
            return Err(
                Problem::new(Code::Duplicate).message("There is a second factor already: disable it first.")
            );
        }
        work.audit(Act::new(Action::Update, "account").on(id).detail("second factor begun"))?;
        Reply::ok(&TotpSecret {
            secret: totp::secret_text(&secret),
            otpauth_url: totp::uri(&state.people.place_name, &account.email, &secret),
        })
    });
    Ok(uncached(reply.await?))
}
