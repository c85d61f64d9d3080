//! `hms dead-letters` against a whole platform in the test's own process.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs::File;
use std::net::TcpListener;
use std::process::Output;

use chrono::{DateTime, TimeDelta, Utc};
use hms::up::Platform;
use hms_bus::dead_letters::{self, DeadLetter, Death, Label};
use hms_db::{Database, PoolOptions};
use hms_model::Clock;
use hms_model::event::{Envelope, PatientCreated, PatientFacts};
use hms_model::id::{EventId, Id};
use hms_model::service::{GATEWAY_PORT, SERVICES};
use hms_settings::Settings;
use hms_testkit::Folder;
use tokio::process::Command;

const PASSWORD: &str = "open sesame, please";

/// A platform on SQLite, and what the command needs to find it.
struct World {
    platform: Platform,
    environment: Vec<(&'static str, String)>,
    folder: Folder,
    _ports: File,
}

impl World {
    async fn start() -> Self {
        let (offset, ports) = reserve_ports();
        let folder = Folder::new();
        let environment = vec![
            ("HMS_DATA_DIR", folder.path().display().to_string()),
            ("HMS_PORT_OFFSET", offset.to_string()),
            ("HMS_ADMIN_PASSWORD", PASSWORD.to_owned()),
        ];
        let settings = Settings::default().with(environment.clone());
        let platform = Platform::start(&settings).await.unwrap();
        Self { platform, environment, folder, _ports: ports }
    }

    /// Puts an event to the dead letters of some services, as the bus does.
    async fn bury(&self, envelope: &Envelope, services: &[&str]) -> EventId {
        for service in services {
            let url = format!("sqlite://{}/{service}_db.sqlite3", self.folder.path().display());
            let database = Database::new(url.parse().unwrap(), PoolOptions::default());
            let label = Label { event_id: envelope.id, kind: String::new(), subject: String::new() };
            let death = Death { reason: "the shelf\n is full".into(), attempts: 5, at: envelope.time };
            let letter = DeadLetter::new(serde_json::to_vec(envelope).unwrap(), label, death);
            database.write(move |db| dead_letters::put(db, letter)).await.unwrap();
        }
        envelope.id
    }

    /// Runs the command; gives its exit code and what it wrote.
    async fn hms(&self, args: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hms"));
        command.arg("dead-letters").args(args).env_clear().envs(self.environment.iter().cloned());
        let Output { status, stdout, stderr } = command.output().await.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (status.code().unwrap(), text(stdout), text(stderr))
    }
}

/// A block of ports that nobody else has as long as the file is open; as the tests of the whole platform do it.
fn reserve_ports() -> (u16, File) {
    let folder = std::env::temp_dir().join("hms-test-ports");
    std::fs::create_dir_all(&folder).unwrap();
    for offset in (2_000..26_000_u16).step_by(100) {
        let file = File::options().create(true).append(true).open(folder.join(offset.to_string())).unwrap();
        let mut ports = SERVICES.iter().map(|service| service.port).chain([GATEWAY_PORT]);
        let free = |port: u16| TcpListener::bind(("127.0.0.1", port + offset)).is_ok();
        if file.try_lock().is_ok() && ports.all(free) {
            return (offset, file);
        }
    }
    panic!("no block of ports is free");
}

fn patient(now: DateTime<Utc>) -> Envelope {
    let facts = PatientFacts {
        patient_id: Id::new(now),
        version: 1,
        account_id: None,
        name: "Ann Øster".into(),
        email: None,
        phone: None,
        language: None,
        active: true,
    };
    Envelope::of("user", &PatientCreated(facts), Id::new(now), now).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn letters_are_listed_shown_sent_again_and_dropped() {
    let world = World::start().await;
    let (code, stdout, stderr) = world.hms(&["list"]).await;
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (0, "0 dead letters\n", ""));

    let now = Clock::system().now();
    let good = patient(now);
    let taken = world.bury(&good, &["appointment", "notification"]).await;
    let later = patient(now + TimeDelta::seconds(1));
    let newer = world.bury(&Envelope { dataversion: 9, ..later }, &["appointment"]).await;

    let (code, stdout, _) = world.hms(&["list"]).await;
    assert_eq!(code, 0);
    assert!(stdout.ends_with("\n3 dead letters\n"), "{stdout}");
    let first = stdout.lines().next().unwrap();
    for part in ["appointment", &taken.to_string(), "patient.created", "  5 attempts", "the shelf  is full"] {
        assert!(first.contains(part), "{part}: {first}");
    }
    let (_, stdout, _) = world.hms(&["list", "notification"]).await;
    assert!(stdout.ends_with("\n1 dead letters\n"), "{stdout}");

    let (code, stdout, _) = world.hms(&["show", &taken.to_string(), "--service", "notification"]).await;
    assert_eq!(code, 0);
    assert!(stdout.starts_with("service    notification\n") && stdout.contains("Ann Øster"), "{stdout}");

    let (code, stdout, _) = world.hms(&["redrive", &newer.to_string()]).await;
    assert_eq!(code, 2);
    assert!(stdout.contains("not taken: patient.created has version 9"), "{stdout}");
    let (code, stdout, _) = world.hms(&["redrive", "--all"]).await;
    assert_eq!(code, 2);
    assert!(stdout.ends_with("\n2 taken, 1 not taken\n"), "{stdout}");
    let (code, _, stderr) = world.hms(&["redrive", &taken.to_string()]).await;
    assert_eq!((code, stderr), (1, format!("hms dead-letters: there is no dead letter {taken}\n")));

    let (code, stdout, _) = world.hms(&["drop", &newer.to_string()]).await;
    assert_eq!((code, stdout), (0, format!("{:<14} {newer}  dropped\n", "appointment")));
    let (code, stdout, _) = world.hms(&["redrive", "--all"]).await;
    assert_eq!((code, stdout.as_str()), (0, "0 taken, 0 not taken\n"));
    world.platform.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_asked_too_much_waits_as_the_gateway_says_and_goes_on() {
    let world = World::start().await;
    // Each asks every service once, of 50 times in a minute.
    let mut waits = 0;
    for _ in 0..=50 / SERVICES.len() {
        let (code, stdout, stderr) = world.hms(&["list"]).await;
        assert_eq!((code, stdout.as_str()), (0, "0 dead letters\n"), "{stderr}");
        let said = "hms dead-letters: this account has asked as much as it may for now; goes on in ";
        assert!(stderr.lines().all(|line| line.starts_with(said)), "{stderr}");
        waits += stderr.lines().count();
    }
    assert!(waits > 0, "more was asked than may be asked in a minute");
    world.platform.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_done_is_1_and_a_sentence() {
    let world = World::start().await;
    let id = Id::<()>::new(Clock::system().now()).to_string();
    let cases: [(&[&str], &str); 7] = [
        (&["show", &id], "there is no dead letter"),
        (&["drop", &id], "there is no dead letter"),
        (&["list", "astrology"], "there is no service astrology"),
        (&["show", "7"], "invalid value '7'"),
        (&["redrive"], "required arguments were not provided"),
        (&["redrive", &id, "--all"], "cannot be used with"),
        (&["list", "--username", "nobody"], "does not know the user name nobody with this password"),
    ];
    for (args, expected) in cases {
        let (code, stdout, stderr) = world.hms(args).await;
        assert_eq!((code, stdout.as_str()), (1, ""), "{args:?}: {stderr}");
        assert!(stderr.contains(expected), "{args:?}: {stderr}");
    }
    world.platform.stop().await;
}
