//! What the handlers share.

use std::sync::Arc;

use chrono::TimeDelta;
use hms_service::Context;

use crate::config::{AuthSettings, PeopleSettings};
use crate::first_admin;
use crate::hashing::Hashing;
use crate::keyring::Keyring;
use crate::last_use::LastUse;
use crate::service_clients::ServiceClients;
use crate::sign_ins::SignIns;
use crate::signing::Signing;
use crate::upkeep::Upkeep;

/// What the handlers of the auth service share.
pub struct State {
    pub(crate) issuer: Arc<Signing>,
    pub(crate) hashing: Hashing,
    pub(crate) access_lifetime: TimeDelta,
    pub(crate) key_period: TimeDelta,
    pub(crate) service_clients: ServiceClients,
    pub(crate) last_use: Arc<LastUse>,
    pub(crate) people: PeopleSettings,
    pub(crate) keyring: Keyring,
    pub(crate) sign_ins: SignIns,
}

impl State {
    /// Makes it, and with it the signing key and the first admin where there are none.
    pub(crate) async fn prepare(context: &Context) -> anyhow::Result<Self> {
        let settings = AuthSettings::read(context)?;
        let state = Self {
            issuer: Arc::new(Signing::prepare(context, settings.keys, settings.public_url).await?),
            hashing: Hashing::new(),
            access_lifetime: settings.access_lifetime,
            key_period: settings.key_period,
            service_clients: ServiceClients::prepare(&context.settings, &context.own.data_dir)?,
            last_use: Arc::default(),
            people: settings.people,
            keyring: Keyring::open(&context.settings, &context.own.data_dir)?,
            sign_ins: SignIns::new(&context.metrics)?,
        };
        first_admin::ensure(context, &state.hashing, settings.first_admin).await?;
        let upkeep = Upkeep {
            signing: Arc::clone(&state.issuer),
            key_period: state.key_period,
            last_use: Arc::clone(&state.last_use),
            every: settings.upkeep_every,
        };
        context.tasks.spawn(|stop| upkeep.run(context.giving_way(), stop));
        Ok(state)
    }
}
