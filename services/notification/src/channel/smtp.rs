//! E-mail over SMTP (RFC 5321), by a server that takes mail for others (RFC 6409).

use std::time::{Duration, Instant};

use lettre::address::Envelope;
use lettre::message::Mailbox;
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::{self, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use parking_lot::Mutex;
use tokio::time::timeout;

use super::limit::Limit;
use super::mail;
use super::settings::{Credentials, SmtpSettings, SmtpTls};
use crate::domain::{Outgoing, Receipt, SendError};

/// How long it may take until there is a connection that mail can go over.
const CONNECT_WITHIN: Duration = Duration::from_secs(6);
/// How long the server may take for one mail.
const SEND_WITHIN: Duration = Duration::from_secs(9);
/// How long a connection is kept for the next mail: servers close theirs after a while too.
const KEPT: Duration = Duration::from_secs(20);

/// Sends by one server.
pub struct Smtp {
    settings: SmtpSettings,
    tls: Option<TlsParameters>,
    from: Mailbox,
    limit: Limit,
    /// Connections that nobody uses. One is put back only after a mail that went well from beginning to end: what was
    /// broken off in the middle would have its answers read as those of the next mail.
    idle: Mutex<Vec<(AsyncSmtpConnection, Instant)>>,
}

impl Smtp {
    /// By the server of these settings.
    pub fn new(settings: SmtpSettings, from: Mailbox) -> anyhow::Result<Self> {
        let tls = match settings.tls {
            SmtpTls::None => None,
            SmtpTls::AtOnce | SmtpTls::StartTls => {
                let mut builder = TlsParameters::builder(settings.host.clone());
                if let Some(certificates) = settings.trusted.smtp()? {
                    builder = builder.add_root_certificate(certificates);
                }
                Some(builder.build()?)
            }
        };
        let limit = Limit::new(settings.allowance);
        Ok(Self { settings, tls, from, limit, idle: Mutex::new(Vec::new()) })
    }

    /// Sends a mail to one address.
    pub async fn send(&self, to: &str, message: Outgoing<'_>) -> Result<Receipt, SendError> {
        let octets = mail::compose(&self.from, to, message)?;
        let to = to.parse().map_err(|_| SendError::never(mail::NO_ADDRESS))?;
        let envelope = Envelope::new(Some(self.from.email.clone()), vec![to])
            .map_err(|_| SendError::never(mail::NO_ADDRESS))?;
        let _place = self.limit.enter().await?;
        let mut connection = timeout(CONNECT_WITHIN, self.connection()).await.map_err(|_| {
            SendError::later(format!("the mail server did not take the connection within {CONNECT_WITHIN:?}"))
        })??;
        // From here on a connection that is dropped is closed.
        let sent = timeout(SEND_WITHIN, connection.send(&envelope, &octets)).await;
        sent.map_err(|_| SendError::later(format!("the mail server did not answer within {SEND_WITHIN:?}")))?
            .map_err(|error| refusal(&error))?;
        self.idle.lock().push((connection, Instant::now()));
        Ok(Receipt { provider_id: Some(mail::message_id(&self.from, message.id)) })
    }

    /// One that was kept and still answers, or a new one.
    async fn connection(&self) -> Result<AsyncSmtpConnection, SendError> {
        while let Some((mut kept, since)) = self.kept() {
            if since.elapsed() < KEPT && kept.test_connected().await {
                return Ok(kept);
            }
        }
        self.connect().await.map_err(|error| {
            SendError::later(format!("the mail server does not take us in: {}", in_words(&error)))
        })
    }

    fn kept(&self) -> Option<(AsyncSmtpConnection, Instant)> {
        self.idle.lock().pop()
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, smtp::Error> {
        let SmtpSettings { host, port, tls, credentials, .. } = &self.settings;
        let (server, own_name) = ((host.as_str(), *port), ClientId::default());
        let at_once = self.tls.clone().filter(|_| *tls == SmtpTls::AtOnce);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(server, Some(CONNECT_WITHIN), &own_name, at_once, None)
                .await?;
        if let Some(parameters) = self.tls.clone().filter(|_| *tls == SmtpTls::StartTls) {
            connection.starttls(parameters, &own_name).await?;
        }
        if let Some(credentials) = credentials {
            let Credentials { user, password } = credentials;
            let known = authentication::Credentials::new(user.clone(), password.expose().to_owned());
            connection.auth(DEFAULT_MECHANISMS, &known).await?;
        }
        Ok(connection)
    }
}

/// What the refusal of a mail means. 530 to 538 tell of our own credentials, and not of the mail.
fn refusal(error: &smtp::Error) -> SendError {
    let reason = format!("the mail server did not take it: {}", in_words(error));
    let code = error.status().map(u16::from);
    match code {
        Some(530..=538) => SendError::later(reason),
        _ if error.is_permanent() || error.is_client() => SendError::never(reason),
        _ => SendError::later(reason),
    }
}

/// An error without the text of the server, which likes to name the recipient.
fn in_words(error: &smtp::Error) -> String {
    let mut cause = std::error::Error::source(error);
    let text = cause.map(ToString::to_string).unwrap_or_default();
    let Some(code) = error.status() else {
        if error.is_response() {
            return "an answer that is none".into();
        }
        while let Some(next) = cause.and_then(std::error::Error::source) {
            cause = Some(next);
        }
        return cause.map_or_else(|| "no answer".into(), ToString::to_string);
    };
    // RFC 3463.
    let enhanced = text.split_whitespace().next().filter(|word| {
        let parts: Vec<_> = word.split('.').collect();
        parts.len() == 3 && parts.iter().all(|part| part.parse::<u16>().is_ok())
    });
    enhanced.map_or_else(|| code.to_string(), |enhanced| format!("{code} {enhanced}"))
}
