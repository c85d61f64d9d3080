//! The settings of channels: a URL chooses each, and holds what its provider needs.

use std::fs;
use std::path::{Path, PathBuf};

use hms_model::Secret;
use hms_settings::{SettingError, Settings};
use lettre::message::Mailbox;
use percent_encoding::percent_decode_str;
use url::Url;

use super::limit::Allowance;
use super::trust::Trusted;
use crate::domain::webhook::{AddressRules, Private};

/// How messages go out.
#[derive(Debug, Clone)]
pub struct ChannelSettings {
    /// `HMS_MAIL_FROM` (`HMS <no-reply@hms.local>`): the sender of e-mail.
    pub from: Mailbox,
    /// Where messages are written that no provider takes: `outgoing` in the data folder.
    pub folder: PathBuf,
    /// `SMTP_URL`: the server for e-mail.
    pub smtp: Option<SmtpSettings>,
    /// `SMS_URL`: the provider of text messages.
    pub sms: Option<SmsSettings>,
    /// `WEB_PUSH_URL`: whom push services of browsers turn to.
    pub web_push: Option<WebPushSettings>,
    /// `FCM_URL`: where Firebase Cloud Messaging is.
    pub fcm: Option<FcmSettings>,
    /// `HMS_PUSH_ALLOW_PRIVATE` (false): where subscriptions may lead, beside the public network.
    pub push_rules: AddressRules,
}

/// A server for e-mail: `smtps://user:password@host:465`, `smtp://user:password@host:587?tls=required`, `smtp://host`.
#[derive(Debug, Clone)]
pub struct SmtpSettings {
    /// Its name, which its certificate must have.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the way to it is encrypted.
    pub tls: SmtpTls,
    /// What it knows us by.
    pub credentials: Option<Credentials>,
    /// What it allows.
    pub allowance: Allowance,
    /// Whom to trust.
    pub trusted: Trusted,
}

/// How the way to a server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpTls {
    /// It is not.
    None,
    /// From the beginning (RFC 8314).
    AtOnce,
    /// By STARTTLS (RFC 3207); without it nothing is sent.
    StartTls,
}

/// What somebody knows us by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The name.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// A provider that speaks as Twilio does: `twilio://SID:TOKEN@api.twilio.com?from=%2B14155550100`, or
/// `?messaging_service=MG…`; `twilio+http://` where the way to it is not encrypted.
#[derive(Debug, Clone)]
pub struct SmsSettings {
    /// Where it is, without a path.
    pub url: Url,
    /// The account.
    pub credentials: Credentials,
    /// Who sends.
    pub sender: SmsSender,
    /// What it allows.
    pub allowance: Allowance,
    /// Whom to trust.
    pub trusted: Trusted,
}

/// Who sends text messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SmsSender {
    /// A number, a short code, or a name.
    From(String),
    /// A service that chooses one.
    MessagingService(String),
}

/// Push messages to browsers.
#[derive(Debug, Clone)]
pub struct WebPushSettings {
    /// Whom a push service turns to when something is wrong (RFC 8292): `mailto:` or `https:`.
    pub contact: String,
    /// What it allows.
    pub allowance: Allowance,
    /// Whom to trust.
    pub trusted: Trusted,
}

/// Push messages to apps.
#[derive(Debug, Clone)]
pub struct FcmSettings {
    /// Where it is: `https://fcm.googleapis.com`.
    pub url: Url,
    /// `HMS_FCM_ACCOUNT` or the file `HMS_FCM_ACCOUNT_FILE`: the service account, as Google gives it (JSON).
    pub account: Secret,
    /// What it allows.
    pub allowance: Allowance,
    /// Whom to trust.
    pub trusted: Trusted,
}

impl ChannelSettings {
    /// Reads them.
    pub fn read(settings: &Settings, data_dir: &Path) -> Result<Self, SettingError> {
        let from = settings.get("HMS_MAIL_FROM").unwrap_or_else(|| "HMS <no-reply@hms.local>".into());
        let from = from.parse().map_err(|_| {
            SettingError::new(
                "HMS_MAIL_FROM",
                "must be an e-mail address, such as Clinic <no-reply@clinic.example>",
            )
        })?;
        let private: Private = settings.parse("HMS_PUSH_ALLOW_PRIVATE")?.unwrap_or_default();
        Ok(Self {
            from,
            folder: data_dir.join("outgoing"),
            smtp: settings.get("SMTP_URL").map(|url| smtp(settings, &url)).transpose()?,
            sms: settings.get("SMS_URL").map(|url| sms(settings, &url)).transpose()?,
            web_push: settings.get("WEB_PUSH_URL").map(|url| web_push(settings, url)).transpose()?,
            fcm: settings.get("FCM_URL").map(|url| fcm(settings, &url)).transpose()?,
            push_rules: AddressRules { allow_http: false, private },
        })
    }
}

