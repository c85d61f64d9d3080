//! The `hms` binary as a process.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use hms_settings::Settings;
use hms_testkit::expect_nothing_planted;

use crate::until;

/// How long a process may take to end: the gateway alone gives requests in flight 30 s.
const ENDING: u64 = 60;
/// How much of the log a failure shows.
const SHOWN: usize = 12_000;

/// The folder with the built programs: that of this one, or the one above if this is a test.
pub fn programs() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let folder = own.parent().unwrap();
    if folder.ends_with("deps") { folder.parent().unwrap().to_owned() } else { folder.to_owned() }
}

/// The built `hms`.
pub fn binary() -> PathBuf {
    let file = programs().join("hms");
    assert!(file.is_file(), "{} is missing: run `cargo build -p hms` first", file.display());
    file
}

/// The root of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// What came of a command.
#[derive(Debug)]
pub struct Outcome {
    /// Its exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
}

impl Outcome {
    /// Fails unless the exit code is this one; shows what was written then.
    #[track_caller]
    pub fn expect(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.stdout, self.stderr);
        self
    }
}

/// Runs a command to its end.
pub async fn run(mut command: Command) -> Outcome {
    let output = tokio::task::spawn_blocking(move || command.stdin(Stdio::null()).output()).await.unwrap();
    let output = output.unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    Outcome { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

/// A command with nothing in its environment but these settings and what every program needs.
pub(crate) fn command(program: impl AsRef<std::ffi::OsStr>, settings: &[(String, String)]) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    let inherited = Settings::from_environment();
    for name in ["PATH", "HOME", "TMPDIR"] {
        if let Some(value) = inherited.get(name) {
            command.env(name, value);
        }
    }
    command.envs(settings.iter().map(|(name, value)| (name, value)));
    command
}

/// A process that runs until it is told to stop; it never outlives this value.
#[derive(Debug)]
pub struct Process {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Process {
    /// Starts it; what it writes goes to files in `folder`, so that it never waits for a reader.
    pub fn start(mut command: Command, folder: &Path) -> Self {
        let (stdout, stderr) = (folder.join("stdout"), folder.join("stderr"));
        command.stdin(Stdio::null());
        command.stdout(File::create(&stdout).unwrap());
        command.stderr(File::options().create(true).append(true).open(&stderr).unwrap());
        let child = command.spawn().unwrap();
        Self { child, stdout, stderr }
    }

    /// What it has written to stdout so far.
    pub fn stdout(&self) -> String {
        std::fs::read_to_string(&self.stdout).unwrap()
    }

    /// What it, and those before it in the same folder, have written to stderr so far.
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.stderr).unwrap_or_default()).into_owned()
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Sends a signal, by its name without `SIG`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("sh")
            .args(["-c", "kill -s \"$0\" \"$1\"", name, &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success(), "SIG{name} could not be sent");
    }

    /// Waits for its end.
    pub async fn end(&mut self) -> ExitStatus {
        until("the end of the process", ENDING, async || self.child.try_wait().unwrap()).await
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        // An error says that it has ended already.
        let _ended = self.child.kill();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        let log = self.stderr();
        if std::thread::panicking() {
            let from = log.ceil_char_boundary(log.len().saturating_sub(SHOWN));
            println!("--- stderr of the platform ---\n{}", &log[from..]);
            return;
        }
        expect_nothing_planted(&log);
        expect_nothing_planted(&std::fs::read_to_string(&self.stdout).unwrap_or_default());
    }
}
