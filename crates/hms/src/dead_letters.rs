//! `hms dead-letters`: the events that services could not take, seen, sent again and dropped, through the public API
//! as an admin would. The service itself takes an event that is sent again, so that it must be running anyway; and
//! so the audit knows who did it.

mod letters;

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use hms_model::Clock;
use hms_model::id::EventId;
use hms_model::role::Scope;
use hms_model::service::{SERVICES, ServiceEntry};
use hms_settings::Settings;
use serde_json::Value;

use crate::client::{Client, Patience};
use crate::login::LoginArgs;
use letters::{Letter, Letters, Redriven};

/// How long to wait for a service that is busy or away: somebody sits in front of it.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait where the account has asked too much: what it asked an hour ago counts no more.
const LIMITED: Duration = Duration::from_secs(2 * 60 * 60);
/// What a program needs that sends all letters again.
const SCOPES: [Scope; 2] = [Scope::OperationRead, Scope::OperationWrite];

/// The arguments of `hms dead-letters`.
#[derive(Debug, clap::Args)]
pub struct DeadLettersArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: Action,
    /// Where, and as whom.
    #[command(flatten)]
    pub login: LoginArgs,
}

/// What can be done with dead letters. Exit code: 0 when it was done, 2 when an event was not taken, 1 when nothing
/// could be done.
#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Lists the events that services could not take.
    List {
        /// Only of this service.
        service: Option<String>,
    },
    /// Shows one with its content, which may be personal data; the audit will know.
    Show {
        /// The event.
        id: EventId,
        /// Only of this service; otherwise of each that could not take it.
        #[arg(long)]
        service: Option<String>,
    },
    /// Hands events to their services once more; each has its effect once, however often it is sent.
    Redrive {
        /// The event.
        #[arg(required_unless_present = "all")]
        id: Option<EventId>,
        /// All of them, from the oldest death on.
        #[arg(long, conflicts_with = "id")]
        all: bool,
        /// Only of this service; otherwise of each that could not take it.
        #[arg(long)]
        service: Option<String>,
    },
    /// Throws one away: the service will never see the event.
    Drop {
        /// The event.
        id: EventId,
        /// Only of this service; otherwise of each that could not take it.
        #[arg(long)]
        service: Option<String>,
    },
}

