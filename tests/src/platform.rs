//! The whole platform as a process of its own.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use hms_testkit::{Client, Folder};

use crate::outside::Outside;
use crate::ports::Ports;
use crate::process::{self, Process};
use crate::{ADMIN_PASSWORD, Kind, Outcome, until};

/// How long a start may take on a busy machine.
const STARTING: u64 = 90;
/// The last line of the table of addresses.
const TABLE_ENDS: &str = "Ctrl-C stops it.";

/// One platform, with all that it keeps. What is there when it is dropped is gone afterwards.
#[derive(Debug)]
pub struct Platform {
    process: Option<Process>,
    elsewhere: Option<Elsewhere>,
    outside: Outside,
    settings: HashMap<String, String>,
    ports: Ports,
    folder: Folder,
}

/// Where a platform is that was started by others.
#[derive(Debug)]
struct Elsewhere {
    gateway: String,
    data: PathBuf,
}

impl Platform {
    /// One that others have started: stories may talk to its gateway and look for its mails in the data folder.
    pub fn elsewhere(gateway: String, data: PathBuf) -> Self {
        let mut platform = Self::prepare(Kind::Embedded);
        platform.elsewhere = Some(Elsewhere { gateway, data });
        platform
    }

    /// A platform that answers.
    pub async fn start(kind: Kind) -> Self {
        let mut platform = Self::prepare(kind);
        platform.launch().await;
        platform
    }

    /// One that is not started yet, so that its settings can be changed. Its machine is a bare one: it has no
    /// certificates, and its proxy leads nowhere.
    pub fn prepare(kind: Kind) -> Self {
        let platform = Self {
            process: None,
            elsewhere: None,
            outside: Outside::new(kind),
            settings: HashMap::new(),
            ports: Ports::reserve(),
            folder: Folder::new(),
        };
        let offset = platform.ports.offset.to_string();
        let data = platform.data().display().to_string();
        platform
            .with("HMS_DATA_DIR", &data)
            .with("HMS_PORT_OFFSET", &offset)
            .with("HMS_ADMIN_PASSWORD", ADMIN_PASSWORD)
            // One client asks for more than many people would; the limits have tests of their own.
            .with("HMS_RATE_LIMITS", "off")
            .with("LOG_FORMAT", "text")
            .with("SSL_CERT_FILE", "/nonexistent")
            .with("SSL_CERT_DIR", "/nonexistent")
            .with("HTTP_PROXY", "http://127.0.0.1:9")
    }

    /// The same with a setting; an empty value takes it away.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.set(name, value);
        self
    }

    /// Changes a setting for the next start; an empty value takes it away.
    pub fn set(&mut self, name: &str, value: &str) {
        self.settings.insert(name.to_owned(), value.to_owned());
    }

    /// Starts it; returns when it has printed its table of addresses.
    pub async fn launch(&mut self) {
        self.spawn();
        let table = answering(self.process.as_mut().unwrap()).await;
        let gateway = format!("gateway {}", self.gateway_url());
        let lines: Vec<_> =
            table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert!(lines.contains(&gateway), "{gateway} is not in the table:\n{table}");
    }

    /// Starts it and does not wait.
    pub fn spawn(&mut self) {
        self.process = Some(Process::start(self.command(&["up"]), self.folder.path()));
    }

    /// The `hms` command with these arguments and the settings of this platform.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = process::command(process::binary(), &self.environment());
        command.args(arguments);
        command
    }

    /// Runs the `hms` command to its end.
    pub async fn run(&self, arguments: &[&str]) -> Outcome {
        process::run(self.command(arguments)).await
    }

    /// Any other program with the settings of this platform.
    pub fn program(&self, program: &str) -> Command {
        process::command(program, &self.environment())
    }

    /// One of its settings, as its process gets it.
    pub fn setting(&self, name: &str) -> Option<String> {
        self.environment().into_iter().rev().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    fn environment(&self) -> Vec<(String, String)> {
        let mut settings = self.outside.settings();
        settings.extend(self.settings.iter().map(|(name, value)| (name.clone(), value.clone())));
        settings.retain(|(_, value)| !value.is_empty());
        settings
    }

    /// The process.
    pub fn process(&mut self) -> &mut Process {
        self.process.as_mut().expect("the platform was started")
    }

    /// SIGTERM; it must end well, and soon.
    pub async fn stop(&mut self) {
        self.stop_by("TERM").await;
    }

    /// A signal upon which it must end well, and soon.
    pub async fn stop_by(&mut self, signal: &str) {
        let process = self.process();
        process.signal(signal);
        let status = process.end().await;
        assert!(status.success(), "SIG{signal} ended it with {status}");
        self.process = None;
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.process().kill();
        self.process = None;
    }

    /// Stops it and starts it again on the same folder.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.launch().await;
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        match &self.elsewhere {
            Some(elsewhere) => elsewhere.data.clone(),
            None => self.folder.path().join("data"),
        }
    }

    /// A folder of the test's own beside it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its ports.
    pub fn ports(&self) -> &Ports {
        &self.ports
    }

    /// Where the gateway answers.
    pub fn gateway_url(&self) -> String {
        match &self.elsewhere {
            Some(elsewhere) => elsewhere.gateway.clone(),
            None => format!("http://127.0.0.1:{}", self.ports.gateway()),
        }
    }

    /// The port of a service.
    pub fn port(&self, service: &str) -> u16 {
        self.ports.of(service)
    }

    /// A client of the gateway, without a token.
    pub fn gateway(&self) -> Client {
        Client::new(self.gateway_url(), None)
    }

    /// A client of a service at its own port, without a token.
    pub fn service(&self, name: &str) -> Client {
        Client::new(format!("http://127.0.0.1:{}", self.ports.of(name)), None)
    }
}

/// Another process of the platform on the same databases and queues, with ports and a folder of its own.
#[derive(Debug)]
pub struct Replica {
    _process: Process,
    ports: Ports,
    _folder: Folder,
}

impl Platform {
    /// Starts another process beside this one; returns when it answers. Both need the same `HMS_AUTH_KEY`.
    pub async fn replica(&self) -> Replica {
        let (ports, folder) = (Ports::reserve(), Folder::new());
        let mut command = self.command(&["up"]);
        command.env("HMS_PORT_OFFSET", ports.offset.to_string());
        command.env("HMS_DATA_DIR", folder.path().join("data"));
        // Clients reach all processes at one place, whose name stands in the tokens.
        command.env("HMS_PUBLIC_URL", self.gateway_url());
        let mut process = Process::start(command, folder.path());
        answering(&mut process).await;
        Replica { _process: process, ports, _folder: folder }
    }
}

impl Replica {
    /// A client of a service at its own port, without a token.
    pub fn service(&self, name: &str) -> Client {
        Client::new(format!("http://127.0.0.1:{}", self.ports.of(name)), None)
    }
}

/// Waits for the table of addresses.
async fn answering(process: &mut Process) -> String {
    until("the table of addresses", STARTING, async || {
        let stdout = process.stdout();
        if let Some(status) = process.ended() {
            panic!("the platform ended by itself ({status}): {stdout}");
        }
        stdout.contains(TABLE_ENDS).then_some(stdout)
    })
    .await
}
