//! The processes of the platform, each kept alive by a supervisor as an orchestrator would: one that ends is started
//! again at once.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use hms_settings::Settings;
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// The signal with which a process ends at a fail point.
const ABORTED: i32 = 6;
/// How long to leave a process alone that has ended for reasons of its own.
const PAUSE: Duration = Duration::from_millis(200);
/// How long a process may take to end well.
const ENDING: Duration = Duration::from_secs(60);

/// What a supervisor is told to do.
enum Order {
    /// SIGKILL.
    Kill,
    /// SIGKILL; the next start has this fail point.
    KillAndArm(&'static str),
    /// SIGTERM, and no new start.
    Stop,
}

/// What a supervisor has seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// How often the process was started.
    pub starts: usize,
    /// How often it ended at a fail point.
    pub fail_points: usize,
    /// How it ended when nobody had a hand in it.
    pub by_itself: Vec<String>,
}

/// One process, kept alive.
pub struct Program {
    orders: mpsc::UnboundedSender<Order>,
    seen: watch::Receiver<Seen>,
    supervisor: JoinHandle<ExitStatus>,
}

struct Supervisor {
    program: PathBuf,
    settings: HashMap<String, String>,
    log: PathBuf,
    armed: Option<&'static str>,
    orders: mpsc::UnboundedReceiver<Order>,
    seen: watch::Sender<Seen>,
}

impl Program {
    /// Starts a built program with exactly these settings; it writes to `<logs>/<program>.log`.
    pub fn start(name: &str, settings: HashMap<String, String>, logs: &Path) -> Self {
        let program = hms_tests::programs().join(name);
        assert!(program.is_file(), "{} is missing: cargo build --workspace --bins", program.display());
        let (orders, to_do) = mpsc::unbounded_channel();
        let (seen_by, seen) = watch::channel(Seen::default());
        let supervisor = Supervisor {
            program,
            settings,
            log: logs.join(format!("{name}.log")),
            armed: None,
            orders: to_do,
            seen: seen_by,
        };
        Self { orders, seen, supervisor: tokio::spawn(supervisor.run()) }
    }

    /// SIGKILL; returns when it is started again.
    pub async fn kill(&mut self) {
        self.restart(Order::Kill).await;
    }

    /// SIGKILL, and a start with a fail point; returns when that start has ended there and the next has begun.
    pub async fn die_at(&mut self, fail_point: &'static str, patience: Duration) {
        let before = self.seen.borrow().fail_points;
        self.restart(Order::KillAndArm(fail_point)).await;
        let died = self.seen.wait_for(|seen| seen.fail_points > before);
        timeout(patience, died).await.unwrap_or_else(|_| panic!("nothing came by {fail_point}")).unwrap();
    }

    /// What was seen of it so far.
    pub fn seen(&self) -> Seen {
        self.seen.borrow().clone()
    }

    /// SIGTERM; how it ended.
    pub async fn stop(self) -> ExitStatus {
        self.orders.send(Order::Stop).unwrap();
        timeout(ENDING, self.supervisor).await.expect("a process does not end upon SIGTERM").unwrap()
    }

    async fn restart(&mut self, order: Order) {
        let before = self.seen.borrow().starts;
        self.orders.send(order).unwrap();
        self.seen.wait_for(|seen| seen.starts > before).await.unwrap();
    }
}

impl Supervisor {
    async fn run(mut self) -> ExitStatus {
        loop {
            let mut child = self.launch();
            self.seen.send_modify(|seen| seen.starts += 1);
            tokio::select! {
                status = child.wait() => self.ended(status.unwrap()).await,
                order = self.orders.recv() => match order {
                    Some(Order::Kill) => child.kill().await.unwrap(),
                    Some(Order::KillAndArm(point)) => {
                        self.armed = Some(point);
                        child.kill().await.unwrap();
                    }
                    Some(Order::Stop) | None => return end(child).await,
                }
            }
        }
    }

    fn launch(&mut self) -> Child {
        let log = File::options().create(true).append(true).open(&self.log).unwrap();
        let mut command = Command::new(&self.program);
        command.env_clear().envs(&self.settings).env("LOG_FORMAT", "text");
        let path = Settings::from_environment().get("PATH").unwrap_or_default();
        command.env("PATH", path);
        if let Some(point) = self.armed.take() {
            command.env("HMS_FAILPOINT", point);
        }
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).kill_on_drop(true);
        command.spawn().unwrap()
    }

    async fn ended(&self, status: ExitStatus) {
        if status.signal() == Some(ABORTED) {
            return self.seen.send_modify(|seen| seen.fail_points += 1);
        }
        self.seen.send_modify(|seen| seen.by_itself.push(status.to_string()));
        sleep(PAUSE).await;
    }
}

async fn end(mut child: Child) -> ExitStatus {
    if let Some(id) = child.id() {
        let sent = Command::new("sh").args(["-c", "kill -s TERM \"$0\"", &id.to_string()]).status().await;
        assert!(sent.unwrap().success(), "SIGTERM could not be sent");
    }
    child.wait().await.unwrap()
}
