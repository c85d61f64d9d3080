//! The jobs that send: over RabbitMQ where there is PostgreSQL, without a broker otherwise.

use std::process::Stdio;
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use diesel::sql_types::{BigInt, Text};
use diesel::{QueryableByName, RunQueryDsl as _};
use hms_db::{Database, Db, PoolOptions};
use hms_model::Clock;
use hms_model::event::Envelope;
use hms_model::id::{Id, PatientId};
use hms_model::job::SendMessage;
use hms_model::role::Role;
use hms_testkit::broker::TestBroker;
use hms_testkit::database::wanted;
use hms_testkit::{Backend, Client, Folder, on_both_back_ends, until};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::sync::Semaphore;

use crate::common::{
    App, book, files, lasting, message, messages, outgoing, patient, reachable, tried, wants,
};
use crate::senders;

const MAIL: &str = "jobs.send_email";
const TEXT: &str = "jobs.send_sms";
const LETTERS: &str = "/api/v1/services/notification/dead-letters";

/// The service, and the broker where there is one.
pub struct World {
    pub app: App,
    broker: Option<TestBroker>,
}

impl World {
    pub async fn start(backend: Backend, settings: &[(&str, &str)]) -> Self {
        let broker = (backend == Backend::Postgres).then(TestBroker::new);
        Self::start_at(backend, broker, settings).await
    }

    async fn start_at(backend: Backend, broker: Option<TestBroker>, settings: &[(&str, &str)]) -> Self {
        let of_broker = broker.as_ref().map(TestBroker::settings);
        let of_broker = of_broker.iter().flatten().map(|(name, value)| (*name, value.as_str()));
        let all: Vec<_> = settings.iter().copied().chain(of_broker).collect();
        let app = App::start_with(backend, &all).await;
        let world = Self { app, broker };
        until("the queues", 60, async || world.waiting(MAIL).await.map(drop)).await;
        world
    }

    /// How many jobs wait in a queue, as the service tells it.
    async fn waiting(&self, queue: &str) -> Option<i64> {
        figure(&self.app, &format!("hms_jobs_waiting{{queue=\"{queue}\"}}")).await
    }

    /// Returns when a queue is empty.
    async fn is_empty(&self, queue: &str) {
        match &self.broker {
            Some(broker) => {
                until("an empty queue", 30, async || (broker.depth(queue).await == Some(0)).then_some(()))
                    .await;
            }
            None => until("an empty table", 30, async || (rows(&self.app).await == 0).then_some(())).await,
        }
    }

    /// Puts jobs of a message into its queue.
    async fn enqueue(&self, queue: &'static str, id: &Value, count: usize) {
        let job = SendMessage { notification_id: serde_json::from_value(id.clone()).unwrap() };
        let job = Envelope::of_job("notification", queue, &job, self.app.clock.now()).unwrap();
        let append = move |db: &mut Db| hms_bus::jobs::append(db, &vec![job; count]);
        self.app.database.write(append).await.unwrap();
    }

    pub async fn stop(self) {
        self.app.stop().await;
    }
}

async fn figure(app: &App, name: &str) -> Option<i64> {
    let text = app.anonymous().get("/metrics").await.expect(200).body.as_str().unwrap().to_owned();
    text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

async fn rows(app: &App) -> i64 {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let query = "SELECT count(*) AS count FROM job_outbox";
    let read = move |db: &mut Db| Ok::<Count, hms_db::Error>(diesel::sql_query(query).get_result(db)?);
    app.database.read(read).await.unwrap().count
}

/// A provider of text messages that answers when it may.
struct Provider {
    setting: String,
    asked: Arc<Semaphore>,
    may_answer: Arc<Semaphore>,
}

impl Provider {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let setting =
            format!("twilio+http://AC1:token@{}?from=%2B14155550100", listener.local_addr().unwrap());
        let [asked, may_answer] = [(); 2].map(|()| Arc::new(Semaphore::new(0)));
        let provider = Self { setting, asked: Arc::clone(&asked), may_answer: Arc::clone(&may_answer) };
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (asked, may_answer) = (Arc::clone(&asked), Arc::clone(&may_answer));
                tokio::spawn(async move {
                    read_request(&mut stream).await;
                    asked.add_permits(1);
                    may_answer.acquire().await.unwrap().forget();
                    let answer = b"HTTP/1.1 201 Created\r\ncontent-length: 13\r\nconnection: close\r\n\r\n{\"sid\":\"SM1\"}";
                    let _ = stream.write_all(answer).await;
                });
            }
        });
        provider
    }

    /// Returns when a message has come.
    async fn is_asked(&self) {
        self.asked.acquire().await.unwrap().forget();
    }
}

