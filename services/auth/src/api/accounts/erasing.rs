//! What it takes to delete an account.

use hms_model::audit::Action;
use hms_problem::{Code, Problem};
use hms_service::{Act, Work};

use crate::api::auth::ending::{self, Keys};
use crate::api::auth::guard::{self, Subject};
use crate::domain::account::Account;
use crate::domain::one_time::Purpose;
use crate::store::{accounts, challenges, factors, invitations, one_time, sessions};

/// Takes away all that is known of the holder: names, password, roles, second factor, devices and places. The id stays,
/// so that the audit goes on to name one and the same.
pub fn erase(work: &mut Work<'_>, account: &Account) -> Result<(), Problem> {
    if !accounts::erase(work.db, account, work.now)? {
        return Err(Code::PreconditionFailed.into());
    }
    let subject = account.id.to_string();
    factors::remove(work.db, account.id)?;
    challenges::forget(work.db, account.id)?;
    for purpose in [Purpose::VerifyEmail, Purpose::ResetPassword] {
        one_time::forget(work.db, purpose, &subject)?;
    }
    invitations::forget(work.db, &account.email)?;
    guard::forgive(work, &Subject::of_account(account.id))?;
    sessions::forget_places(work.db, account.id)?;
    work.publish(&account.deleted())?;
    work.audit(Act::new(Action::Delete, "account").on(account.id))?;
    ending::end_everything(work, account.id, Keys::Revoked, "account deleted")
}
