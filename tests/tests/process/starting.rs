//! Starting and stopping.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use hms_model::service::SERVICES;
use hms_tests::{ADMIN_PASSWORD, PATIENCE, Person, Platform, Trail, records, until};
use serde_json::{Value, json};

pub async fn the_password_is_in_a_file(mut platform: Platform) {
    platform.launch().await;
    let file = platform.data().join("admin-password");
    let said = platform.process().stdout();
    assert!(said.contains(&file.display().to_string()), "{said}");
    let password = fs::read_to_string(&file).unwrap();
    assert!(password.len() >= 20, "{password}");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!said.contains(&password) && !platform.process().stderr().contains(&password), "it was told");
    platform.sign_in("admin@hms.local", &password).await;

    platform.restart().await;
    assert_eq!(fs::read_to_string(&file).unwrap(), password, "it is made once");
    platform.sign_in("admin", &password).await;
}

/// Of a service, and of the gateway.
pub async fn a_taken_port_is_named(mut platform: Platform) {
    let gateway = platform.gateway_url().rsplit(':').next().unwrap().parse().unwrap();
    for port in [platform.port("appointment"), gateway] {
        let _taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let outcome = tokio::time::timeout(Duration::from_secs(PATIENCE), platform.run(&["up"])).await;
        let outcome = outcome.expect("an end at once");
        outcome.expect(1);
        assert!(outcome.stderr.contains(&format!("port {port}")), "{}", outcome.stderr);
        assert!(!outcome.stdout.contains("Ctrl-C"), "{}", outcome.stdout);
    }
    // It was in the way, and nothing else.
    platform.launch().await;
}

/// All that was there before is there after each way of stopping.
pub async fn everything_is_there_again(mut platform: Platform) {
    let mut ann = platform.register_patient().await;
    let admin = platform.admin().await;
    let practitioner = admin.make("/api/v1/practitioners", &records::practitioner("Mia", "Chen")).await;
    let booking = records::booking(ann.patient_id(), &practitioner, records::moment(7, 600));
    let appointment = ann.book(&booking).await.text("id");
    Trail(&admin).one("create", "appointment", &appointment).await;
    until("the mail", PATIENCE, async || {
        let list = admin.client.get("/api/v1/notifications?status=sent&channel=email").await;
        (list.expect(200)["count"] == 1).then_some(())
    })
    .await;
    let before = everything(&platform, &admin).await;
    for signal in ["TERM", "INT"] {
        platform.stop_by(signal).await;
        let said = until_started(&mut platform).await;
        assert!(!said.contains("admin-password"), "the password was set, and is in no file: {said}");
        // The token of before is still good: so are the keys it was signed with.
        assert_eq!(everything(&platform, &admin).await, before, "after SIG{signal}");
        ann.renew(&platform.gateway()).await;
        assert_eq!(ann.client.get("/api/v1/patients/me").await.expect(200).text("id"), ann.patient_id());
    }
    let again = platform.admin().await;
    let body = json!({"username": "admin", "password": ADMIN_PASSWORD});
    assert!(platform.gateway().post("/api/v1/auth/login", &body).await.is_success());
    let taken = again.client.post("/api/v1/appointments", &booking).await;
    taken.expect_problem(409, "SLOT_TAKEN");
}

async fn until_started(platform: &mut Platform) -> String {
    platform.launch().await;
    for service in SERVICES {
        platform.service(service.name).get("/health").await.expect(200);
    }
    platform.process().stdout()
}

/// What the lists show, and what of the audit no look at it adds to.
async fn everything(platform: &Platform, admin: &Person) -> Vec<Value> {
    let client = platform.gateway().with_token(admin.client.token().unwrap());
    let mut all = Vec::new();
    for list in [
        "patients",
        "practitioners",
        "appointments",
        "notifications",
        "accounts",
        "audit?action__in=create,update,delete",
    ] {
        all.push(client.get(&format!("/api/v1/{list}")).await.expect(200).body.clone());
    }
    all
}
