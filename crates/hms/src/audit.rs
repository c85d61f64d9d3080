//! `hms audit verify`: whether the audit is what it was, told without the service, by its database or by an export.

use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use hms_audit::chain::{Hash, Place, PublicKey, Report, public_keys};
use hms_audit::verify;
use hms_db::{Database, DatabaseUrl, PoolOptions};
use hms_service::ServiceSettings;
use hms_settings::Settings;

use crate::up::with_own_database;

/// The exit code of a chain that is broken.
const BROKEN: u8 = 1;
/// The exit code of a check that could not be done.
pub const NOT_CHECKED: u8 = 2;

/// The arguments of `hms audit`.
#[derive(Debug, clap::Args)]
pub struct AuditArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: Action,
}

/// What can be done with the audit.
#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Checks that nothing in the audit was changed, taken out, put in, moved or cut off. Only reads. Exit code: 0
    /// when the chain is whole, 1 when it is broken, 2 when that could not be found out.
    Verify(VerifyArgs),
}

/// What to check, and by what.
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// The database of the audit service; without it and without a file, the one that `hms up` would use.
    #[arg(long, value_name = "URL", conflicts_with = "file")]
    pub database: Option<String>,
    /// An export, as GET /api/v1/audit/export gives it.
    #[arg(long)]
    pub file: Option<PathBuf>,
    /// The public key of the checkpoints, kept elsewhere: base64, or a file with base64, PEM, or the answer of GET
    /// /api/v1/audit/keys. Can be given several times. Without it the keys count that come with what is checked.
    #[arg(long, value_name = "FILE_OR_BASE64")]
    pub public_key: Vec<String>,
    /// A checkpoint that was noted earlier, as this command prints it: it must still be there.
    #[arg(long, value_name = "SEQ:HASH")]
    pub noted: Option<String>,
}

/// Runs `hms audit`, and tells the shell how it went.
pub async fn execute(args: AuditArgs, settings: &Settings) -> ExitCode {
    let Action::Verify(args) = args.action;
    match verify(&args, settings, &mut io::stdout()).await {
        Ok(report) if report.is_right() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(BROKEN),
        Err(error) => {
            let _unwritable = writeln!(io::stderr(), "hms: {error:#}");
            ExitCode::from(NOT_CHECKED)
        }
    }
}

/// Checks what the arguments name, and says on `out` what it found.
pub async fn verify(args: &VerifyArgs, settings: &Settings, out: &mut impl Write) -> anyhow::Result<Report> {
    let trusted = trusted(&args.public_key)?;
    let noted = args.noted.as_deref().map(place).transpose()?;
    let by_own_keys = trusted.is_none();
    let report = match &args.file {
        Some(file) => verify_file(file, trusted, noted)?,
        None => verify_database(database_url(args, settings)?, trusted, noted).await?,
    };
    write!(out, "{report}")?;
    if by_own_keys && report.checkpoints > 0 {
        writeln!(
            out,
            "checked by the keys that came along: give --public-key to find what somebody did who could change \
             those too"
        )?;
    }
    out.flush()?;
    Ok(report)
}

fn verify_file(path: &Path, trusted: Option<Vec<PublicKey>>, noted: Option<Place>) -> anyhow::Result<Report> {
    let name = path.display();
    let file = File::open(path).with_context(|| format!("{name} cannot be opened"))?;
    verify::file(BufReader::new(file), trusted, noted).with_context(|| format!("{name} cannot be checked"))
}

async fn verify_database(
    url: DatabaseUrl,
    trusted: Option<Vec<PublicKey>>,
    noted: Option<Place>,
) -> anyhow::Result<Report> {
    // Opening it would make it.
    if url.file().is_some_and(|file| !file.exists()) {
        bail!("there is no database {url}");
    }
    let database = Database::new(url.clone(), PoolOptions::default());
    verify::database(&database, trusted, noted).await.with_context(|| format!("{url} cannot be checked"))
}

fn database_url(args: &VerifyArgs, settings: &Settings) -> anyhow::Result<DatabaseUrl> {
    match &args.database {
        Some(url) => url.parse().context("--database"),
        None => {
            let settings = with_own_database(settings, "audit")?;
            Ok(ServiceSettings::read(&settings, "audit")?.database)
        }
    }
}

/// All keys that are named; none where nothing names any.
fn trusted(public_keys: &[String]) -> anyhow::Result<Option<Vec<PublicKey>>> {
    let keys: Vec<_> = public_keys.iter().map(|named| keys(named)).collect::<anyhow::Result<_>>()?;
    Ok((!keys.is_empty()).then(|| keys.concat()))
}

/// The keys in a file of this name, or else in the text itself.
fn keys(file_or_text: &str) -> anyhow::Result<Vec<PublicKey>> {
    let path = Path::new(file_or_text);
    let text = match path.is_file() {
        true => std::fs::read_to_string(path).with_context(|| format!("{file_or_text} cannot be read"))?,
        false => file_or_text.to_owned(),
    };
    public_keys(&text).with_context(|| format!("--public-key: {file_or_text}"))
}

fn place(text: &str) -> anyhow::Result<Place> {
    let parts = text.split_once(':').and_then(|(seq, hash)| Some((seq.parse().ok()?, hash)));
    let right = parts.filter(|(seq, hash)| {
        *seq > 0 && hash.len() == 64 && hash.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
    });
    let (seq, hash) = right.context("--noted: must be a number, a colon and the 64 digits of a hash")?;
    Ok(Place { hash: Hash::kept(hash), seq })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_noted_place_is_a_number_and_a_hash() {
        let hash = "0123456789abcdef".repeat(4);
        let right = place(&format!("1000:{hash}")).unwrap();
        assert_eq!((right.seq, right.hash.as_str()), (1_000, hash.as_str()));
        let wrong = ["", "1000", &hash, &format!("x:{hash}"), &format!("0:{hash}"), "1000:abc", "1000:"];
        for text in wrong {
            assert!(place(text).is_err(), "{text}");
        }
    }
}
