//! `POST /accounts/invitations`.

use actix_web::post;
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::id::{PatientId, PractitionerId};
use hms_model::role::{Role, scope};
use hms_model::{Email, LanguageTag, Secret};
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply, Work};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::accounts::check_records;
use crate::api::auth::mails;
use crate::domain::account::{NewAccount, Refusal};
use crate::domain::invitation::Invitation;
use crate::store::{accounts, invitations};
use crate::tokens;

/// Who shall get an account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InvitationForm {
    /// Where the mail goes; the address of the account.
    email: Email,
    /// What its holder will be: at least one.
    roles: Vec<Role>,
    /// The patient who will be the holder.
    patient_id: Option<PatientId>,
    /// The practitioner who will be the holder.
    practitioner_id: Option<PractitionerId>,
    /// The language of the mail, and of the account.
    language: Option<LanguageTag>,
}

/// Invites somebody: a mail goes out with a token by which they choose their own password, once and within 7 days.
#[utoipa::path(
    tag = "accounts",
    operation_id = "create_invitation",
    request_body = InvitationForm,
    responses((status = 201, body = Invitation), Problems),
    security(("bearer" = ["account:write"]))
)]
#[post("/accounts/invitations")]
pub async fn create(call: Call<scope::AccountWrite>, body: Json<InvitationForm>) -> Result<Reply, Problem> {
    let InvitationForm { email, mut roles, patient_id, practitioner_id, language } = body.into_inner();
    roles.sort_unstable();
    roles.dedup();
    if roles.is_empty() {
        return Err(Refusal::NoRoles.into());
    }
    let by = call.claims()?.sub;
    let (username, email_verified) = (None, true);
    let new = NewAccount { email, username, roles, email_verified, patient_id, practitioner_id, language };
    call.write(move |work| {
        check_records(work, &new)?;
        let invitation = Invitation::new(new, work.new_id(), by, work.now);
        invite(work, &invitation)?;
        Reply::created(&invitation)
    })
    .await
}

fn invite(work: &mut Work<'_>, invitation: &Invitation) -> Result<(), Problem> {
    if accounts::find_by_email(work.db, &invitation.email)?.is_some() {
        return Err(Problem::field(Code::Duplicate, "email", "there is an account with it already"));
    }
    invitations::withdraw_expired(work.db, &invitation.email, work.now)?;
    let token = Secret::new(tokens::random::<32>()?);
    invitations::insert(work.db, invitation, &tokens::hash_of(&token)).map_err(|error| {
        if invitations::is_open_already(&error) {
            Problem::field(Code::Duplicate, "email", "there is an open invitation for it already")
        } else {
            error.into()
        }
    })?;
    mails::invite(work, invitation, token)?;
    work.audit(Act::new(Action::Create, "invitation").on(invitation.id))
}
