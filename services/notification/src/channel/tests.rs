//! Each channel against what stands at its other end: a real server, by somebody else where there is one.

mod fcm;
mod other;
mod sms;
mod smtp;
mod web_push;

use chrono::DateTime;
use hms_model::Clock;
use hms_model::id::Id;
use hms_testkit::Folder;

use super::*;
use crate::domain::Calendar;

/// Channels by these settings, with a data folder of their own.
struct World {
    channels: Channels,
    clock: Clock,
    folder: Folder,
}

impl World {
    fn new(settings: &[(&str, &str)]) -> Self {
        Self::with(settings, Arc::new(OfTheMachine))
    }

    fn with(settings: &[(&str, &str)], lookup: Arc<dyn Lookup>) -> Self {
        let _already_there = rustls::crypto::ring::default_provider().install_default();
        let (folder, clock) =
            (Folder::new(), Clock::by_hand(DateTime::from_timestamp(1_772_438_400, 0).unwrap()));
        let settings = Settings::default().with(settings.iter().copied());
        let channels = Channels::of(&settings, folder.path(), &clock, &lookup).unwrap();
        Self { channels, clock, folder }
    }

    async fn send(&self, to: Address<'_>) -> Result<Receipt, SendError> {
        self.send_with(to, "Tomorrow at nine, Grüße.", None).await
    }

    async fn send_with(
        &self,
        to: Address<'_>,
        body: &str,
        calendar: Option<Calendar<'_>>,
    ) -> Result<Receipt, SendError> {
        let (id, created_at) = (Id::new(self.clock.now()), self.clock.now());
        let subject = "Appointment — booked";
        let message = Outgoing { id, created_at, to, subject, body, calendar, urgent: false };
        let outcome = self.channels.send(message).await;
        if let Err(error) = &outcome {
            // It goes into the log and into the database.
            let words = format!("{error} {error:?}");
            let personal = match to {
                Address::Email(address) | Address::Sms(address) => address,
                Address::Push(PushTarget::Web { endpoint, .. }) => endpoint.expose(),
                Address::Push(PushTarget::Fcm { token }) => token.expose(),
            };
            assert!(!words.contains(personal), "{words}");
        }
        outcome
    }
}

fn kind(outcome: &Result<Receipt, SendError>) -> &'static str {
    match outcome {
        Ok(_) => "sent",
        Err(SendError::Later { retry_after: None, .. }) => "later",
        Err(SendError::Later { .. }) => "later, as asked",
        Err(SendError::Busy { .. }) => "busy",
        Err(SendError::Never(_)) => "never",
        Err(SendError::Gone(_)) => "gone",
    }
}

#[tokio::test]
async fn what_has_no_provider_is_a_file() {
    let world = World::new(&[]);
    let device = PushTarget::Fcm { token: hms_model::Secret::new("device") };
    for to in [Address::Email("ann@example.org"), Address::Sms("+14155552671"), Address::Push(&device)] {
        let name = world.send(to).await.unwrap().provider_id.unwrap();
        assert!(world.folder.path().join("outgoing").join(name).exists());
    }
}

#[test]
fn what_is_cut_says_so() {
    let cases = [("", 3, ""), ("abc", 3, "abc"), ("abcd", 3, "ab…"), ("äöüß", 3, "äö…"), ("abc", 0, "…")];
    for (text, most, expected) in cases {
        assert_eq!(cut(text, most, |_| 1), expected, "{text}");
    }
    assert_eq!(cut("ääää", 7, char::len_utf8), "ää…");
}
