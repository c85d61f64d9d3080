//! `GET /oauth/userinfo`.

use actix_web::get;
use hms_api::Problems;
use hms_model::id::GrantId;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Call, Reply};

use crate::domain::oauth::scope::Identity;
use crate::grant_tokens::Person;
use crate::store::{accounts, grants};

/// Tells a client who signed in (OpenID Connect Core 1.0, 5.3): with the access token of a grant that has `openid`.
#[utoipa::path(tag = "oauth", operation_id = "oauth_userinfo",
    responses((status = 200, body = Person), Problems), security(("bearer" = [])))]
#[get("/oauth/userinfo")]
pub async fn userinfo(call: Call<scope::SignedIn>) -> Result<Reply, Problem> {
    let (sub, id) = (call.claims()?.sub, GrantId::from_uuid(call.claims()?.sid.uuid()));
    let person = call.read(move |db| {
        let grant = grants::find(db, id)?.filter(|grant| grant.scopes.has(Identity::Openid));
        let refused = || Problem::new(Code::Forbidden).message("The token is not one of OpenID Connect.");
        let grant = grant.ok_or_else(refused)?;
        let account = accounts::find(db, sub)?;
        if grant.family.revoked || !account.is_active() {
            return Err(Code::Unauthenticated.into());
        }
        Ok(Person::of(&account, &grant.scopes))
    });
    Reply::ok(&person.await?)
}