/// Runs `hms dead-letters`, and tells the shell how it went.
pub async fn execute(args: DeadLettersArgs, settings: &Settings) -> ExitCode {
    match run(args, settings, &mut io::stdout()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(2),
        Err(error) => {
            // With stderr gone too, the exit code is all that is left to say it.
            let _unwritable = writeln!(io::stderr(), "hms dead-letters: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether everything was done.
async fn run(args: DeadLettersArgs, settings: &Settings, out: &mut impl Write) -> anyhow::Result<bool> {
    let login = args.login.complete(settings)?;
    let patience =
        Patience { busy: PATIENCE, limited: LIMITED, tell_limited: tell_of_limit, ..Patience::default() };
    let mut client = Client::sign_in(&login.url, login.credentials, patience).await?;
    if matches!(args.action, Action::Redrive { all: true, .. }) {
        // A request for each letter is more than a person may ask in an hour.
        client.go_on_as_program("hms dead-letters", &SCOPES, Clock::system().now()).await?;
    }
    let done = act(&client, args.action, out).await;
    client.end_program().await?;
    done
}

fn tell_of_limit(wait: Duration) {
    // Where nobody reads it, the wait is the same.
    let _unwritable = writeln!(
        io::stderr(),
        "hms dead-letters: this account has asked as much as it may for now; goes on in {} s",
        wait.as_secs().max(1)
    );
}

async fn act(client: &Client, action: Action, out: &mut impl Write) -> anyhow::Result<bool> {
    let letters = Letters::new(client);
    match action {
        Action::List { service } => list(&letters, &chosen(service)?, out).await.map(|()| true),
        Action::Show { id, service } => show(&letters, &chosen(service)?, id, out).await.map(|()| true),
        Action::Redrive { id, service, .. } => redrive(&letters, &chosen(service)?, id, out).await,
        Action::Drop { id, service } => {
            drop_letter(&letters, &chosen(service)?, id, out).await.map(|()| true)
        }
    }
}

/// One service, or all.
fn chosen(service: Option<String>) -> anyhow::Result<Vec<&'static str>> {
    match service {
        None => Ok(SERVICES.iter().map(|service| service.name).collect()),
        Some(name) => {
            let entry = ServiceEntry::find(&name).with_context(|| format!("there is no service {name}"))?;
            Ok(vec![entry.name])
        }
    }
}

async fn list(letters: &Letters<'_>, services: &[&str], out: &mut impl Write) -> anyhow::Result<()> {
    let mut count = 0_usize;
    for service in services {
        for letter in letters.all(service).await? {
            count += 1;
            let Letter { event_id, kind, attempts, died_at, reason, .. } = &letter;
            let (kind, reason) = (plain(kind), plain(reason));
            writeln!(
                out,
                "{service:<14} {event_id}  {kind:<24} {attempts:>3} attempts  {died_at}  {reason}"
            )?;
        }
    }
    writeln!(out, "{count} dead letters")?;
    Ok(())
}

async fn show(
    letters: &Letters<'_>,
    services: &[&str],
    id: EventId,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let mut found = false;
    for service in services {
        let Some(letter) = letters.one(service, id).await? else { continue };
        found = true;
        let fields = [
            ("service", (*service).to_owned()),
            ("event", letter.event_id.to_string()),
            ("type", letter.kind),
            ("subject", letter.subject),
            ("reason", letter.reason),
            ("attempts", letter.attempts.to_string()),
            ("died at", letter.died_at),
            ("kept as", letter.encoding.unwrap_or_default()),
        ];
        for (name, value) in fields {
            writeln!(out, "{name:<10} {}", plain(&value))?;
        }
        let body = letter.body.unwrap_or_default();
        match serde_json::from_str::<Value>(&body) {
            Ok(json) => writeln!(out, "{json:#}")?,
            Err(_) => writeln!(out, "{}", plain(&body))?,
        }
    }
    some(found, id)
}

/// Whether all were taken.
async fn redrive(
    letters: &Letters<'_>,
    services: &[&str],
    id: Option<EventId>,
    out: &mut impl Write,
) -> anyhow::Result<bool> {
    let (mut taken, mut refused) = (0_usize, 0_usize);
    for service in services {
        let ids = match id {
            Some(id) => vec![id],
            None => letters.all(service).await?.into_iter().map(|letter| letter.event_id).collect(),
        };
        for id in ids {
            match letters.redrive(service, id).await? {
                Redriven::Taken => {
                    taken += 1;
                    writeln!(out, "{service:<14} {id}  taken")?;
                }
                Redriven::Refused(reason) => {
                    refused += 1;
                    writeln!(out, "{service:<14} {id}  not taken: {}", plain(&reason))?;
                }
                Redriven::NotThere => {}
            }
        }
    }
    match id {
        Some(id) => some(taken + refused > 0, id)?,
        None => writeln!(out, "{taken} taken, {refused} not taken")?,
    }
    Ok(refused == 0)
}

async fn drop_letter(
    letters: &Letters<'_>,
    services: &[&str],
    id: EventId,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let mut found = false;
    for service in services {
        if letters.drop(service, id).await? {
            found = true;
            writeln!(out, "{service:<14} {id}  dropped")?;
        }
    }
    some(found, id)
}

fn some(found: bool, id: EventId) -> anyhow::Result<()> {
    if found { Ok(()) } else { bail!("there is no dead letter {id}") }
}

/// Text from outside in one line: what is in a letter must not speak to the terminal.
fn plain(text: &impl Display) -> String {
    text.to_string().replace(char::is_control, " ")
}