fn smtp(settings: &Settings, text: &str) -> Result<SmtpSettings, SettingError> {
    const FORM: &str =
        "must be smtps://user:password@host, smtp://user:password@host?tls=required, or smtp://host";
    let wrong = || SettingError::new("SMTP_URL", FORM);
    let url = Url::parse(text).map_err(|_| wrong())?;
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(wrong)?.to_owned();
    let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let tls = match (url.scheme(), query.as_slice()) {
        ("smtps", []) => SmtpTls::AtOnce,
        ("smtp", []) => SmtpTls::None,
        ("smtp", [(name, value)]) if name == "tls" && value == "required" => SmtpTls::StartTls,
        _ => return Err(wrong()),
    };
    if !matches!(url.path(), "" | "/") {
        return Err(wrong());
    }
    let credentials = credentials(&url).map_err(|()| wrong())?;
    if tls == SmtpTls::None && credentials.is_some() {
        return Err(SettingError::new(
            "SMTP_URL",
            "sends no password where nothing is encrypted: smtps://, or ?tls=required",
        ));
    }
    let usual = match tls {
        SmtpTls::AtOnce => 465,
        SmtpTls::StartTls => 587,
        SmtpTls::None => 25,
    };
    let (allowance, trusted) = (allowance(settings, EMAIL, 4)?, Trusted::read(settings)?);
    Ok(SmtpSettings { host, port: url.port().unwrap_or(usual), tls, credentials, allowance, trusted })
}

fn sms(settings: &Settings, text: &str) -> Result<SmsSettings, SettingError> {
    const FORM: &str = "must be twilio://SID:TOKEN@host?from=%2B14155550100, or with ?messaging_service=MG…";
    let wrong = || SettingError::new("SMS_URL", FORM);
    let rest = text.strip_prefix("twilio://").map(|rest| format!("https://{rest}"));
    let rest = rest.or_else(|| text.strip_prefix("twilio+http://").map(|rest| format!("http://{rest}")));
    let mut url = Url::parse(&rest.ok_or_else(wrong)?).map_err(|_| wrong())?;
    let credentials = credentials(&url).ok().flatten().ok_or_else(wrong)?;
    let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let sender = match query.as_slice() {
        // Who forgets that a plus is a space there means a plus.
        [(name, value)] if name == "from" && !value.is_empty() => {
            SmsSender::From(value.replacen(' ', "+", 1))
        }
        [(name, value)] if name == "messaging_service" && !value.is_empty() => {
            SmsSender::MessagingService(value.clone())
        }
        _ => return Err(wrong()),
    };
    if url.path() != "/" || url.set_username("").is_err() || url.set_password(None).is_err() {
        return Err(wrong());
    }
    url.set_query(None);
    let (allowance, trusted) = (allowance(settings, SMS, 4)?, Trusted::read(settings)?);
    Ok(SmsSettings { url, credentials, sender, allowance, trusted })
}

fn web_push(settings: &Settings, contact: String) -> Result<WebPushSettings, SettingError> {
    let right = Url::parse(&contact).is_ok_and(|url| match url.scheme() {
        "mailto" => url.path().contains('@'),
        scheme => scheme == "https" && url.has_host(),
    });
    if !right {
        return Err(SettingError::new("WEB_PUSH_URL", "must be mailto:it@clinic.example or an https URL"));
    }
    let (allowance, trusted) = (allowance(settings, PUSH, 16)?, Trusted::read(settings)?);
    Ok(WebPushSettings { contact, allowance, trusted })
}

