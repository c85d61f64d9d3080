//! `hms keys`: the keys that tokens are signed with, through the public API as an admin would.

use std::io::Write;
use std::time::Duration;

use anyhow::Context as _;
use hms_model::Clock;
use hms_model::id::Id;
use hms_settings::Settings;
use serde::Deserialize;
use serde_json::json;

use crate::client::{Client, Patience};
use crate::login::LoginArgs;

/// How long to wait for a service that is busy or away: somebody sits in front of it.
const PATIENCE: Duration = Duration::from_secs(10);

/// The arguments of `hms keys`.
#[derive(Debug, clap::Args)]
pub struct KeysArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: Action,
    /// Where, and as whom.
    #[command(flatten)]
    pub login: LoginArgs,
}

/// What can be done with signing keys.
#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Lets another key follow the present one: published at once, used ten minutes later.
    Rotate,
}

#[derive(Deserialize)]
struct NextKey {
    key_id: String,
    used_from: String,
}

/// Runs `hms keys`, and says on `out` what has come of it.
pub async fn run(args: KeysArgs, settings: &Settings, out: &mut impl Write) -> anyhow::Result<()> {
    let login = args.login.complete(settings)?;
    let patience = Patience { busy: PATIENCE, ..Patience::default() };
    let client = Client::sign_in(&login.url, login.credentials, patience).await?;
    let Action::Rotate = args.action;
    let key = Id::<()>::new(Clock::system().now()).to_string();
    let reply = client.post("auth/keys/rotate", &key, &json!({})).await?;
    anyhow::ensure!(reply.status.is_success(), "{}: {}", reply.status, reply.message());
    let next: NextKey = serde_json::from_value(reply.body).context("this is not the answer of HMS")?;
    writeln!(out, "the key {} is published, and signs from {} on", next.key_id, next.used_from)?;
    Ok(())
}
