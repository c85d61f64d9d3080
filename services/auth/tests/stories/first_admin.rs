//! The first start: one admin, one key, however many replicas there are.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use hms_auth::{Service, admin_password_file};
use hms_db::{Backend, DatabaseUrl};
use hms_service::{Running, Wiring};
use hms_settings::Settings;
use hms_testkit::database::TestDatabase;
use hms_testkit::{Answer, Client, Folder, on_both_back_ends};
use serde_json::json;

use crate::{PASSWORD, hospital};

on_both_back_ends! {
    async fn a_password_is_made_and_written_once(backend) {
        let (database, folder) = (empty(backend).await, Folder::new());
        let file = admin_password_file(folder.path());
        let running = start(&database.url, folder.path(), &[]).await.unwrap();
        let password = std::fs::read_to_string(&file).unwrap();
        assert_eq!(password.len(), 24);
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().filter(is_draft).count(), 0);
        let tokens = sign_in(&running, "admin@hms.local", &password).await;
        assert_eq!(tokens.expect(200)["account"]["username"], "admin");
        let keys = jwks(&running).await;
        running.stop().await;

        // The second start changes nothing, and does not bring back a file that was put away.
        std::fs::remove_file(&file).unwrap();
        let running = start(&database.url, folder.path(), &[]).await.unwrap();
        assert!(!file.exists());
        sign_in(&running, "admin", &password).await.expect(200);
        assert_eq!(jwks(&running).await.body, keys.body);
        running.stop().await;
    }

    async fn a_password_of_the_settings_is_written_nowhere(backend) {
        let app = hospital(backend).await;
        crate::sign_in(&app, "chief@hospital.example").await.expect(200);
        assert!(!admin_password_file(app.folder.path()).exists());
    }

    async fn a_weak_password_of_the_settings_stops_the_start(backend) {
        let (database, folder) = (empty(backend).await, Folder::new());
        let error = start(&database.url, folder.path(), &[("HMS_ADMIN_PASSWORD", "admin")]).await.err().unwrap();
        let text = format!("{error:#}");
        assert!(text.contains("HMS_ADMIN_PASSWORD: must have at least 15 characters"), "{text}");
    }

    async fn a_start_that_broke_off_after_the_file_goes_on_with_it(backend) {
        let (database, folder) = (empty(backend).await, Folder::new());
        let file = admin_password_file(folder.path());
        std::fs::write(&file, PASSWORD).unwrap();
        let running = start(&database.url, folder.path(), &[]).await.unwrap();
        sign_in(&running, "admin", PASSWORD).await.expect(200);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), PASSWORD);
        running.stop().await;
    }

    async fn replicas_that_start_at_once_agree(backend) {
        let database = empty(backend).await;
        let folders = [Folder::new(), Folder::new(), Folder::new()];
        let starts = folders.iter().map(|folder| start(&database.url, folder.path(), &[]));
        let running = futures_util::future::join_all(starts).await;
        let running: Vec<Running> = running.into_iter().map(Result::unwrap).collect();
        let files: Vec<_> = folders.iter().map(|folder| admin_password_file(folder.path())).collect();
        let written: Vec<_> = files.iter().filter(|file| file.exists()).collect();
        assert_eq!(written.len(), 1, "{written:?}");
        let password = std::fs::read_to_string(written[0]).unwrap();
        let keys = jwks(&running[0]).await;
        for replica in &running {
            assert_eq!(jwks(replica).await.body, keys.body);
            sign_in(replica, "admin", &password).await.expect(200);
        }
        for replica in running {
            replica.stop().await;
        }
    }
}

async fn empty(backend: Backend) -> TestDatabase {
    TestDatabase::new(backend, "auth", &hms_service::all_migrations::<Service>()).await
}

async fn start(url: &DatabaseUrl, data_dir: &Path, more: &[(&str, &str)]) -> anyhow::Result<Running> {
    let settings = Settings::default()
        .with([("DATABASE_URL", url.expose()), ("HMS_DATA_DIR", data_dir.display().to_string())])
        .with(more.iter().copied());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    hms_service::start::<Service>(&settings, Wiring { listener: Some(listener), ..Wiring::default() }).await
}

fn client(running: &Running) -> Client {
    Client::new(format!("http://{}", running.address()), None)
}

async fn sign_in(running: &Running, name: &str, password: &str) -> Answer {
    let credentials = json!({"username": name, "password": password});
    client(running).post("/api/v1/auth/login", &credentials).await
}

async fn jwks(running: &Running) -> Answer {
    client(running).get("/.well-known/jwks.json").await
}

fn is_draft(entry: &std::io::Result<std::fs::DirEntry>) -> bool {
    entry.as_ref().unwrap().file_name().to_string_lossy().contains("draft")
}