fn fcm(settings: &Settings, text: &str) -> Result<FcmSettings, SettingError> {
    let url = Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "https" | "http")
            && url.path() == "/"
            && url.query().is_none()
            && url.username().is_empty()
    });
    let url =
        url.ok_or_else(|| SettingError::new("FCM_URL", "must be https://fcm.googleapis.com or the like"))?;
    let account = match (settings.get("HMS_FCM_ACCOUNT"), settings.get("HMS_FCM_ACCOUNT_FILE")) {
        (Some(account), None) => account,
        (None, Some(file)) => fs::read_to_string(&file).map_err(|error| {
            SettingError::new("HMS_FCM_ACCOUNT_FILE", format!("{file} cannot be read: {error}"))
        })?,
        _ => {
            let reason = "or HMS_FCM_ACCOUNT_FILE must be there with FCM_URL, and not both";
            return Err(SettingError::new("HMS_FCM_ACCOUNT", reason));
        }
    };
    let (allowance, trusted) = (allowance(settings, PUSH, 16)?, Trusted::read(settings)?);
    Ok(FcmSettings { url, account: Secret::new(account), allowance, trusted })
}

/// How many at once, and how many in a second.
type Limits = (&'static str, &'static str);
const EMAIL: Limits = ("HMS_EMAIL_AT_ONCE", "HMS_EMAIL_PER_SECOND");
const SMS: Limits = ("HMS_SMS_AT_ONCE", "HMS_SMS_PER_SECOND");
const PUSH: Limits = ("HMS_PUSH_AT_ONCE", "HMS_PUSH_PER_SECOND");

fn allowance(
    settings: &Settings,
    (at_once, per_second): Limits,
    usual: usize,
) -> Result<Allowance, SettingError> {
    let places = settings.parse_or(at_once, usual)?;
    if !(1..=1_000).contains(&places) {
        return Err(SettingError::new(at_once, "must be 1 to 1000"));
    }
    let rate: Option<f64> = settings.parse(per_second)?;
    if rate.is_some_and(|rate| !(0.01..=10_000.0).contains(&rate)) {
        return Err(SettingError::new(per_second, "must be 0.01 to 10000"));
    }
    Ok(Allowance { at_once: places, per_second: rate })
}

