//! What everyone does with their own account: register, sign in, stay signed in, sign out.

pub mod ending;
pub mod entering;
pub mod erase;
pub mod guard;
pub mod invitation;
pub mod login;
pub mod login_mfa;
pub mod logout;
pub mod mails;
pub mod me;
pub mod mfa;
pub mod password;
pub mod proof;
pub mod refresh;
pub mod register;
pub mod sessions;
pub mod token;
pub mod verification;

use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::{CustomizeResponder, Responder};
use hms_db::Db;
use hms_model::id::AccountId;
use hms_problem::{Code, Problem};
use hms_service::Reply;

use crate::domain::account::Account;
use crate::store::accounts;

/// An answer with tokens in it, which nobody may keep on the way (RFC 6749, 5.1).
pub type Uncached = CustomizeResponder<Reply>;

/// Makes an answer one that nobody keeps.
pub fn uncached(reply: Reply) -> Uncached {
    reply.customize().insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")))
}

/// The account of whoever calls; a token may outlive it.
fn own_account(db: &mut Db, id: AccountId) -> Result<Account, Problem> {
    present(accounts::find(db, id))
}

/// The same, which nobody else changes until the transaction ends.
fn own_account_locked(db: &mut Db, id: AccountId) -> Result<Account, Problem> {
    present(accounts::find_locked(db, id))
}

fn present(found: hms_db::Result<Account>) -> Result<Account, Problem> {
    match found {
        Err(hms_db::Error::NotFound) => Err(Code::Unauthenticated.into()),
        found => Ok(found?),
    }
    .and_then(|account| if account.is_active() { Ok(account) } else { Err(Code::Unauthenticated.into()) })
}
