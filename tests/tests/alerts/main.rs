//! Each alert of deploy/prometheus/rules.yml fires upon the fault that it is for: a real Prometheus with these rules, whose
//! times are made short, looks at a platform of processes on PostgreSQL and RabbitMQ to which all of it is done.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may fail by panic"
)]

mod faults;
mod rules;

use hms_tests::{Kind, PATIENCE, Platform, Processes, Prometheus, until, wanted};

use faults::{Certificate, Redis};

/// The broker of one service is away, from the beginning.
const NOBODY: &str = "amqp://guest:guest@127.0.0.1:9/%2f";

#[tokio::test]
async fn each_alert_fires_upon_its_fault() {
    if !wanted(Kind::Production) {
        return;
    }
    let redis = Redis::start().await;
    let platform = Platform::prepare(Kind::Production);
    let certificate = Certificate::new(platform.folder());
    certificate.put(90);
    let platform = configured(platform, &redis, &certificate);
    let mut processes = Processes::start(&platform, &[("user", "AMQP_URL", NOBODY)]).await;
    let short = platform.folder().join("rules.yml");
    std::fs::write(&short, rules::shortened()).unwrap();
    let prometheus = Prometheus::start(&platform, &short).await;
    let admin = platform.admin().await;

    // All is well, and nothing fires: not at once, and not after what the alerts wait for.
    prometheus.until_some("count_over_time(up{service=\"gateway\"}[1m]) > 5").await;
    assert_eq!(firing(&prometheus).await, Vec::<String>::new());

    faults::passwords_are_tried(&platform).await;
    faults::an_event_is_not_published(&admin).await;
    faults::an_event_is_poison(&platform).await;
    faults::a_job_does_not_reach_the_broker(&mut processes);
    faults::requests_hang(&processes, &admin).await;
    processes.kill("auth");
    drop(redis);
    certificate.put(5);
    processes.kill("appointment");
    let failing = tokio::spawn(faults::keep_asking(admin.client.clone(), "/api/v1/appointments"));
    faults::the_audit_is_changed(&platform, &mut processes).await;
    fires(&prometheus, "HmsAuditChainBroken").await;
    let locked = faults::the_audit_cannot_be_read(&platform, &mut processes).await;
    fires(&prometheus, "HmsAuditChainNotInspected").await;
    drop(locked);
    tokio::select! {
        () = faults::all_connections_are_in_use(&platform, &admin) => {}
        () = fires(&prometheus, "HmsDatabasePoolFull") => {}
    }
    fires(&prometheus, "HmsCertificateEnds").await;
    certificate.spoil();
    for alert in rules::alerts() {
        fires(&prometheus, &alert).await;
    }
    failing.abort();
}

fn configured(platform: Platform, redis: &Redis, certificate: &Certificate) -> Platform {
    let limits = platform.folder().join("limits.toml");
    let wide =
        |plan: &str| format!("[[limit]]\nplan = \"{plan}\"\nper_minute = 100000\nper_hour = 1000000\n");
    std::fs::write(&limits, wide("default") + &wide("anonymous")).unwrap();
    platform
        .with("HMS_RATE_LIMITS", "on")
        .with("HMS_LIMITS", limits.to_str().unwrap())
        .with("REDIS_URL", &redis.url())
        .with("HMS_TLS_CERT", certificate.chain.to_str().unwrap())
        .with("HMS_TLS_KEY", certificate.key.to_str().unwrap())
}

/// The alerts that fire now.
async fn firing(prometheus: &Prometheus) -> Vec<String> {
    let result =
        until("the alerts", PATIENCE, async || prometheus.result("ALERTS{alertstate=\"firing\"}").await)
            .await;
    result.iter().map(|alert| alert["metric"]["alertname"].as_str().unwrap().to_owned()).collect()
}

/// Waits until an alert fires, or has fired.
async fn fires(prometheus: &Prometheus, alert: &str) {
    let fired = format!("count_over_time(ALERTS{{alertname=\"{alert}\",alertstate=\"firing\"}}[10m])");
    prometheus.until_some(&fired).await;
}
