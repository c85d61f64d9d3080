//! Brings Synthea's CSV export in: organisations, then practitioners, then patients, then encounters, then what these
//! cost, each file's rows several at once.

mod bills;
mod mapping;

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use futures_util::{StreamExt, stream};
use hms_model::Clock;
use hms_model::role::Scope;
use serde::Serialize;
use serde_json::Value;

use self::bills::{COSTS, Costs, IMMUNIZATIONS, MEDICATIONS, PAYERS, PROCEDURES};
use self::mapping::{ENCOUNTERS, Known, Mapped, ORGANIZATIONS, PATIENTS, PROVIDERS, References};
use super::create::{Creator, Outcome};
use super::progress::{Progress, Style};
use super::report::{Counts, FileReport, Report, RowReport};
use super::table::{Line, Row, Table, TableError};
use super::unusable::Unusable;
use crate::client::{Client, ClientError, Credentials, Patience};

/// What an import needs to do.
const SCOPES: [Scope; 14] = [
    Scope::DepartmentRead,
    Scope::DepartmentWrite,
    Scope::PractitionerRead,
    Scope::PractitionerWrite,
    Scope::PatientRead,
    Scope::PatientWrite,
    Scope::AppointmentRead,
    Scope::AppointmentWrite,
    Scope::AppointmentRecord,
    Scope::CoverageRead,
    Scope::CoverageWrite,
    Scope::InvoiceRead,
    Scope::InvoiceWrite,
    Scope::InvoiceIssue,
];

/// What to import, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder with the CSV files.
    pub dir: PathBuf,
    /// The gateway.
    pub url: String,
    /// Who imports: an account with the scopes to write departments, practitioners and patients and to record
    /// appointments.
    pub credentials: Credentials,
    /// How many requests may be under way at once.
    pub concurrency: usize,
    /// How long to wait for a server that is busy.
    pub patience: Patience,
    /// How progress is shown.
    pub style: Style,
    /// The time: what lies in its future has not taken place.
    pub clock: Clock,
}

impl Options {
    /// The usual ones.
    pub fn new(dir: impl Into<PathBuf>, url: impl Into<String>, credentials: Credentials) -> Self {
        Self {
            dir: dir.into(),
            url: url.into(),
            credentials,
            concurrency: 16,
            patience: Patience::default(),
            style: Style::Lines,
            clock: Clock::system(),
        }
    }
}

