//! The ways that messages go. Each is chosen by its URL alone; where there is none, messages are files.

mod folder;
mod http;
mod limit;
mod mail;
mod push;
mod settings;
mod sms;
mod smtp;
mod trust;

use std::path::Path;
use std::sync::Arc;

use hms_model::Clock;
use hms_service::Context;
use hms_settings::Settings;

use crate::domain::{Address, Outgoing, PushTarget, Receipt, SendError};
use crate::guard::{Lookup, OfTheMachine};

use folder::Folder;
use push::{Fcm, VapidKey, WebPush};
use settings::ChannelSettings;
use sms::Sms;
use smtp::Smtp;

/// All ways. To send the same message again must do no harm: whoever sends may die before it is known that it was
/// sent.
pub struct Channels {
    folder: Folder,
    smtp: Option<Smtp>,
    sms: Option<Sms>,
    web_push: Option<WebPush>,
    fcm: Option<Fcm>,
    vapid_key: Arc<VapidKey>,
    /// The address that mail comes from.
    sender: String,
}

impl Channels {
    /// The ways that the settings choose.
    pub fn open(context: &Context) -> anyhow::Result<Self> {
        let lookup: Arc<dyn Lookup> = Arc::new(OfTheMachine);
        let channels = Self::of(&context.settings, &context.own.data_dir, &context.clock, &lookup)?;
        channels.tell();
        Ok(channels)
    }

    fn of(
        settings: &Settings,
        data_dir: &Path,
        clock: &Clock,
        lookup: &Arc<dyn Lookup>,
    ) -> anyhow::Result<Self> {
        let vapid_key = Arc::new(VapidKey::open(settings, data_dir)?);
        let settings = ChannelSettings::read(settings, data_dir)?;
        let ChannelSettings { from, folder, smtp, sms, web_push, fcm, push_rules } = settings;
        let key = Arc::clone(&vapid_key);
        let web_push =
            web_push.map(|settings| WebPush::new(settings, push_rules, key, clock.clone(), lookup));
        Ok(Self {
            sender: from.email.to_string(),
            folder: Folder::new(from.clone(), folder),
            smtp: smtp.map(|settings| Smtp::new(settings, from)).transpose()?,
            sms: sms.map(|settings| Sms::new(settings, clock.clone())).transpose()?,
            web_push: web_push.transpose()?,
            fcm: fcm.map(|settings| Fcm::new(settings, clock.clone())).transpose()?,
            vapid_key,
        })
    }

    /// Hands a message over.
    pub async fn send(&self, message: Outgoing<'_>) -> Result<Receipt, SendError> {
        let Self { smtp, sms, web_push, fcm, .. } = self;
        match (message.to, smtp, sms, web_push, fcm) {
            (Address::Email(to), Some(smtp), ..) => smtp.send(to, message).await,
            (Address::Sms(to), _, Some(sms), ..) => sms.send(to, message).await,
            (Address::Push(PushTarget::Web { endpoint, p256dh, auth }), _, _, Some(web), _) => {
                web.send((endpoint, p256dh, auth), message).await
            }
            (Address::Push(PushTarget::Fcm { token }), .., Some(fcm)) => fcm.send(token, message).await,
            _ => self.folder.send(message).await,
        }
    }

    /// The address that mail comes from.
    pub fn sender(&self) -> &str {
        &self.sender
    }

    /// What a browser needs to subscribe (`applicationServerKey`): the public key of this deployment, in base64url.
    pub fn push_key(&self) -> &str {
        self.vapid_key.public()
    }

    fn tell(&self) {
        let way = |there: bool| if there { "provider" } else { "files" };
        let (email, sms) = (way(self.smtp.is_some()), way(self.sms.is_some()));
        let (browsers, apps) = (way(self.web_push.is_some()), way(self.fcm.is_some()));
        tracing::info!(email, sms, browsers, apps, "where messages go");
    }
}

/// As much of a text as may cost `most`, by the cost of each character; an ellipsis tells that there was more.
fn cut(text: &str, most: usize, cost: fn(char) -> usize) -> String {
    let whole: usize = text.chars().map(cost).sum();
    if whole <= most {
        return text.to_owned();
    }
    let mut left = most.saturating_sub(cost('…'));
    let fits = |character: &char| {
        let enough = left.checked_sub(cost(*character));
        left = enough.unwrap_or_default();
        enough.is_some()
    };
    let mut kept: String = text.chars().take_while(fits).collect();
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests;
