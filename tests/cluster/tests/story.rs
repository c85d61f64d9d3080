//! The whole story on a cluster whose network is as the policies have it, and a rolling update of everything under load.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::print_stdout,
    reason = "a test may fail by panic"
)]

// The stories of the front desk, as they are told to a platform of one process.
#[path = "../../tests/main_job/booking.rs"]
mod booking;
#[path = "../../tests/main_job/directory.rs"]
mod directory;
mod load;
#[path = "../../tests/main_job/sign_in.rs"]
mod sign_in;
#[path = "../../tests/main_job/traces.rs"]
mod traces;

use std::collections::BTreeSet;

use hms_cluster::node::{from_within, on_a_node};
use hms_cluster::{Cluster, OUTSIDE, next};
use hms_model::service::SERVICES;
use hms_settings::Settings;
use hms_tests::{ADMIN_EMAIL, ADMIN_PASSWORD, Client, Kind, Platform, wanted};
use serde_json::json;

use crate::load::Load;

/// How long a pod serves on in the short form; the long form leaves what the manifests say.
const SHORT_DRAIN: &str = "2";

mod the_platform_behind_its_policies {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn production() {
        if wanted(Kind::Production) && on_a_node("the_platform_behind_its_policies::production") {
            everything().await;
        }
    }
}

async fn everything() {
    let long = Settings::from_environment().get("HMS_CLUSTER_LONG").is_some();
    let settings: &[_] = if long { &[] } else { &[("HMS_DRAIN_SECONDS", SHORT_DRAIN)] };
    let mut cluster = Cluster::start(2, settings).await;
    connections_are_those_that_policies_let_through(&cluster);
    the_story(&cluster).await;
    // It takes some minutes of a machine for itself.
    if long {
        a_rolling_update_loses_nothing(&mut cluster).await;
    }
    without_its_policies_a_service_is_cut_off(&mut cluster).await;
}

fn connections_are_those_that_policies_let_through(cluster: &Cluster) {
    let found: BTreeSet<String> = cluster.reaches().into_iter().collect();
    let mut wanted = BTreeSet::from(["outside -> hms-gateway".to_owned()]);
    for service in SERVICES {
        let name = format!("hms-{}", service.name);
        wanted.extend(["postgresql", "rabbitmq"].map(|server| format!("{name} -> {server}")));
        wanted.insert(format!("hms-gateway -> {name}"));
        // The gateway is open to all, but nobody here is let out to it.
        if service.name != "auth" {
            wanted.insert(format!("{name} -> hms-auth"));
        }
    }
    assert_eq!(found, wanted);
}

async fn the_story(cluster: &Cluster) {
    let (url, mails) = (cluster.url(), cluster.mails());
    let told = from_within(OUTSIDE, async move || {
        let platform = Platform::elsewhere(url, mails);
        sign_in::tokens_are_given_renewed_and_ended(&platform).await;
        let admin = platform.admin().await;
        directory::a_patient_registers_themselves(&platform, &admin).await;
        directory::staff_keep_patients(&admin).await;
        directory::staff_keep_practitioners(&admin).await;
        directory::staff_keep_departments(&admin).await;
        let day = booking::a_day_at_the_desk(&platform, &admin).await;
        traces::the_mail_is_sent_and_shown(&platform, &admin, &day).await;
        traces::the_audit_shows_who_did_what(&platform, &admin, &day).await;
    });
    tokio::task::spawn_blocking(move || told.join().expect("the story")).await.unwrap();
}

/// Each service in turn: its tables become those of a next version, then its processes are replaced.
async fn a_rolling_update_loses_nothing(cluster: &mut Cluster) {
    let databases = cluster.databases();
    cluster.drain(&databases).await;
    let before = databases.facts().await;
    let load = Load::start(cluster.url(), cluster.folder.join("history.jsonl")).await;
    for workload in cluster.workloads() {
        let service = workload.strip_prefix("hms-").unwrap();
        if service != "gateway" {
            load.round(&format!("{service}: the next tables"));
            next::migrate(service, cluster.database(service)).await;
        }
        load.round(&format!("{service}: rolling restart"));
        cluster.roll_out(&workload).await;
    }
    let (history, reads) = load.stop().await;
    cluster.drain(&databases).await;
    let report = load::report(&history, &reads, &databases.facts().await.since(&before));
    println!("{report}");
    let left = (databases.waiting().await, databases.dead_letters().await);
    assert_eq!(left, (0, 0), "events that wait, and dead letters");
    assert!(report.is_good(), "something is lost or doubled: see above");
    assert!(history.unclear.is_empty(), "writes that were not answered: {:?}", history.unclear);
    assert_eq!(reads.failed, [""; 0], "reads that were not answered");
    assert_eq!(databases.broken_chain().await, None);
}

/// What lets the gateway to the user service is taken away: patients cannot be had any more, all else can.
async fn without_its_policies_a_service_is_cut_off(cluster: &mut Cluster) {
    let policy = cluster.policies.iter_mut().find(|policy| policy["metadata"]["name"] == "hms-user").unwrap();
    let let_in = policy["spec"]["ingress"][0]["from"].take();
    policy["spec"]["ingress"] = json!([]);
    // Who is connected stays so, as in any cluster; new pods have no connections.
    cluster.replace("hms-user").await;
    let url = cluster.url();
    let answers = from_within(OUTSIDE, async move || {
        let gateway = Client::new(url, None);
        let body = json!({"username": ADMIN_EMAIL, "password": ADMIN_PASSWORD});
        let signed_in = gateway.post("/api/v1/auth/login", &body).await;
        let admin = gateway.with_token(signed_in.expect(200).text("access"));
        (admin.get("/api/v1/patients").await.status, admin.get("/api/v1/appointments").await.status)
    });
    let (patients, appointments) =
        tokio::task::spawn_blocking(move || answers.join().unwrap()).await.unwrap();
    assert!([502, 503].contains(&patients), "{patients} although {let_in} is not let in");
    assert_eq!(appointments, 200);
}
