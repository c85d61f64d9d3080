//! `hms metrics rebuild`: has all figures counted anew from the facts that the metrics service keeps, through the public
//! API as an admin would.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context as _, bail};
use hms_model::Clock;
use hms_model::id::{Id, MetricsRebuildId};
use hms_settings::Settings;
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::json;
use tokio::time::sleep;

use crate::client::{Client, Patience, Reply};
use crate::login::LoginArgs;

/// How often it is asked how far it has come.
const EVERY: Duration = Duration::from_millis(500);

/// The arguments of `hms metrics`.
#[derive(Debug, clap::Args)]
pub struct MetricsArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: Action,
    /// Where, and as whom.
    #[command(flatten)]
    pub login: LoginArgs,
}

/// What can be done with the figures.
#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Counts all of them anew, and waits until that is done. What is asked meanwhile is answered, and right.
    Rebuild,
}

/// A rebuild as the API shows it.
#[derive(Debug, Deserialize)]
struct Rebuild {
    id: MetricsRebuildId,
    state: String,
    days: Option<i64>,
}

/// Runs `hms metrics`.
pub async fn run(args: MetricsArgs, settings: &Settings, out: &mut impl Write) -> anyhow::Result<()> {
    let Action::Rebuild = args.action;
    let login = args.login.complete(settings)?;
    let client = Client::sign_in(&login.url, login.credentials, Patience::default()).await?;
    let key = Id::<()>::new(Clock::system().now()).to_string();
    let mut rebuild = read(client.post("analytics/rebuild", &key, &json!({})).await?)?;
    while rebuild.state != "done" {
        sleep(EVERY).await;
        rebuild = read(client.get(&format!("analytics/rebuilds/{}", rebuild.id)).await?)?;
    }
    writeln!(out, "{} days were counted anew", rebuild.days.unwrap_or_default())?;
    Ok(())
}

fn read(reply: Reply) -> anyhow::Result<Rebuild> {
    if !matches!(reply.status, StatusCode::OK | StatusCode::ACCEPTED) {
        bail!("the figures are not counted anew: {}", reply.message());
    }
    serde_json::from_value(reply.body).context("the answer is no rebuild")
}
