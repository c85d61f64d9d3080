//! The first admin: made at the start when there is no account with the role admin, since only an admin makes one.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use hms_bus::outbox;
use hms_db::Db;
use hms_model::Secret;
use hms_model::audit::{Action, Actor, AuditEntry, Outcome};
use hms_model::event::{AuditRecorded, Envelope};
use hms_model::id::Id;
use hms_model::role::Role;
use hms_seal::write_once;
use hms_service::Context;

use crate::config::FirstAdmin;
use crate::domain::account::{self, Account, NewAccount};
use crate::domain::password;
use crate::hashing::Hashing;
use crate::store::accounts;
use crate::tokens;

const SERVICE: &str = "auth";
const USERNAME: &str = "admin";

/// Where the password of the first admin is written when none is set: `<HMS_DATA_DIR>/admin-password`. The file is
/// there only if one was made, and holds the password alone.
pub fn admin_password_file(data_dir: &Path) -> PathBuf {
    data_dir.join("admin-password")
}

/// Makes the first admin, if there is none.
pub(crate) async fn ensure(context: &Context, hashing: &Hashing, settings: FirstAdmin) -> anyhow::Result<()> {
    if context.database.read(accounts::admin_exists).await? {
        return Ok(());
    }
    let file = admin_password_file(&settings.data_dir);
    let new = NewAccount {
        email: settings.email,
        username: Some(USERNAME.parse()?),
        roles: vec![Role::Admin],
        email_verified: true,
        patient_id: None,
        practitioner_id: None,
        language: None,
    };
    let chosen = match settings.password {
        Some(password) => Chosen { password, source: Source::Setting },
        None => choose(&file)?,
    };
    password::check(chosen.password.expose(), &new.names()).with_context(|| chosen.source.describe(&file))?;
    let hash = hashing.hash(chosen.password.clone()).await?;
    let now = context.clock.now();
    let account = account::register(new, Id::new(now), now)?;
    let made = context.database.write(move |db| make(db, &account, &hash, now, &chosen, &file));
    if made.await? {
        tracing::info!("the first admin was made");
    }
    Ok(())
}

struct Chosen {
    password: Secret,
    source: Source,
}

enum Source {
    /// `HMS_ADMIN_PASSWORD`.
    Setting,
    /// The file of an earlier start that did not get further.
    File,
    /// Made now; the file is still to be written.
    Random,
}

impl Source {
    fn describe(&self, file: &Path) -> String {
        match self {
            Self::Setting => "HMS_ADMIN_PASSWORD".to_owned(),
            Self::File => format!("{} holds no usable password: delete it", file.display()),
            Self::Random => "the password that was made".to_owned(),
        }
    }
}

/// A start that wrote the file and then broke off left a password that can still be used.
fn choose(file: &Path) -> anyhow::Result<Chosen> {
    match fs::read_to_string(file) {
        Ok(password) => Ok(Chosen { password: Secret::new(password.trim()), source: Source::File }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            // 18 bytes are 24 characters.
            Ok(Chosen { password: Secret::new(tokens::random::<18>()?), source: Source::Random })
        }
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", file.display())),
    }
}

/// One transaction: of several replicas that start at once one inserts the account, and only that one writes the
/// file; before it commits, so that no admin is ever there whose password nobody knows.
fn make(
    db: &mut Db,
    account: &Account,
    hash: &str,
    now: DateTime<Utc>,
    chosen: &Chosen,
    file: &Path,
) -> anyhow::Result<bool> {
    if !accounts::insert_unless_taken(db, account, hash)? {
        if accounts::admin_exists(db)? {
            return Ok(false);
        }
        bail!("no admin can be made: HMS_ADMIN_EMAIL or the user name {USERNAME} belongs to another account");
    }
    outbox::append(db, &announcements(account, now)?)?;
    if matches!(chosen.source, Source::Random) {
        write_once(file, &chosen.password)
            .with_context(|| format!("{} cannot be written", file.display()))?;
    }
    Ok(true)
}

fn announcements(account: &Account, now: DateTime<Utc>) -> anyhow::Result<Vec<Envelope>> {
    let entry = AuditEntry {
        id: Id::new(now),
        at: now,
        service: SERVICE.to_owned(),
        actor: Actor { account_id: None, roles: Vec::new() },
        action: Action::Create,
        resource: "account".to_owned(),
        resource_id: Some(account.id.to_string()),
        patient_ids: Vec::new(),
        outcome: Outcome::Success,
        detail: Some("the first admin".to_owned()),
        request_id: None,
        source_ip: None,
    };
    Ok(vec![
        Envelope::of(SERVICE, &account.registered(), Id::new(now), now)?,
        Envelope::of(SERVICE, &AuditRecorded(entry), Id::new(now), now)?,
    ])
}