/// The name and the password in a URL: both or none.
fn credentials(url: &Url) -> Result<Option<Credentials>, ()> {
    let decoded = |text| percent_decode_str(text).decode_utf8().map(|text| text.into_owned()).map_err(|_| ());
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        ("", Some(_)) | (_, None) => Err(()),
        (user, Some(password)) => {
            Ok(Some(Credentials { user: decoded(user)?, password: Secret::new(decoded(password)?) }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<ChannelSettings, SettingError> {
        ChannelSettings::read(&Settings::default().with(pairs.iter().copied()), Path::new("data"))
    }

    fn one(name: &str, value: &str) -> Result<ChannelSettings, SettingError> {
        read(&[(name, value)])
    }

    #[test]
    fn the_sender_has_a_default_and_must_be_an_address() {
        let default = read(&[]).unwrap();
        assert_eq!(default.from.to_string(), "HMS <no-reply@hms.local>");
        assert_eq!(default.folder, Path::new("data/outgoing"));
        assert!(
            default.smtp.is_none()
                && default.sms.is_none()
                && default.web_push.is_none()
                && default.fcm.is_none()
        );
        assert!(one("HMS_MAIL_FROM", "x@y.example").is_ok());
        let error = one("HMS_MAIL_FROM", "nobody").unwrap_err();
        assert!(error.to_string().starts_with("HMS_MAIL_FROM: "), "{error}");
    }

    #[test]
    fn a_mail_server_is_its_url() {
        let cases = [
            ("smtps://ann:s3%3Acret@mail.example", 465, SmtpTls::AtOnce, Some(("ann", "s3:cret"))),
            ("smtps://mail.example:2465", 2465, SmtpTls::AtOnce, None),
            (
                "smtp://a%40b.example:x@mail.example?tls=required",
                587,
                SmtpTls::StartTls,
                Some(("a@b.example", "x")),
            ),
            ("smtp://mail.example/", 25, SmtpTls::None, None),
        ];
        for (url, port, tls, known) in cases {
            let smtp = one("SMTP_URL", url).unwrap().smtp.unwrap();
            let credentials = known
                .map(|(user, password)| Credentials { user: user.into(), password: Secret::new(password) });
            assert_eq!((smtp.host.as_str(), smtp.port, smtp.tls), ("mail.example", port, tls), "{url}");
            assert_eq!(smtp.credentials, credentials, "{url}");
            assert!(!format!("{smtp:?}").contains("s3"), "{smtp:?}");
        }
    }

    #[test]
    fn a_provider_of_text_messages_is_its_url() {
        let from = |number: &str| SmsSender::From(number.into());
        let cases = [
            (
                "twilio://AC1:t0ken@api.twilio.com?from=%2B14155550100",
                "https://api.twilio.com/",
                from("+14155550100"),
            ),
            (
                "twilio://AC1:t0ken@api.twilio.com?from=+14155550100",
                "https://api.twilio.com/",
                from("+14155550100"),
            ),
            ("twilio+http://AC1:t0ken@10.0.0.7:8080/?from=CLINIC", "http://10.0.0.7:8080/", from("CLINIC")),
            (
                "twilio://AC1:t0ken@sms.example?messaging_service=MG1",
                "https://sms.example/",
                SmsSender::MessagingService("MG1".into()),
            ),
        ];
        for (url, host, sender) in cases {
            let sms = one("SMS_URL", url).unwrap().sms.unwrap();
            assert_eq!((sms.url.as_str(), &sms.sender), (host, &sender), "{url}");
            assert_eq!((sms.credentials.user.as_str(), sms.credentials.password.expose()), ("AC1", "t0ken"));
            assert!(!format!("{sms:?}").contains("t0ken"), "{sms:?}");
        }
    }

    #[test]
    fn push_needs_a_contact_and_apps_an_account() {
        for contact in ["mailto:it@clinic.example", "https://clinic.example/contact"] {
            assert_eq!(one("WEB_PUSH_URL", contact).unwrap().web_push.unwrap().contact, contact);
        }
        let url = ("FCM_URL", "https://fcm.googleapis.com");
        let fcm = read(&[url, ("HMS_FCM_ACCOUNT", "{\"private_key\": \"s3cret\"}")]).unwrap().fcm.unwrap();
        assert!(fcm.account.expose().contains("s3cret") && !format!("{fcm:?}").contains("s3cret"));
    }

    #[test]
    fn what_is_wrong_is_named_and_no_secret_is_shown() {
        let cases = [
            ("SMTP_URL", "mail.example"),
            ("SMTP_URL", "https://mail.example"),
            ("SMTP_URL", "smtps://ann:s3cret@mail.example/path"),
            ("SMTP_URL", "smtps://ann:s3cret@mail.example?tls=required"),
            ("SMTP_URL", "smtp://ann:s3cret@mail.example?tls=opportunistic"),
            ("SMTP_URL", "smtp://ann:s3cret@mail.example"),
            ("SMTP_URL", "smtps://ann@mail.example"),
            ("SMTP_URL", "smtps://:s3cret@mail.example"),
            ("SMTP_URL", "smtps://"),
            ("SMS_URL", "https://AC1:s3cret@api.twilio.com?from=1"),
            ("SMS_URL", "twilio://AC1:s3cret@api.twilio.com"),
            ("SMS_URL", "twilio://AC1:s3cret@api.twilio.com?from="),
            ("SMS_URL", "twilio://AC1:s3cret@api.twilio.com?from=1&messaging_service=MG1"),
            ("SMS_URL", "twilio://AC1:s3cret@api.twilio.com/2010?from=1"),
            ("SMS_URL", "twilio://api.twilio.com?from=1"),
            ("WEB_PUSH_URL", "it@clinic.example"),
            ("WEB_PUSH_URL", "mailto:nobody"),
            ("WEB_PUSH_URL", "http://clinic.example"),
            ("FCM_URL", "https://fcm.googleapis.com/v1"),
            ("HMS_PUSH_ALLOW_PRIVATE", "everything"),
        ];
        for (name, wrong) in cases {
            let error = one(name, wrong).unwrap_err().to_string();
            assert!(error.starts_with(name) && !error.contains("s3cret"), "{wrong}: {error}");
        }
        let alone = one("FCM_URL", "https://fcm.googleapis.com").unwrap_err().to_string();
        assert!(alone.starts_with("HMS_FCM_ACCOUNT: "), "{alone}");
        let server = ("SMTP_URL", "smtps://mail.example");
        for limit in [
            ("HMS_EMAIL_AT_ONCE", "0"),
            ("HMS_EMAIL_AT_ONCE", "1001"),
            ("HMS_EMAIL_PER_SECOND", "0"),
            ("HMS_EMAIL_PER_SECOND", "inf"),
            ("HMS_OUTGOING_CA_FILE", "/nowhere"),
        ] {
            let error = read(&[server, limit]).unwrap_err().to_string();
            assert!(error.starts_with(limit.0), "{error}");
        }
    }
}