/// As much as shows that the body has come.
async fn read_request(stream: &mut TcpStream) {
    let mut request = Vec::new();
    while !String::from_utf8_lossy(&request).contains("Body=") {
        let count = stream.read_buf(&mut request).await.unwrap_or(0);
        if count == 0 {
            return;
        }
    }
}

async fn by_text_alone(app: &App) -> (PatientId, Client) {
    let (ann, own) = reachable(app).await;
    wants(&own, ann, json!({"channels": {"appointment": ["sms"]}})).await;
    (ann, own)
}

on_both_back_ends! {
    async fn a_job_is_in_its_queue_after_the_commit_and_gone_after_the_sending(backend) {
        let provider = Provider::start().await;
        let world = World::start(backend, &[("SMS_URL", &provider.setting)]).await;
        let (ann, own) = by_text_alone(&world.app).await;
        if let Some(broker) = &world.broker {
            let mut queue = broker.intercept(TEXT).await;
            book(&world.app, ann).await;
            let job: Envelope = serde_json::from_slice(&queue.next().await).unwrap();
            let waiting = message(&own, "status=pending").await;
            assert_eq!((job.kind.as_str(), &job.data), (TEXT, &json!({"notification_id": waiting["id"]})));
            assert_eq!(rows(&world.app).await, 0);
        } else {
            book(&world.app, ann).await;
        }
        provider.is_asked().await;
        if backend == Backend::Sqlite {
            assert_eq!(rows(&world.app).await, 1, "it stays until it is done");
        }
        message(&own, "status=pending").await;
        provider.may_answer.add_permits(1);
        message(&own, "status=sent").await;
        world.is_empty(TEXT).await;
        world.stop().await;
    }

    async fn a_repeated_job_sends_once(backend) {
        let world = World::start(backend, &[]).await;
        let ann = patient(&world.app, "ann@example.org").await;
        let clerk = world.app.client(&[Role::Receptionist]);
        book(&world.app, ann).await;
        let sent = message(&clerk, "status=sent").await;
        world.enqueue(MAIL, &sent["id"], 20).await;
        let done = format!("hms_jobs_done_total{{queue=\"{MAIL}\"}}");
        until("all of them", 30, async || (figure(&world.app, &done).await == Some(21)).then_some(())).await;
        assert_eq!(outgoing(&world.app, ".eml").len(), 1);
        let one = clerk.get(&format!("/api/v1/notifications/{}", sent["id"].as_str().unwrap())).await;
        assert_eq!(one.expect(200)["attempts"].as_array().unwrap().len(), 1);
        world.stop().await;
    }

    async fn what_used_its_attempts_up_is_a_dead_letter_that_can_be_sent_again(backend) {
        let world = World::start(backend, &[("HMS_REMINDERS", "off")]).await;
        let app = &world.app;
        let (clerk, admin) = (app.client(&[Role::Receptionist]), app.client(&[Role::Admin]));
        let folder = app.folder.path().join("outgoing");
        std::fs::write(&folder, "in the way").unwrap();
        let (ann, ben) = (patient(app, "ann@example.org").await, patient(app, "ben@example.org").await);
        for who in [ann, ben] {
            book(app, who).await;
        }
        for attempt in 1..=5 {
            for who in [ann, ben] {
                tried(&clerk, &message(&clerk, &format!("patient_id={who}")).await, attempt).await;
            }
            app.clock.advance(TimeDelta::minutes(73));
            // Somebody else's message makes the service look at what is due.
            let other = patient(app, "no address").await;
            book(app, other).await;
        }
        let failed = messages(&clerk, &format!("status=failed&patient_id={ann}"), 1).await.remove(0);
        let letters = until("the letters", 30, async || {
            let letters = admin.get(LETTERS).await.expect(200).results().to_vec();
            (letters.len() == 2).then_some(letters)
        })
        .await;
        let letter = letters.iter().find(|letter| letter["subject"] == failed["id"]).unwrap();
        assert_eq!((&letter["kind"], &letter["reason"], &letter["attempts"]), (&json!(MAIL), &failed["error"], &json!(5)));
        assert!(failed["error"].as_str().unwrap().starts_with("the folder cannot be written: "), "{failed}");

        // The way is free: one is sent again by its letter, the other one by its message.
        std::fs::remove_file(&folder).unwrap();
        let path = format!("{LETTERS}/{}/redrive", letter["event_id"].as_str().unwrap());
        admin.post(&path, &()).await.expect(204);
        message(&clerk, &format!("status=sent&patient_id={ann}")).await;
        let other = message(&clerk, &format!("status=failed&patient_id={ben}")).await;
        clerk.post("/api/v1/notifications/resend", &json!({"id": other["id"]})).await.expect(200);
        message(&clerk, &format!("status=sent&patient_id={ben}")).await;
        assert!(admin.get(LETTERS).await.expect(200).results().is_empty());
        admin.post(&path, &()).await.expect_problem(404, "NOT_FOUND");
        assert_eq!(files(&folder).len(), 2);
        world.stop().await;
    }

    async fn what_a_killed_replica_had_in_hand_is_sent_by_another(backend) {
        let (database, folder) = (senders::database(backend).await, Folder::new());
        let broker = (backend == Backend::Postgres).then(TestBroker::new);
        let settings: Vec<_> = broker.iter().flat_map(TestBroker::settings).collect();
        let own = Database::new(database.url.clone(), PoolOptions::default());
        let row = waiting_row(Clock::system().now(), "1970-01-01T00:00:00.000000Z");
        own.write(move |db| Ok::<_, hms_db::Error>(diesel::sql_query(row).execute(db)?)).await.unwrap();

        // A server for mail that takes a connection and says nothing.
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut replica = Command::new(env!("CARGO_BIN_EXE_hms-notification"))
            .env("DATABASE_URL", database.url.expose())
            .env("HMS_DATA_DIR", folder.path())
            .env("HMS_PORT_OFFSET", (i32::from(port) - 8003).to_string())
            .env("SMTP_URL", format!("smtp://{}", silent.local_addr().unwrap()))
            .envs(settings.clone())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let _in_hand = silent.accept().await.unwrap();
        replica.start_kill().unwrap();
        replica.wait().await.unwrap();
        assert_eq!(state(&own).await, ("pending".to_owned(), 1));

        // For another one, the lease of the one that is gone is over.
        let clock = Clock::by_hand(Clock::system().now() + TimeDelta::minutes(2));
        let other = senders::replica_with(&database, &folder, &clock, settings).await;
        let sent = ("sent".to_owned(), 2);
        until("the other one to send it", 60, async || (state(&own).await == sent).then_some(())).await;
        assert_eq!(files(&folder.path().join("outgoing")).len(), 1);
        other.stop().await;
    }

    async fn a_job_that_was_lost_is_made_anew(backend) {
        let world = World::start(backend, &[]).await;
        let app = &world.app;
        let ann = patient(app, "ann@example.org").await;
        let clerk = lasting(app, Role::Receptionist, None);
        // As if it had a job, which is nowhere.
        let lost = app.clock.now() + TimeDelta::minutes(5);
        let row = waiting_row(app.clock.now(), &lost.to_rfc3339_opts(SecondsFormat::Micros, true));
        app.database.write(move |db| Ok::<_, hms_db::Error>(diesel::sql_query(row).execute(db)?)).await.unwrap();
        app.clock.advance(TimeDelta::minutes(4));
        book(app, ann).await;
        message(&clerk, "status=sent&kind=appointment.confirmation").await;
        message(&clerk, "status=pending&kind=appointment.cancelled").await;
        until("the queue to be known as empty", 30, async || (world.waiting(MAIL).await == Some(0)).then_some(())).await;
        until("a look at it", 30, async || {
            // Long enough for one more look, should the queue just not have been empty at the first.
            app.clock.advance(TimeDelta::minutes(5));
            book(app, ann).await;
            (messages_of(&clerk, "status=sent&kind=appointment.cancelled").await == 1).then_some(())
        })
        .await;
        world.stop().await;
    }
}

