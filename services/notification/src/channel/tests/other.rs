//! A program at the other end, out of tests/channels.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use hms_testkit::Folder;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

const SCRIPT: &str = "../../tests/channels/run.sh";
/// The first time, its libraries are fetched.
const PATIENCE: Duration = Duration::from_secs(120);

/// A program that runs, and says what comes.
pub struct Other {
    pub hello: Value,
    lines: Lines<BufReader<ChildStdout>>,
    _running: Child,
}

/// A certificate for this machine and its key, which nobody trusts who was not told.
pub struct Certificate {
    folder: Folder,
}

impl Certificate {
    pub fn new() -> Self {
        let folder = Folder::new();
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned(), "push.example".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let certificate = Self { folder };
        std::fs::write(certificate.chain(), made.cert.pem()).unwrap();
        std::fs::write(certificate.key(), made.signing_key.serialize_pem()).unwrap();
        certificate
    }

    pub fn chain(&self) -> PathBuf {
        self.folder.path().join("chain.pem")
    }

    pub fn key(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }
}

impl Other {
    /// Starts it, and returns when it has said hello.
    pub async fn start(arguments: &[&str], certificate: &Certificate) -> Self {
        let (chain, key) = (certificate.chain(), certificate.key());
        let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join(SCRIPT));
        command.args(arguments).args([chain, key]).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut running = command.kill_on_drop(true).spawn().expect("bash and python3");
        let lines = BufReader::new(running.stdout.take().unwrap()).lines();
        let mut other = Self { hello: Value::Null, lines, _running: running };
        other.hello = other.next().await;
        other
    }

    pub fn port(&self) -> u64 {
        self.hello["port"].as_u64().unwrap()
    }

    /// What came next.
    pub async fn next(&mut self) -> Value {
        let line = timeout(PATIENCE, self.lines.next_line()).await.expect("it says nothing").unwrap();
        serde_json::from_str(&line.expect("it has ended")).unwrap()
    }
}
