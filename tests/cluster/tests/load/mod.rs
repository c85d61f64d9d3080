//! Clients outside, while everything is replaced: those of the crash tests, who write, and one who reads everywhere.

use std::path::PathBuf;
use std::time::Duration;

use hms_cluster::OUTSIDE;
use hms_cluster::node::from_within;
use hms_crash::check::Facts;
use hms_crash::client::Client;
use hms_crash::history::{History, Recorder};
use hms_crash::report::Report;
use hms_model::Clock;
use hms_tests::{ADMIN_EMAIL, ADMIN_PASSWORD, PATIENCE, until};
use tokio::sync::{mpsc, oneshot};

/// Clients that write at the same time.
const WRITERS: u64 = 4;
/// Between two reads.
const PAUSE: Duration = Duration::from_millis(10);
/// A list of each service.
const LISTS: [&str; 6] = [
    "/api/v1/accounts",
    "/api/v1/patients?page_size=2",
    "/api/v1/appointments?page_size=2",
    "/api/v1/notifications?page_size=2",
    "/api/v1/billing/invoices?page_size=2",
    "/api/v1/audit?page_size=2",
];

/// The clients at work.
pub struct Load {
    rounds: mpsc::UnboundedSender<String>,
    ended: std::thread::JoinHandle<Reads>,
    file: PathBuf,
}

/// What came of the reads.
#[derive(Default)]
pub struct Reads {
    pub answered: usize,
    pub failed: Vec<String>,
}

impl Load {
    /// Returns when there is something to book.
    pub async fn start(url: String, file: PathBuf) -> Self {
        let (rounds, to_do) = mpsc::unbounded_channel();
        let (begun, has_begun) = oneshot::channel();
        let recorder = Recorder::create(file.clone());
        let ended = from_within(OUTSIDE, async move || {
            let gateway = Client::new(url);
            let admin =
                until("the sign-in", PATIENCE, async || gateway.sign_in(ADMIN_EMAIL, ADMIN_PASSWORD).await);
            let admin = admin.await;
            let seed = u64::try_from(Clock::system().now().timestamp_micros()).unwrap();
            println!("seed {seed}");
            let writes = hms_crash::load::Load::start(admin.clone(), recorder, seed, WRITERS).await;
            begun.send(()).unwrap();
            work(&admin, writes, to_do).await
        });
        has_begun.await.expect("the load has begun");
        Self { rounds, ended, file }
    }

    /// From now on this is what is done to the platform.
    pub fn round(&self, what: &str) {
        self.rounds.send(what.to_owned()).unwrap();
    }

    /// Lets each client finish what it has in hand.
    pub async fn stop(self) -> (History, Reads) {
        drop(self.rounds);
        let reads = tokio::task::spawn_blocking(move || self.ended.join().unwrap()).await.unwrap();
        (History::read(&self.file), reads)
    }
}

/// Reads, until there is nothing more to do.
async fn work(
    admin: &Client,
    writes: hms_crash::load::Load,
    mut to_do: mpsc::UnboundedReceiver<String>,
) -> Reads {
    let mut reads = Reads::default();
    for path in LISTS.iter().cycle() {
        match to_do.try_recv() {
            Ok(round) => writes.round(&round),
            Err(mpsc::error::TryRecvError::Disconnected) => break,
            Err(mpsc::error::TryRecvError::Empty) => {}
        }
        match admin.get(path).await {
            Ok(answer) if answer.status == 200 => reads.answered += 1,
            other => reads.failed.push(format!("{path}: {other:?}")),
        }
        tokio::time::sleep(PAUSE).await;
    }
    writes.stop().await;
    reads
}

/// What the clients were told against what is there.
pub fn report(history: &History, reads: &Reads, facts: &Facts) -> Report {
    let mut report = Report::of(history, facts);
    report.notes.push(format!("{} reads were answered, {} were not", reads.answered, reads.failed.len()));
    report
}
