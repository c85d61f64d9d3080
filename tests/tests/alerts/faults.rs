//! What is done to the platform.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use chrono::{Datelike as _, Days};
use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection, RunQueryDsl as _};
use futures_util::future::join_all;
use hms_model::Clock;
use hms_tests::{Client, Folder, PATIENCE, Person, Platform, Process, Processes, records, until};
use lapin::options::BasicPublishOptions;
use lapin::{BasicProperties, ConnectionProperties};
use serde_json::json;

/// More at the same time than a pool has connections.
const CROWD: usize = 24;

/// A Redis that is away once this is dropped.
pub struct Redis {
    port: u16,
    _process: Process,
    _folder: Folder,
}

impl Redis {
    /// Starts one; returns when it answers.
    pub async fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = Folder::new();
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--save", "", "--port", &port.to_string()]);
        command.current_dir(folder.path());
        let process = Process::start(command, folder.path());
        until("Redis", PATIENCE, async || tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok())
            .await;
        Self { port, _process: process, _folder: folder }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

/// The certificate of the gateway.
pub struct Certificate {
    pub chain: PathBuf,
    pub key: PathBuf,
}

impl Certificate {
    /// Files in a folder; none there yet.
    pub fn new(folder: &Path) -> Self {
        Self { chain: folder.join("chain.pem"), key: folder.join("key.pem") }
    }

    /// Puts one there that is good for so many days.
    pub fn put(&self, days: u64) {
        let ends = Clock::system().now().date_naive().checked_add_days(Days::new(days)).unwrap();
        let mut wanted = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
        let (month, day) = (ends.month().try_into().unwrap(), ends.day().try_into().unwrap());
        wanted.not_after = rcgen::date_time_ymd(ends.year(), month, day);
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = wanted.self_signed(&key).unwrap();
        fs::write(&self.key, key.serialize_pem()).unwrap();
        fs::write(&self.chain, certificate.pem()).unwrap();
    }

    /// Puts something there that is none.
    pub fn spoil(&self) {
        fs::write(&self.chain, "no certificate").unwrap();
    }
}

/// Several names are tried until each has to wait.
pub async fn passwords_are_tried(platform: &Platform) {
    let gateway = platform.gateway();
    let names = (0..4).map(|number| format!("stranger-{number}@example.org"));
    let trying = names.map(|name| {
        let gateway = gateway.clone();
        async move {
            let body = json!({"username": name, "password": "not the password"});
            for _ in 0..5 {
                gateway.post("/api/v1/auth/login", &body).await;
            }
        }
    });
    join_all(trying).await;
}

/// The service that is written to has no broker.
pub async fn an_event_is_not_published(admin: &Person) {
    admin.make("/api/v1/patients", &records::patient("Ann", "Andersson")).await;
}

/// What comes over the broker is no event.
pub async fn an_event_is_poison(platform: &Platform) {
    let url = platform.setting("AMQP_URL").unwrap();
    let connection = lapin::Connection::connect(&url, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let exchange = format!("{}.events", platform.setting("HMS_BUS_PREFIX").unwrap());
    let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
    let key = "appointment.scheduled";
    let sent = channel.basic_publish(exchange.as_str().into(), key.into(), options, b"poison", properties);
    sent.await.unwrap().await.unwrap();
    connection.close(200, "done".into()).await.unwrap();
}

/// A service that gives itself a job at its start finds no broker then.
pub fn a_job_does_not_reach_the_broker(processes: &mut Processes<'_>) {
    processes.kill("metrics");
    processes.launch_with("metrics", &[("AMQP_URL", super::NOBODY)]);
}

/// A service stands still for longer than a second, and answers then.
pub async fn requests_hang(processes: &Processes<'_>, admin: &Person) {
    processes.process("billing").signal("STOP");
    let asking = (0..CROWD).map(|_| admin.client.get("/api/v1/billing/invoices"));
    let goes_on = async {
        // That it stands still for so long is the fault itself.
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        processes.process("billing").signal("CONT");
    };
    let (answers, ()) = futures_util::future::join(join_all(asking), goes_on).await;
    answers.iter().for_each(|answer| {
        answer.expect(200);
    });
}

/// Asks for what nobody answers.
pub async fn keep_asking(client: Client, path: &'static str) {
    loop {
        let _refused = client.try_request("GET", path, &[], None).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// As an administrator of the database would who can switch its guard off; the audit is started again, and looks.
pub async fn the_audit_is_changed(platform: &Platform, processes: &mut Processes<'_>) {
    let mut database = database(platform, "audit");
    until("an entry to change", PATIENCE, async || {
        database.batch_execute("ALTER TABLE entries DISABLE TRIGGER USER").unwrap();
        let change = diesel::sql_query("UPDATE entries SET hash = prev_hash WHERE seq = 1");
        let changed = change.execute(&mut database).unwrap();
        database.batch_execute("ALTER TABLE entries ENABLE TRIGGER USER").unwrap();
        (changed == 1).then_some(())
    })
    .await;
    processes.kill("audit");
    processes.launch("audit");
}

/// The audit is started again while somebody has its entries for themselves, as a long maintenance would. They are free
/// when what is given back is dropped.
pub async fn the_audit_cannot_be_read(platform: &Platform, processes: &mut Processes<'_>) -> PgConnection {
    processes.kill("audit");
    let locked = lock(platform, "audit", "entries");
    processes.launch("audit");
    locked
}

/// Somebody has a table for themselves, and more requests come than there are connections.
pub async fn all_connections_are_in_use(platform: &Platform, admin: &Person) {
    let _locked = lock(platform, "user", "patients");
    // Of those who read what nobody has changed, many wait for one statement; of those who write each has a connection.
    let body = records::patient("Ann", "Andersson").to_string().into_bytes();
    let headers = [("content-type", "application/json")];
    loop {
        let writing = (0..CROWD)
            .map(|_| admin.client.try_request("POST", "/api/v1/patients", &headers, Some(body.clone())));
        join_all(writing).await;
    }
}

fn lock(platform: &Platform, service: &str, table: &str) -> PgConnection {
    let mut database = database(platform, service);
    database.batch_execute(&format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")).unwrap();
    database
}

fn database(platform: &Platform, service: &str) -> PgConnection {
    let url = platform.setting(&format!("{}_DATABASE_URL", service.to_uppercase())).unwrap();
    PgConnection::establish(&url).unwrap()
}
