//! Each device of a patient is a delivery of its own.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use hms_model::event::MessageSent;
use hms_testkit::{Backend, Folder, on_both_back_ends, until};
use p256::elliptic_curve::sec1::ToSec1Point as _;
use parking_lot::Mutex;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

use crate::common::{App, book, message, outgoing, reachable, wants};

/// A push service (RFC 8030) that answers as it is told, and notes what was asked for.
struct PushService {
    port: u16,
    status: Arc<AtomicU16>,
    asked: Arc<Mutex<Vec<String>>>,
    folder: Folder,
}

impl PushService {
    fn start(status: u16) -> Self {
        let folder = Folder::new();
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        std::fs::write(folder.path().join("chain.pem"), made.cert.pem()).unwrap();
        let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config =
            config.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let service = Self {
            port: listener.local_addr().unwrap().port(),
            status: Arc::new(AtomicU16::new(status)),
            asked: Arc::default(),
            folder,
        };
        let (config, status, asked) =
            (Arc::new(config), Arc::clone(&service.status), Arc::clone(&service.asked));
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                // Whoever hangs up has got no answer.
                let _cut_off = answer(socket, &config, &status, &asked);
            }
        });
        service
    }

    /// The subscription of a browser here, as the Push API gives it.
    fn browser(&self, path: &str) -> Value {
        let key = p256::SecretKey::from_slice(&[7; 32]).unwrap().public_key().to_sec1_point(false);
        json!({"web": {
            "endpoint": format!("https://127.0.0.1:{}/{path}", self.port),
            "keys": {"p256dh": URL_SAFE_NO_PAD.encode(key.as_bytes()), "auth": URL_SAFE_NO_PAD.encode([7; 16])},
        }})
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().clone()
    }
}

fn answer(
    socket: TcpStream,
    config: &Arc<ServerConfig>,
    status: &AtomicU16,
    asked: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let connection = ServerConnection::new(Arc::clone(config)).map_err(std::io::Error::other)?;
    let mut stream = BufReader::new(StreamOwned::new(connection, socket));
    let mut lines = Vec::new();
    while lines.last().is_none_or(|line: &String| !line.trim().is_empty()) {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Ok(());
        }
        lines.push(line.to_ascii_lowercase());
    }
    let length = lines.iter().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    stream.read_exact(&mut vec![0; length.unwrap_or(0)])?;
    asked.lock().push(lines[0].split(' ').nth(1).unwrap_or_default().to_owned());
    let status = status.load(Ordering::SeqCst);
    let stream = stream.get_mut();
    write!(stream, "HTTP/1.1 {status} As told\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")?;
    stream.conn.send_close_notify();
    stream.flush()
}

/// The service, whose push messages to browsers go to this one, and those to apps to files.
async fn app(backend: Backend, service: &PushService) -> App {
    let chain = service.folder.path().join("chain.pem").display().to_string();
    let settings = [
        ("WEB_PUSH_URL", "mailto:it@clinic.example"),
        ("HMS_OUTGOING_CA_FILE", chain.as_str()),
        ("HMS_PUSH_ALLOW_PRIVATE", "127.0.0.0/8"),
        ("HMS_WEBHOOK_ALLOW_PRIVATE", "127.0.0.0/8"),
    ];
    App::start_with(backend, &settings).await
}

/// Has the sender look, since the clock was moved: it sleeps by the time of the machine.
async fn look(app: &App) {
    let (ben, of_ben) = reachable(app).await;
    wants(&of_ben, ben, json!({"channels": {"appointment": ["push"]}})).await;
    of_ben.post("/api/v1/push-subscriptions", &json!({"fcm_token": format!("of-{ben}")})).await.expect(201);
    book(app, ben).await;
    message(&of_ben, "status=sent").await;
}

/// What was tried: the outcomes at each device.
fn outcomes(message: &Value, device: &str) -> Vec<String> {
    let attempts = message["attempts"].as_array().unwrap().iter();
    let own = attempts.filter(|attempt| attempt["push_subscription_id"] == device);
    own.map(|attempt| attempt["outcome"].as_str().unwrap().to_owned()).collect()
}

on_both_back_ends! {
    async fn a_device_that_cannot_be_reached_is_tried_again_while_the_other_has_it(backend) {
        let service = PushService::start(503);
        let app = app(backend, &service).await;
        let (ann, own) = reachable(&app).await;
        wants(&own, ann, json!({"channels": {"appointment": ["push"]}})).await;
        let browser = own.post("/api/v1/push-subscriptions", &service.browser("ann")).await.expect(201).text("id");
        let phone = own.post("/api/v1/push-subscriptions", &json!({"fcm_token": "phone"})).await.expect(201).text("id");
        book(&app, ann).await;
        let read = async || {
            let one = message(&own, "").await["id"].as_str().unwrap().to_owned();
            own.get(&format!("/api/v1/notifications/{one}")).await.expect(200).body.clone()
        };
        let first = until("the first attempt", 10, async || {
            let read = read().await;
            (!outcomes(&read, &browser).is_empty()).then_some(read)
        })
        .await;
        assert_eq!((outcomes(&first, &browser), outcomes(&first, &phone)), (vec!["later".into()], vec!["sent".into()]));
        assert_eq!((&first["status"], &first["sent_at"]), (&json!("pending"), &json!("2026-03-02T08:00:00Z")));
        assert!(app.published_of::<MessageSent>().await.is_empty(), "not before every device has it or never will");

        service.status.store(201, Ordering::SeqCst);
        app.clock.advance(TimeDelta::minutes(1));
        look(&app).await;
        let second = until("the second attempt", 10, async || {
            let read = read().await;
            (read["status"] == "sent").then_some(read)
        })
        .await;
        let browsers = vec!["later".to_owned(), "sent".into()];
        assert_eq!((outcomes(&second, &browser), outcomes(&second, &phone)), (browsers, vec!["sent".into()]));
        assert_eq!((&second["sent_at"], &second["error"]), (&first["sent_at"], &Value::Null));
        assert_eq!(service.asked(), ["/ann", "/ann"]);
        let to_phone = outgoing(&app, ".json").into_iter().filter(|notice| notice.contains("\"phone\"")).count();
        assert_eq!(to_phone, 1, "what has it is not told again");
        assert_eq!(app.published_of::<MessageSent>().await.iter().filter(|sent| json!(sent.0.notification_id) == second["id"]).count(), 1);
        app.stop().await;
    }

    async fn what_no_device_takes_has_failed_and_goes_to_all_when_it_is_sent_again(backend) {
        let service = PushService::start(400);
        let app = app(backend, &service).await;
        let (ann, own) = reachable(&app).await;
        wants(&own, ann, json!({"channels": {"appointment": ["push"]}})).await;
        for path in ["one", "two"] {
            own.post("/api/v1/push-subscriptions", &service.browser(path)).await.expect(201);
        }
        book(&app, ann).await;
        let failed = message(&own, "status=failed").await;
        assert_eq!((&failed["error"], &failed["sent_at"]), (&json!("the push service did not take it: 400"), &Value::Null));
        service.status.store(201, Ordering::SeqCst);
        let clerk = app.client(&[hms_model::role::Role::Receptionist]);
        clerk.post("/api/v1/notifications/resend", &json!({"id": failed["id"]})).await.expect(200);
        message(&own, "status=sent").await;
        let mut asked = service.asked();
        asked.sort();
        assert_eq!(asked, ["/one", "/one", "/two", "/two"]);
        app.stop().await;
    }
}