#[tokio::test]
async fn what_is_being_sent_when_the_broker_goes_is_sent_once() {
    if !wanted(Backend::Postgres) {
        return;
    }
    let (provider, broker) = (Provider::start().await, TestBroker::new());
    broker.lay_line().await;
    let line = Arc::clone(&broker.line);
    let settings = [("SMS_URL", provider.setting.as_str())];
    let world = World::start_at(Backend::Postgres, Some(broker), &settings).await;
    let (ann, own) = by_text_alone(&world.app).await;
    book(&world.app, ann).await;
    provider.is_asked().await;
    line.cut();
    let done = format!("hms_jobs_done_total{{queue=\"{TEXT}\"}}");
    let again = async || (figure(&world.app, &done).await == Some(1)).then_some(());
    until("the job to come again and find that it is under way", 30, again).await;
    message(&own, "status=pending").await;
    provider.may_answer.add_permits(1);
    let sent = message(&own, "status=sent").await;
    let one = own.get(&format!("/api/v1/notifications/{}", sent["id"].as_str().unwrap())).await;
    assert_eq!(one.expect(200)["attempts"].as_array().unwrap().len(), 1);
    assert_eq!(provider.asked.available_permits(), 0, "it was asked once more");
    world.is_empty(TEXT).await;
    world.stop().await;
}

