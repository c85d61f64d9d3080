//! Mails that carry a secret: asked for here, sent by the notification service.

use hms_model::event::{
    AccountInvited, AccountMailFacts, AccountPasswordResetRequested, AccountVerificationRequested,
};
use hms_model::{OneTimeToken, Secret};
use hms_problem::Problem;
use hms_service::Work;

use crate::domain::account::Account;
use crate::domain::invitation::Invitation;
use crate::domain::one_time::Purpose;
use crate::store::one_time;
use crate::tokens;

/// Asks somebody to show that the address is theirs. Without an account the same is done, and no mail is sent.
pub fn request_verification(
    work: &mut Work<'_>,
    email: &str,
    account: Option<&Account>,
) -> Result<(), Problem> {
    match facts(work, Purpose::VerifyEmail, email, account)? {
        Some(facts) => work.publish(&AccountVerificationRequested(facts)),
        None => Ok(()),
    }
}

/// Sends somebody the way to another password. Without an account the same is done, and no mail is sent.
pub fn request_reset(work: &mut Work<'_>, email: &str, account: Option<&Account>) -> Result<(), Problem> {
    match facts(work, Purpose::ResetPassword, email, account)? {
        Some(facts) => work.publish(&AccountPasswordResetRequested(facts)),
        None => Ok(()),
    }
}

/// Sends an invitation.
pub fn invite(work: &mut Work<'_>, invitation: &Invitation, token: Secret) -> Result<(), Problem> {
    work.publish(&AccountInvited(AccountMailFacts {
        account_id: invitation.id,
        version: 1,
        email: invitation.email.clone(),
        token: OneTimeToken::new(token),
        expires_at: invitation.expires_at,
        language: invitation.language.as_ref().map(ToString::to_string),
    }))
}

/// What a one-time token is kept for: an account, or a name that has none.
pub fn subject(email: &str, account: Option<&Account>) -> String {
    account.map_or_else(|| tokens::hash_of(&Secret::new(email)), |account| account.id.to_string())
}

/// Makes a token and says what the mail must know; nothing where one was asked for a moment ago.
fn facts(
    work: &mut Work<'_>,
    purpose: Purpose,
    email: &str,
    account: Option<&Account>,
) -> Result<Option<AccountMailFacts>, Problem> {
    let subject = subject(email, account);
    if one_time::is_fresh(work.db, purpose, &subject, work.now)? {
        return Ok(None);
    }
    let token = Secret::new(tokens::random::<32>()?);
    one_time::add(work.db, purpose, &subject, &tokens::hash_of(&token), work.now)?;
    Ok(account.map(|account| AccountMailFacts {
        account_id: account.id,
        version: account.version,
        email: account.email.clone(),
        token: OneTimeToken::new(token),
        expires_at: work.now + purpose.lifetime(),
        language: account.language.as_ref().map(ToString::to_string),
    }))
}
