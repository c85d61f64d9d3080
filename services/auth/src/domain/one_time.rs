//! What is sent by mail, or handed out between two steps, and works once.

use chrono::TimeDelta;
use hms_model::coded_enum;

coded_enum! {
    /// What a one-time token is good for.
    pub enum Purpose {
        /// To show that an e-mail address is one's own.
        VerifyEmail = "verify_email",
        /// To set another password.
        ResetPassword = "reset_password",
    }
}

/// How long an invitation is good.
pub const INVITATION: TimeDelta = TimeDelta::days(7);
/// How long somebody who has given the password may take for the second factor.
pub const CHALLENGE: TimeDelta = TimeDelta::minutes(5);
/// How many codes may be tried upon one password.
pub const CHALLENGE_ATTEMPTS: i64 = 5;
/// A mail that was asked for again within this is not sent again.
pub const MAIL_PAUSE: TimeDelta = TimeDelta::minutes(1);
/// For how long after a sign-in somebody need not give the password again.
pub const RECENT: TimeDelta = TimeDelta::minutes(10);

impl Purpose {
    /// How long a token is good.
    pub fn lifetime(self) -> TimeDelta {
        match self {
            Self::VerifyEmail => TimeDelta::hours(24),
            Self::ResetPassword => TimeDelta::minutes(30),
        }
    }
}