#[tokio::test]
async fn figures_of_jobs_are_true_or_not_there_while_the_broker_is_away() {
    if !wanted(Backend::Postgres) {
        return;
    }
    let broker = TestBroker::new();
    broker.lay_line().await;
    let line = Arc::clone(&broker.line);
    let world = World::start_at(Backend::Postgres, Some(broker), &[]).await;
    let oldest =
        async || figure(&world.app, &format!("hms_jobs_oldest_age_seconds{{queue=\"{MAIL}\"}}")).await;
    assert_eq!((world.waiting(MAIL).await, oldest().await), (Some(0), Some(0)));
    let ann = patient(&world.app, "ann@example.org").await;
    line.close();
    until("the outage to be noticed", 60, async || world.waiting(MAIL).await.is_none().then_some(())).await;
    book(&world.app, ann).await;
    assert_eq!(rows(&world.app).await, 1);
    assert_eq!((world.waiting(MAIL).await, oldest().await), (None, Some(0)));
    world.app.clock.advance(TimeDelta::minutes(11));
    assert_eq!((world.waiting(MAIL).await, oldest().await), (None, Some(660)), "what waits here has an age");
    line.open();
    until("the job to be done", 60, async || {
        (world.waiting(MAIL).await == Some(0) && oldest().await == Some(0)).then_some(())
    })
    .await;
    world.stop().await;
}

async fn messages_of(client: &Client, query: &str) -> usize {
    client.get(&format!("/api/v1/notifications?page_size=100&{query}")).await.expect(200).results().len()
}

/// A mail that waits, with the time when it is to be given a job.
fn waiting_row(now: DateTime<Utc>, job_at: &str) -> String {
    let ids: [Id<()>; 3] = std::array::from_fn(|_| Id::new(now));
    let tomorrow = now + TimeDelta::days(1);
    let facts = json!({"practitioner_name": "Dr. Mia Chen", "start": tomorrow, "end": tomorrow});
    let at = now.to_rfc3339_opts(SecondsFormat::Micros, true);
    format!(
        "INSERT INTO messages (id, version, event_id, kind, channel, status, patient_id, facts, subject, recipient, body, \
         attempts, due_at, created_at, occasion, lane, job_at) VALUES ('{}', 1, '{}', 'appointment.cancelled', 'email', \
         'pending', '{}', '{facts}', 'Cancelled', 'ann@example.org', 'Dear Ann', 0, '{at}', '{at}', '', 1, '{job_at}')",
        ids[0], ids[1], ids[2]
    )
}

/// What has become of the only message, and after how many attempts.
async fn state(database: &Database) -> (String, i64) {
    #[derive(QueryableByName)]
    struct State {
        #[diesel(sql_type = Text)]
        status: String,
        #[diesel(sql_type = BigInt)]
        attempts: i64,
    }
    let query = "SELECT status, attempts FROM messages";
    let read = move |db: &mut Db| Ok::<State, hms_db::Error>(diesel::sql_query(query).get_result(db)?);
    let State { status, attempts } = database.read(read).await.unwrap();
    (status, attempts)
}