/// Why an import could not run, or not to its end. What is there by then stays; run again, it goes on.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The export cannot be read.
    #[error(transparent)]
    Export(#[from] TableError),
    /// The server cannot be used.
    #[error(transparent)]
    Server(#[from] ClientError),
    /// Nobody can be told how it goes.
    #[error("cannot write how the import goes: {0}")]
    Output(#[from] io::Error),
}

/// Imports the export in a folder and tells on `out` how it goes, bad rows included; the report is the caller's to
/// show.
pub async fn run(options: Options, out: &mut (dyn Write + Send)) -> Result<Report, ImportError> {
    let export = Export::open(&options.dir)?;
    let now = options.clock.now();
    let mut client = Client::sign_in(&options.url, options.credentials, options.patience).await?;
    client.go_on_as_program("hms import", &SCOPES, now).await?;
    let report =
        bring_all(export, &client, options.concurrency, Progress::new(out, options.style), now).await;
    client.end_program().await?;
    report
}

async fn bring_all<'a>(
    export: Export,
    client: &'a Client,
    concurrency: usize,
    progress: Progress<'a>,
    now: DateTime<Utc>,
) -> Result<Report, ImportError> {
    let mut import = Import {
        creator: Creator::new(client),
        concurrency,
        progress,
        report: Report { not_read: export.not_read, ..Report::default() },
    };
    let departments = import.bring(export.organizations, "departments", mapping::department).await?;
    let practitioner = |row: &Row| mapping::practitioner(row, &departments);
    let practitioners = import.bring(export.providers, "practitioners", practitioner).await?;
    let patients = import.bring(export.patients, "patients", mapping::patient).await?;
    let known = References { departments: &departments, practitioners: &practitioners, patients: &patients };
    let appointment = |row: &Row| mapping::appointment(row, &known, now);
    import.bring(export.encounters, "appointments", appointment).await?;
    if let Some(Bills { payers, encounters, costs }) = export.bills {
        import.pass_over(&costs)?;
        let payers = import.bring(payers, "billing/payers", bills::payer).await?;
        let invoice = |row: &Row| costs.invoice(row, &known, &payers, now);
        import.bring(encounters, "billing/invoices", invoice).await?;
        name_the_second_reading(&mut import.report);
    }
    let mut report = import.report;
    report.refused.sort();
    report.left_out.sort();
    Ok(report)
}

/// encounters.csv is read twice, for what took place and for what it cost: each reading leaves out columns of the other.
fn name_the_second_reading(report: &mut Report) {
    let used =
        |column: &String| [ENCOUNTERS, COSTS].iter().any(|layout| layout.columns.contains(&column.as_str()));
    for read in report.files.iter_mut().filter(|read| read.file == ENCOUNTERS.file) {
        read.not_used.retain(|column| !used(column));
    }
    if let Some(last) = report.files.last_mut() {
        last.file = "encounters.csv, costs";
        last.not_used.clear();
    }
}

/// The files, opened and their headers checked before anything is sent.
struct Export {
    organizations: Table,
    providers: Table,
    patients: Table,
    encounters: Table,
    bills: Option<Bills>,
    not_read: Vec<String>,
}

/// What encounters cost, where the export says it.
struct Bills {
    payers: Table,
    encounters: Table,
    costs: Costs,
}

impl Bills {
    fn open(dir: &Path) -> Result<Option<Self>, TableError> {
        if !Costs::are_in(dir) {
            return Ok(None);
        }
        let (payers, encounters) = (Table::open(dir, PAYERS)?, Table::open(dir, COSTS)?);
        Ok(Some(Self { payers, encounters, costs: Costs::read(dir)? }))
    }
}

impl Export {
    fn open(dir: &Path) -> Result<Self, TableError> {
        let unreadable = |source| TableError::Unreadable { file: dir.display().to_string(), source };
        if !dir.is_dir() {
            return Err(TableError::NoFolder { dir: dir.display().to_string() });
        }
        Ok(Self {
            organizations: Table::open(dir, ORGANIZATIONS)?,
            providers: Table::open(dir, PROVIDERS)?,
            patients: Table::open(dir, PATIENTS)?,
            encounters: Table::open(dir, ENCOUNTERS)?,
            bills: Bills::open(dir)?,
            not_read: not_read(dir).map_err(unreadable)?,
        })
    }
}

fn not_read(dir: &Path) -> io::Result<Vec<String>> {
    let mut read = [ORGANIZATIONS, PROVIDERS, PATIENTS, ENCOUNTERS].map(|layout| layout.file).to_vec();
    if Costs::are_in(dir) {
        read.extend([PAYERS, PROCEDURES, IMMUNIZATIONS, MEDICATIONS].map(|layout| layout.file));
    }
    let mut names = Vec::new();
    for entry in dir.read_dir()? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".csv") && !read.contains(&name.as_str()) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// A row on its way: what to send, or why not.
struct Prepared {
    line: u64,
    id: String,
    left_out: Vec<String>,
    body: Result<Value, Unusable>,
}

/// A row that has been answered.
struct Answered {
    line: u64,
    id: String,
    left_out: Vec<String>,
    outcome: Outcome,
}

struct Import<'a> {
    creator: Creator<'a>,
    concurrency: usize,
    progress: Progress<'a>,
    report: Report,
}

