//! What the handlers share.

use chrono::TimeDelta;
use hms_access::Issuer;
use hms_service::Context;

use crate::config::AuthSettings;
use crate::hashing::Hashing;
use crate::{first_admin, signing};

/// What the handlers of the auth service share.
pub struct State {
    pub(crate) issuer: Issuer,
    pub(crate) hashing: Hashing,
    pub(crate) access_lifetime: TimeDelta,
}

impl State {
    /// Makes it, and with it the signing key and the first admin where there are none.
    pub(crate) async fn prepare(context: &Context) -> anyhow::Result<Self> {
        let settings = AuthSettings::read(context)?;
        let state = Self {
            issuer: signing::issuer(context, settings.keys).await?,
            hashing: Hashing::new(),
            access_lifetime: settings.access_lifetime,
        };
        first_admin::ensure(context, &state.hashing, settings.first_admin).await?;
        Ok(state)
    }
}
