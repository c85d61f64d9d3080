//! `hms audit verify` as a shell sees it.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on has failed")]

use std::process::Output;

use chrono::TimeDelta;
use diesel::connection::SimpleConnection as _;
use hms_audit::Service;
use hms_db::Backend;
use hms_model::audit::{Action, Actor, AuditEntry, Outcome};
use hms_model::event::AuditRecorded;
use hms_model::id::Id;
use hms_model::role::Role;
use hms_testkit::{TestService, on_both_back_ends};
use tokio::process::Command;

type App = TestService<Service>;

/// What the command says, and its exit code.
struct Said {
    code: i32,
    out: String,
    err: String,
}

async fn hms(args: &[&str], environment: &[(&str, &str)]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hms"));
    command.args(["audit", "verify"]).args(args).env_clear().envs(environment.iter().copied());
    let Output { status, stdout, stderr } = command.output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { code: status.code().unwrap(), out: text(stdout), err: text(stderr) }
}

/// Four entries, of which a checkpoint covers three.
async fn four_entries(app: &App) {
    for _ in 0..4 {
        app.clock.advance(TimeDelta::seconds(25));
        let now = app.clock.now();
        let entry = AuditEntry {
            id: Id::new(now),
            at: now,
            service: "user".into(),
            actor: Actor { account_id: None, roles: vec![] },
            action: Action::Read,
            resource: "patient".into(),
            resource_id: None,
            patient_ids: vec![],
            outcome: Outcome::Success,
            detail: None,
            request_id: None,
            source_ip: None,
        };
        app.deliver(&AuditRecorded(entry)).await;
    }
}

on_both_back_ends! {
    async fn a_database_and_an_export_are_checked_without_the_service(backend) {
        let app = App::start(backend).await;
        four_entries(&app).await;
        let admin = app.client(&[Role::Admin]);
        let url = app.database_url().expose();
        let file = app.folder.path().join("audit.ndjson");
        let export = admin.get("/api/v1/audit/export").await;
        std::fs::write(&file, export.expect(200).body.as_str().unwrap()).unwrap();
        let keys = app.folder.path().join("keys.json");
        let answer = admin.get("/api/v1/audit/keys").await;
        std::fs::write(&keys, answer.expect(200).body.to_string()).unwrap();
        let key = answer["keys"][0]["public_key"].as_str().unwrap();
        let (file, keys) = (file.to_str().unwrap(), keys.to_str().unwrap());

        let said = hms(&["--database", &url, "--public-key", keys], &[]).await;
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
        let lines: Vec<&str> = said.out.lines().collect();
        assert_eq!(lines[0], "entries: 4, from 1 to 4");
        let noted = lines[1].strip_prefix("checkpoints: 1, the last at ").unwrap();
        assert_eq!(lines[2..], ["not yet covered by a checkpoint: 1 entries", "the chain is whole"]);

        let of_file = hms(&["--file", file, "--public-key", key, "--noted", noted], &[]).await;
        assert_eq!((of_file.code, &of_file.out), (0, &said.out));
        // Another key takes over: the first one proves what it signs, and no harm is in naming more.
        admin.post("/api/v1/audit/keys/rotate", &serde_json::json!({})).await.expect(200);
        let said = hms(&["--database", &url, "--public-key", key], &[]).await;
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
        assert!(said.out.contains("checkpoints: 2, the last at 4:"), "{}", said.out);
        let other = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
        let both = hms(&["--database", &url, "--public-key", other, "--public-key", keys], &[]).await;
        assert_eq!((both.code, &both.out), (0, &said.out), "{}", both.err);
        let found = hms(&[], &[("AUDIT_DATABASE_URL", &url)]).await;
        assert_eq!(found.code, 0, "{}", found.err);
        assert!(found.out.contains("give --public-key"), "{}", found.out);

        // Somebody takes the last two out, and all that tells of them.
        let off = match backend {
            Backend::Postgres => "SET LOCAL session_replication_role = replica;",
            Backend::Sqlite => "DROP TRIGGER entries_delete; DROP TRIGGER checkpoints_delete;",
        };
        let cut = format!(
            "{off} DELETE FROM entries WHERE seq > 2; DELETE FROM checkpoints;
             UPDATE chain_head SET seq = 2, hash = (SELECT hash FROM entries WHERE seq = 2)"
        );
        app.database.write(move |db| Ok::<_, hms_db::Error>(db.batch_execute(&cut)?)).await.unwrap();
        let said = hms(&["--database", &url, "--noted", noted], &[]).await;
        assert_eq!(said.code, 1, "{}", said.out);
        assert!(said.out.contains("the chain is broken: truncation at entry 3: the entry 3 was noted"), "{}", said.out);
        app.stop().await;
    }

    async fn what_was_changed_in_a_file_is_named(backend) {
        let app = App::start(backend).await;
        four_entries(&app).await;
        let admin = app.client(&[Role::Admin]);
        let export = admin.get("/api/v1/audit/export").await;
        let text = export.expect(200).body.as_str().unwrap().replacen("\"patient\"", "\"nobody\"", 1);
        let file = app.folder.path().join("audit.ndjson");
        std::fs::write(&file, &text).unwrap();
        let said = hms(&["--file", file.to_str().unwrap()], &[]).await;
        let first: serde_json::Value = serde_json::from_str(text.lines().nth(2).unwrap()).unwrap();
        let id = first["entry"]["id"].as_str().unwrap();
        let expected = format!("the chain is broken: edit at entry 1 ({id}): its hash is not that of its text\n");
        assert_eq!(said.code, 1, "{}", said.err);
        assert!(said.out.ends_with(&expected), "{}", said.out);

        let other = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
        std::fs::write(&file, export.body.as_str().unwrap()).unwrap();
        let said = hms(&["--file", file.to_str().unwrap(), "--public-key", other], &[]).await;
        assert_eq!(said.code, 1, "{}", said.err);
        assert!(said.out.contains("the chain is broken: unknown_key at entry 3"), "{}", said.out);
        app.stop().await;
    }
}

#[tokio::test]
async fn what_cannot_be_checked_is_2_and_a_sentence() {
    let folder = hms_testkit::Folder::new();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("letter.txt"), "Dear auditor,\n").unwrap();
    let (letter, none) = (path("letter.txt"), format!("sqlite://{}", path("none.sqlite3")));
    let cases: [(&[&str], &str); 9] = [
        (&["--file", "/no/such/file"], "/no/such/file cannot be opened"),
        (&["--file", &letter], "this is no export of the audit"),
        (&["--database", &none], "there is no database"),
        (&["--database", "mysql://x"], "must begin with sqlite:// or postgres://"),
        (&["--database", "postgres://hms:s3cret@127.0.0.1:1/audit_db"], "cannot be checked"),
        (&["--database", &none, "--file", &letter], "cannot be used with"),
        (&["--file", &letter, "--public-key", "abc"], "no Ed25519 public key"),
        (&["--file", &letter, "--noted", "7"], "--noted"),
        (&["--everything"], "unexpected argument"),
    ];
    for (args, expected) in cases {
        let said = hms(args, &[]).await;
        assert_eq!(said.code, 2, "{args:?}: {}", said.err);
        assert!(said.err.contains(expected), "{args:?}: {}", said.err);
        assert!(!said.err.contains("s3cret"), "{}", said.err);
        assert_eq!(said.out, "", "{args:?}");
    }
    assert!(!folder.path().join("none.sqlite3").exists(), "a check makes nothing");
}
