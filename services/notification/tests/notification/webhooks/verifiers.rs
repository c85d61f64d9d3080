//! Verifiers that nobody here wrote: standardwebhooks from PyPI and npm.

use std::path::Path;
use std::process::Stdio;

use hms_model::Clock;
use hms_testkit::on_both_back_ends;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use super::hook::{HOOKS, World};
use super::receiver::Received;

const SCRIPT: &str = "../../tests/webhooks/run.sh";

fn case(name: &str, received: &Received, secret: &str, accepted: bool) -> Value {
    let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let headers: serde_json::Map<_, _> =
        names.map(|name| (name.to_owned(), received.header(name).into())).into_iter().collect();
    json!({ "name": name, "secret": secret, "headers": headers, "payload": received.raw, "accepted": accepted })
}

on_both_back_ends! {
    async fn deliveries_are_accepted_and_refused_when_changed_late_or_anothers(backend) {
        let world = World::start(backend).await;
        let one = world.make(json!({ "events": ["patient.created"] })).await;
        let (id, secret) = (one.text("id"), one.text("secret"));
        // The clock of the service stands in the past: this one comes late.
        world.test_event(&id).await;
        world.app.clock.advance(Clock::system().now() - world.app.clock.now());
        world.test_event(&id).await;
        let rotate = format!("{HOOKS}/{id}/secret/rotate");
        let plain = json!({ "secret": "a plain secret of 24 bytes or more" });
        let turned = world.admin_now().await.post(&rotate, &plain).await;
        let new = turned.expect(200).text("secret");
        world.test_event(&id).await;
        let received = world.receiver.received();
        let (late, good, both) = (&received[0], &received[1], &received[2]);
        let mut cases = vec![
            case("late", late, &secret, false),
            case("good", good, &secret, true),
            case("another's", good, &new, false),
            case("two signatures, the old secret", both, &secret, true),
            case("two signatures, the new secret", both, &new, true),
        ];
        let mut changed = case("changed body", good, &secret, false);
        changed["payload"] = json!(good.raw.replace("webhook.test", "webhook.tost"));
        cases.push(changed);
        for header in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
            let mut changed = case(&format!("{header} of another"), good, &secret, false);
            changed["headers"][header] = json!(late.header(header));
            cases.push(changed);
        }
        let said = verify(&json!(cases)).await;
        assert!(said.contains("python: all is well") && said.contains("node: all is well"), "{said}");
        world.app.stop().await;
    }
}

/// What the verifiers say of these cases.
async fn verify(cases: &Value) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(SCRIPT);
    let mut command = tokio::process::Command::new(script);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = command.spawn().expect("bash, python3 and npm");
    let mut input = running.stdin.take().unwrap();
    input.write_all(&serde_json::to_vec(cases).unwrap()).await.unwrap();
    drop(input);
    let outcome = running.wait_with_output().await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&outcome.stdout) + &text(&outcome.stderr)
}