impl Import<'_> {
    /// Tells of the rows without which their encounters are billed.
    fn pass_over(&mut self, costs: &Costs) -> io::Result<()> {
        for (file, line, reason) in &costs.unusable {
            let about = RowReport { file, line: *line, reason: reason.to_string() };
            self.progress.say("refused", &about)?;
            self.report.refused.push(about);
        }
        Ok(())
    }

    /// Brings one file in, and gives back which of Synthea's ids are which of ours.
    async fn bring<B: Serialize>(
        &mut self,
        table: Table,
        resource: &str,
        map: impl Fn(&Row) -> Result<Mapped<B>, Unusable>,
    ) -> Result<Known, ImportError> {
        let (file, not_used) = (table.file(), table.unused());
        self.progress.begin(file, table.rows());
        let (mut counts, mut ids, mut seen) = (Counts::default(), HashMap::new(), HashMap::new());
        {
            let creator = &self.creator;
            let rows = table.map(|line| line.map(|line| prepare(line, &mut seen, &map)));
            let answers = stream::iter(rows)
                .map(|row| async { answer(creator, resource, row?).await })
                .buffer_unordered(self.concurrency);
            let mut answers = std::pin::pin!(answers);
            while let Some(answered) = answers.next().await {
                let answered = answered?;
                tell(&mut self.progress, &mut self.report, file, &answered)?;
                count(&mut counts, &answered.outcome);
                self.progress.step(file, &counts)?;
                if let Outcome::Created(id) | Outcome::AlreadyThere(id) = answered.outcome {
                    ids.insert(answered.id, id);
                }
            }
        }
        self.progress.end(file, &counts)?;
        self.report.files.push(FileReport { file, counts, not_used });
        Ok(Known { file, ids })
    }
}

/// Maps a row, unless its id has been `seen` in an earlier line.
fn prepare<B: Serialize>(
    line: Line,
    seen: &mut HashMap<String, u64>,
    map: impl Fn(&Row) -> Result<Mapped<B>, Unusable>,
) -> Prepared {
    let mut prepared =
        Prepared { line: line.number, id: String::new(), left_out: Vec::new(), body: Ok(Value::Null) };
    prepared.body = line.row.and_then(|row| {
        let id = row.need("Id")?;
        if let Some(line) = seen.get(id) {
            return Err(Unusable::Repeated { line: *line });
        }
        seen.insert(id.to_owned(), prepared.line);
        prepared.id = id.to_owned();
        let mapped = map(&row)?;
        prepared.left_out = mapped.left_out;
        // Text and dates alone: this is always JSON.
        Ok(serde_json::to_value(mapped.body).unwrap_or_default())
    });
    prepared
}

async fn answer(creator: &Creator<'_>, resource: &str, row: Prepared) -> Result<Answered, ImportError> {
    let Prepared { line, id, left_out, body } = row;
    let outcome = match body {
        Ok(body) => creator.create(resource, &body).await?,
        Err(unusable) => Outcome::Refused(unusable.to_string()),
    };
    Ok(Answered { line, id, left_out, outcome })
}

fn tell(
    progress: &mut Progress<'_>,
    report: &mut Report,
    file: &'static str,
    answered: &Answered,
) -> io::Result<()> {
    let about = |reason: &String| RowReport { file, line: answered.line, reason: reason.clone() };
    for reason in &answered.left_out {
        progress.say("left out", &about(reason))?;
        report.left_out.push(about(reason));
    }
    if let Outcome::Refused(reason) = &answered.outcome {
        progress.say("refused", &about(reason))?;
        report.refused.push(about(reason));
    }
    Ok(())
}

fn count(counts: &mut Counts, outcome: &Outcome) {
    let same = match outcome {
        Outcome::Created(_) => &mut counts.created,
        Outcome::AlreadyThere(_) => &mut counts.already_there,
        Outcome::Refused(_) => &mut counts.refused,
    };
    *same = same.saturating_add(1);
    counts.read = counts.read.saturating_add(1);
}
