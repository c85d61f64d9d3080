//! A backup that is taken while the platform runs, restored into databases of its own: a platform starts on it, knows what was
//! there, and its audit is whole.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail by panic")]

use std::path::Path;
use std::process::Command;

use hms_model::service::SERVICES;
use hms_tests::{PATIENCE, Platform, Trail, on_both_kinds, records, repository, until};

/// What must be kept beside the databases.
const KEY: &str = "aGVyZSBhcmUgMzIgYnl0ZXMgZm9yIGRldmVsb3BtZW4=";

on_both_kinds! {
    async fn a_backup_is_restored(kind) {
        let with_keys = |platform: Platform| platform.with("HMS_AUTH_KEY", KEY).with("HMS_WEBHOOK_KEY", KEY);
        let mut old = with_keys(Platform::prepare(kind));
        old.launch().await;
        let admin = old.admin().await;
        let (patient_id, practitioner_id) = (
            admin.make("/api/v1/patients", &records::patient("Ann", "Before")).await,
            admin.make("/api/v1/practitioners", &records::practitioner("Mia", "Before")).await,
        );
        let nine = records::moment(7, 9 * 60);
        let booking = records::booking(&patient_id, &practitioner_id, nine);
        let appointment = admin.make_once_known("/api/v1/appointments", &booking).await;
        Trail(&admin).one("create", "appointment", &appointment).await;
        let folder = old.folder().join("backup");
        backup(&old, "save", &folder);
        let later = admin.make("/api/v1/patients", &records::patient("Ann", "After")).await;
        old.stop().await;

        let mut new = with_keys(Platform::prepare(kind));
        for service in SERVICES {
            if let Some(url) = new.setting(&format!("{}_DATABASE_URL", service.name.to_uppercase())) {
                make_database(&url);
            }
        }
        backup(&new, "restore", &folder);
        assert!(!backup_command(&new, "restore", &folder).output().unwrap().status.success(), "over what is there");
        new.run(&["migrate", "--check"]).await.expect(0);
        let verified = new.run(&["audit", "verify"]).await;
        assert!(verified.expect(0).stdout.contains("entries"), "{}", verified.stdout);

        new.launch().await;
        let admin = new.admin().await;
        let found = admin.client.get(&format!("/api/v1/patients/{patient_id}")).await;
        assert_eq!(found.expect(200)["family_name"], "Before");
        admin.client.get(&format!("/api/v1/patients/{later}")).await.expect_problem(404, "NOT_FOUND");
        admin.client.get(&format!("/api/v1/appointments/{appointment}")).await.expect(200);
        let taken = admin.client.post("/api/v1/appointments", &booking).await;
        taken.expect_problem(409, "SLOT_TAKEN");
        it_goes_on(&new).await;
    }
}

/// Writes, events and the chain of the audit go on where they were.
async fn it_goes_on(platform: &Platform) {
    let admin = platform.admin().await;
    let patient = admin.make("/api/v1/patients", &records::patient("Ann", "Later")).await;
    Trail(&admin).one("create", "patient", &patient).await;
    until("the chain to be whole", PATIENCE, async || {
        (platform.run(&["audit", "verify"]).await.code == Some(0)).then_some(())
    })
    .await;
}

fn backup_command(platform: &Platform, what: &str, folder: &Path) -> Command {
    let script = repository().join("deploy/backup/backup.sh");
    let mut command = platform.program(script.to_str().unwrap());
    command.arg(what).arg(folder);
    command
}

#[track_caller]
fn backup(platform: &Platform, what: &str, folder: &Path) {
    let output = backup_command(platform, what, folder).output().unwrap();
    assert!(output.status.success(), "{what}: {}", String::from_utf8_lossy(&output.stderr));
}

/// As an administrator of the server makes it.
fn make_database(url: &str) {
    let (server, name) = url.rsplit_once('/').unwrap();
    let statement = format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'");
    let made =
        Command::new("psql").args(["-Xqc", &statement, &format!("{server}/postgres")]).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}
