//! `POST /auth/invitation`.

use actix_web::{post, web};
use hms_api::{Json, Problems};
use hms_model::Secret;
use hms_model::audit::Action;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply, Work};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::State;
use crate::api::accounts::duplicate;
use crate::domain::account::{self, Account, NewAccount, Username};
use crate::domain::invitation::{Invitation, InvitationStatus};
use crate::domain::password;
use crate::store::{accounts, invitations};
use crate::tokens;

/// Who accepts an invitation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Acceptance {
    /// What the mail carries.
    token: Secret,
    /// A password of 15 to 128 characters.
    password: Secret,
    /// A short name to sign in with.
    username: Option<Username>,
}

/// Accepts an invitation: makes the account, with a password that nobody else knows. The token works once and for
/// 7 days.
#[utoipa::path(tag = "auth", operation_id = "accept_invitation", request_body = Acceptance, responses((status = 201, body = Account), Problems))]
#[post("/auth/invitation")]
pub async fn accept(
    call: Call<scope::Anyone>,
    state: web::Data<State>,
    body: Json<Acceptance>,
) -> Result<Reply, Problem> {
    let Acceptance { token, password, username } = body.into_inner();
    let (token, now) = (tokens::hash_of(&token), call.context().clock.now());
    let found = call.read(move |db| Ok(invitations::find_by_token(db, &token, now)?));
    let invitation = found.await?.ok_or(Code::LinkInvalid)?;
    let new = new_account(&invitation, username)?;
    password::check(password.expose(), &new.names())
        .map_err(|weakness| Problem::field(Code::WeakPassword, "password", weakness))?;
    let hash = state.hashing.hash(password).await?;
    call.write_unkeyed(move |work| make(work, &invitation, new, &hash)).await
}

fn new_account(invitation: &Invitation, username: Option<Username>) -> Result<NewAccount, Problem> {
    let email = invitation.email.parse().map_err(|_| Problem::new(Code::LinkInvalid))?;
    let Invitation { patient_id, practitioner_id, ref roles, .. } = *invitation;
    Ok(NewAccount {
        email,
        username,
        roles: roles.clone(),
        email_verified: true,
        patient_id,
        practitioner_id,
        language: invitation.language.clone(),
    })
}

fn make(work: &mut Work<'_>, invitation: &Invitation, new: NewAccount, hash: &str) -> Result<Reply, Problem> {
    if invitation.expires_at <= work.now
        || !invitations::end(work.db, invitation.id, InvitationStatus::Accepted)?
    {
        return Err(Code::LinkInvalid.into());
    }
    let account = account::register(new, invitation.id, work.now)?;
    accounts::insert(work.db, &account, hash).map_err(duplicate)?;
    work.publish(&account.registered())?;
    let act = Act::new(Action::Create, "account").on(account.id).detail("by invitation");
    work.audit(act.by(account.id, account.roles.clone()))?;
    Ok(Reply::created(&account)?.version(account.version).at(format!("/api/v1/accounts/{}", account.id)))
}
