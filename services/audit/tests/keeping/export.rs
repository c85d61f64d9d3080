//! The export: whole or in part, it can be checked by the public key alone, and it streams.

use futures_util::StreamExt as _;
use hms_audit::chain::Kind;
use hms_model::event::AuditRecorded;
use hms_model::role::Role;
use hms_testkit::on_both_back_ends;
use serde_json::Value;

use crate::common::{App, key, record, tamper, ten_entries, verify_file};

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn numbers(lines: &[Value]) -> Vec<i64> {
    let entries = lines.iter().filter(|line| line["type"] == "entry");
    entries.map(|line| line["seq"].as_i64().unwrap()).collect()
}

on_both_back_ends! {
    async fn the_whole_chain_is_checked_by_the_public_key_alone(backend) {
        let app = App::start(backend).await;
        let admin = app.client(&[Role::Admin]);
        ten_entries(&app).await;
        let answer = admin.get("/api/v1/audit/export").await;
        assert_eq!(answer.expect(200).header("content-type"), "application/x-ndjson");
        let text = answer.body.as_str().unwrap().to_owned();
        let lines = lines(&text);
        assert_eq!(numbers(&lines), (1..=10).collect::<Vec<_>>());
        let kinds: Vec<&str> = lines.iter().map(|line| line["type"].as_str().unwrap()).collect();
        assert_eq!((kinds[0], kinds[1], kinds[7], kinds[11], kinds[14]), ("start", "key", "checkpoint", "checkpoint", "end"));
        let shown = admin.get(&format!("/api/v1/audit/{}", lines[2]["entry"]["id"].as_str().unwrap())).await;
        assert_eq!(shown.expect(200).body, lines[2]["entry"]);
        assert_eq!(lines[3]["prev"], lines[2]["hash"]);

        let trusted = key(&admin).await;
        let report = verify_file(&text, Some(trusted.clone()));
        assert_eq!((report.finding, report.entries, report.checkpoints, report.uncovered), (None, 10, 2, 2));
        assert_eq!(verify_file(&text, None).finding, None, "by the key that it brings along");
        let changed = text.replacen("\"nurse\"", "\"admin\"", 6);
        assert_eq!(verify_file(&changed, Some(trusted.clone())).finding.unwrap().kind, Kind::Edit);
        let cut = &text[..text.len() / 2];
        assert_eq!(verify_file(cut, Some(trusted.clone())).finding.unwrap().kind, Kind::Truncation);
        let nonsense = text.replace("\"seq\":7", "\"seq\":");
        let finding = verify_file(&nonsense, Some(trusted)).finding.unwrap();
        assert_eq!((finding.kind, finding.seq), (Kind::Edit, 7));
        app.stop().await;
    }

    async fn a_span_of_time_is_a_part_of_the_chain_up_to_its_checkpoint(backend) {
        let app = App::start(backend).await;
        let admin = app.client(&[Role::Admin]);
        ten_entries(&app).await;
        // Entry 1 is of 08:00:01; 5 to 7 come a minute later, 8 to 10 another minute later.
        let cases: [(&str, &[i64], i64); 6] = [
            ("at__gte=2026-03-02T08:01:05Z&at__lt=2026-03-02T08:01:06Z", &[6, 7, 8], 0),
            ("at__lt=2026-03-02T08:00:02Z", &[1, 2, 3, 4, 5], 0),
            ("at__gte=2026-03-02T09:02:00%2B01:00", &[8, 9, 10], 2),
            ("at__gte=2026-03-02T08:02:08Z", &[9, 10], 2),
            ("at__gte=2027-01-01T00:00:00Z", &[], 0),
            ("at__lt=2026-01-01T00:00:00Z", &[], 0),
        ];
        let trusted = key(&admin).await;
        for (query, expected, uncovered) in cases {
            let answer = admin.get(&format!("/api/v1/audit/export?{query}")).await;
            let text = answer.expect(200).body.as_str().unwrap().to_owned();
            assert_eq!(numbers(&lines(&text)), expected, "{query}");
            let report = verify_file(&text, Some(trusted.clone()));
            assert_eq!((report.finding, report.whole, report.uncovered), (None, false, uncovered), "{query}");
            if uncovered == 0 && !expected.is_empty() {
                assert_eq!(report.checkpoints, 1, "{query}");
            }
        }
        app.stop().await;
    }

    async fn who_takes_the_audit_away_is_in_it(backend) {
        let app = App::start(backend).await;
        let admin = app.client(&[Role::Admin]);
        record(&app, 1).await;
        admin.get("/api/v1/audit/export?at__gte=2026-03-02T09:00:00%2B01:00").await.expect(200);
        let acts: Vec<AuditRecorded> = app.published_of().await;
        let AuditRecorded(act) = &acts[0];
        assert_eq!((act.resource.as_str(), act.action.to_string().as_str()), ("audit", "read"));
        assert_eq!(act.detail.as_deref(), Some("export, from 2026-03-02T08:00:00+00:00"));
        assert_eq!(act.actor.account_id, Some(app.account_id(&admin).await));
        app.stop().await;
    }

    async fn what_cannot_be_exported_is_refused(backend) {
        let app = App::start(backend).await;
        let admin = app.client(&[Role::Admin]);
        for query in ["at=2026-03-02T08:00:00Z", "at__gte=yesterday", "at__lt=2026-02-30T00:00:00Z", "page=2", "at__gte=2026-03-02T08:00:00Z&at__gte=2026-03-02T08:00:00Z"] {
            admin.get(&format!("/api/v1/audit/export?{query}")).await.expect_problem(400, "INVALID_REQUEST");
        }
        assert!(app.published_of::<AuditRecorded>().await.is_empty(), "nothing was shown");
        for role in [Role::Patient, Role::Service, Role::Device] {
            app.client(&[role]).get("/api/v1/audit/export").await.expect_problem(403, "FORBIDDEN");
        }
        app.anonymous().get("/api/v1/audit/export").await.expect_problem(401, "UNAUTHENTICATED");
        app.stop().await;
    }

    /// More than lies in buffers on the way: what comes last is read when the client has taken what comes first.
    async fn an_export_streams(backend) {
        let app = App::start(backend).await;
        let admin = app.client(&[Role::Admin]);
        record(&app, 400).await;
        let long = format!("UPDATE entries SET entry = '\"{}\"'", "x".repeat(64 * 1024));
        tamper(&app.database, &long).await;
        let url = format!("{}/api/v1/audit/export", app.base());
        let http = reqwest::Client::builder().tls_certs_only([]).no_proxy().build().unwrap();
        let answer = http.get(url).bearer_auth(admin.token().unwrap()).send().await.unwrap();
        let mut chunks = answer.error_for_status().unwrap().bytes_stream();
        let mut bytes = chunks.next().await.unwrap().unwrap().to_vec();
        assert!(bytes.starts_with(b"{\"type\":\"start\""));

        // It has begun to arrive; what is done to the last entry now is seen in what is still to come.
        tamper(&app.database, "UPDATE entries SET entry = '{\"too\":\"late\"}' WHERE seq = 400").await;
        while let Some(chunk) = chunks.next().await {
            bytes.extend(chunk.unwrap());
        }
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text.matches("\"type\":\"entry\"").count(), 400);
        assert!(text.contains("\"entry\":{\"too\":\"late\"}"), "the last entry was read before");
        assert!(text.lines().last().unwrap().starts_with("{\"type\":\"end\""));
        app.stop().await;
    }
}
