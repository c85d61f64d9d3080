//! The table of routes is read again while requests go on.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use chrono::TimeDelta;
use hms_gateway::{Limits, Routes, Source};
use hms_model::role::Role;
use hms_model::service::GATEWAY_PORT;

use crate::support::{Answer, Client, Echo, Gateway, get, nobody, until, upstream};

/// A table in a file of its own, which is gone with it.
struct TableFile(PathBuf);

impl TableFile {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("hms-gateway-{}-{name}.toml", std::process::id()));
        fs::write(&path, text).unwrap();
        Self(path)
    }

    /// As an editor does it: nobody reads half a file.
    fn write(&self, text: &str) {
        let new = self.0.with_extension("new");
        fs::write(&new, text).unwrap();
        fs::rename(&new, &self.0).unwrap();
    }

    async fn gateway(&self) -> Gateway {
        Gateway::serving(Routes::open(Source::File(self.0.clone())).unwrap(), Limits::default()).await
    }
}

impl Drop for TableFile {
    fn drop(&mut self) {
        let _gone = fs::remove_file(&self.0);
    }
}

async fn reload(gateway: &Gateway, role: Role) -> Answer {
    let token = gateway.token_of(role, TimeDelta::minutes(5));
    let head = "POST /admin/routes/reload HTTP/1.1\r\nHost: hms\r\nContent-Length: 0\r\n";
    gateway.send(&format!("{head}Authorization: Bearer {token}\r\n")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_table_holds_from_the_next_request_on() {
    let (first, second) = (Echo::start().await, Echo::start().await);
    let file = TableFile::new("next", &upstream("user", &first.address, &["patients"]));
    let gateway = file.gateway().await;
    assert_eq!(gateway.get("/api/v1/patients").await.status, 200);
    file.write(&upstream("user", &second.address, &["patients", "accounts"]));
    assert_eq!(gateway.get("/api/v1/accounts").await.status, 404, "nobody has said that it changed");

    let answer = reload(&gateway, Role::Admin).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json(), serde_json::json!({"generation": 1, "upstreams": 1, "routes": 2}));
    assert_eq!(gateway.get("/api/v1/patients").await.status, 200);
    assert_eq!(gateway.get("/api/v1/accounts").await.status, 200);
    assert_eq!((first.requests(), second.requests()), (1, 2));
    assert_eq!(gateway.metric("gateway_routes_reloads_total{outcome=\"taken\"}").await, Some(1.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_table_changes_nothing_and_says_why() {
    let echo = Echo::start().await;
    let file = TableFile::new("bad", &upstream("user", &echo.address, &["patients"]));
    let gateway = file.gateway().await;
    for (text, reason) in [
        ("[[upstream]\n", "TOML parse error"),
        ("", "there is no [[upstream]]"),
        ("[[upstream]]\nname = \"user\"\nurl = \"https://user\"\n", "must begin with http://"),
    ] {
        file.write(text);
        let answer = reload(&gateway, Role::Admin).await;
        answer.assert_error(422, "UNPROCESSABLE");
        let told = answer.json()["error"]["details"]["reason"].as_str().unwrap().to_owned();
        assert!(told.contains(reason), "{told}");
        assert!(gateway.running.reload_routes().is_err());
        assert_eq!(gateway.get("/api/v1/patients").await.status, 200);
    }
    assert_eq!(gateway.metric("gateway_routes_reloads_total{outcome=\"refused\"}").await, Some(6.0));
    assert_eq!(gateway.metric("gateway_routes_reloads_total{outcome=\"taken\"}").await, Some(0.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_is_for_those_who_run_the_platform() {
    let file = TableFile::new("who", &upstream("user", &nobody().await, &["patients"]));
    let gateway = file.gateway().await;
    reload(&gateway, Role::Nurse).await.assert_error(403, "FORBIDDEN");
    gateway.get("/admin/routes").await.assert_error(401, "UNAUTHENTICATED");
    let anonymous = "POST /admin/routes/reload HTTP/1.1\r\nHost: hms\r\nContent-Length: 0\r\n";
    gateway.send(anonymous).await.assert_error(401, "UNAUTHENTICATED");
    assert_eq!(gateway.metric("gateway_routes_reloads_total{outcome=\"taken\"}").await, Some(0.0));

    let token = gateway.token_of(Role::Admin, TimeDelta::minutes(5));
    let head = format!("GET /admin/routes/ HTTP/1.1\r\nHost: hms\r\nAuthorization: Bearer {token}\r\n");
    let shown = gateway.send(&head).await.json();
    assert_eq!(shown["services"][0]["name"], "user");
    assert_eq!(shown["services"][0]["breaker"], "closed");
    assert_eq!(shown["services"][0]["endpoints"][0]["down"], false);
    assert_eq!(shown["routes"][0]["prefix"], "patients");
    assert_eq!(shown["routes"][0]["group"], "default");
}

/// The program itself, which is gone with this.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_hms-gateway"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_signal_makes_the_program_read_its_table_again() {
    let echo = Echo::start().await;
    let file = TableFile::new("signal", &upstream("user", &echo.address, &["patients"]));
    let address = nobody().await;
    let port: u16 = address.rsplit(':').next().unwrap().parse().unwrap();
    let program = program()
        .env_clear()
        .env("HMS_ROUTES", &file.0)
        .env("HMS_PORT_OFFSET", (port - GATEWAY_PORT).to_string())
        .env("HMS_RATE_LIMITS", "off")
        .env("AUTH_URL", "http://127.0.0.1:1")
        .env("LOG_LEVEL", "ERROR")
        .spawn();
    let program = Program(program.unwrap());
    until("it listens", async || Client::try_connect(&address).await.is_ok()).await;
    assert_eq!(get(&address, "/api/v1/accounts").await.status, 404);
    file.write(&upstream("user", &echo.address, &["patients", "accounts"]));
    let sent = Command::new("kill").args(["-HUP", &program.0.id().to_string()]).status().unwrap();
    assert!(sent.success());
    until("it has read the table", async || get(&address, "/api/v1/accounts").await.status == 200).await;
}

#[test]
fn the_program_checks_a_table() {
    let good = program().args(["routes", "print"]).output().unwrap();
    assert!(good.status.success());
    let file = TableFile::new("check", std::str::from_utf8(&good.stdout).unwrap());
    let checked = program().args(["routes", "check"]).arg(&file.0).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    file.write("[[upstream]]\nname = \"user\"\n");
    let checked = program().args(["routes", "check"]).arg(&file.0).output().unwrap();
    assert!(!checked.status.success());
    let said = String::from_utf8_lossy(&checked.stderr);
    assert!(said.contains("there must be a url"), "{said}");
}

/// Resident memory of this process, in KiB.
fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_tables_under_load_fail_no_request_and_leave_nothing_behind() {
    let (first, second) = (Echo::start().await, Echo::start().await);
    let one = upstream("user", &first.address, &["patients"]);
    let two = format!(
        "[[upstream]]\nname = \"user\"\nendpoints = [\"http://{}\", {{ url = \"http://{}\", weight = 2 }}]\n\
         resources = [\"patients\", \"accounts\"]\nsettings = {{ balance = \"round-robin\" }}\n",
        first.address, second.address
    );
    let file = TableFile::new("load", &one);
    let gateway = file.gateway().await;
    let (done, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let load: Vec<_> = (0..4)
        .map(|_| {
            let (address, done, answered) = (gateway.address(), Arc::clone(&done), Arc::clone(&answered));
            tokio::spawn(async move {
                let mut client = Client::connect(&address).await;
                while !done.load(Ordering::Relaxed) {
                    client.head("GET /api/v1/patients/7 HTTP/1.1\r\nHost: hms\r\n").await;
                    let answer = client.answer().await;
                    assert_eq!(answer.status, 200, "{}", answer.text());
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let reload_times = async |times: usize| {
        for number in 0..times {
            file.write(if number % 2 == 0 { &two } else { &one });
            gateway.running.reload_routes().unwrap();
            // At least one request for each table.
            let before = answered.load(Ordering::Relaxed);
            while answered.load(Ordering::Relaxed) == before {
                assert!(load.iter().all(|task| !task.is_finished()), "a request failed");
                tokio::task::yield_now().await;
            }
        }
    };
    reload_times(500).await;
    let before = resident();
    reload_times(1_000).await;
    let after = resident();
    done.store(true, Ordering::Relaxed);
    for task in load {
        task.await.unwrap();
    }
    assert!(first.requests() > 0 && second.requests() > 0);
    println!("{} requests, {before} KiB before, {after} KiB after", answered.load(Ordering::Relaxed));
    assert!(after * 100 < before * 105, "{before} KiB before, {after} KiB after");
}
