//! Jobs: from the commit that asks for one to its end, on both transports by one text.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    dead_code,
    reason = "a test may fail by panic, and needs only some of what is common"
)]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;
use common::effects::{await_count, note};
use common::{Node, SECONDS, World, change, department};
use hms_bus::{ConsumeError, Consumer, GivenUp, Redriven, jobs};
use hms_db::Backend;
use hms_model::Clock;
use hms_model::event::{DepartmentUpdated, Envelope};
use hms_model::id::Id;
use hms_model::job::{Job, SendMessage};
use hms_testkit::until;
use parking_lot::Mutex;
use tokio::sync::Semaphore;

const MAIL: &str = "jobs.send_email";
const URGENT: &str = "jobs.send_email.urgent";
const TEXT: &str = "jobs.send_sms";

/// What was done, how often.
type Done = Arc<Mutex<BTreeMap<String, usize>>>;

fn job() -> SendMessage {
    SendMessage { notification_id: Id::new(Clock::system().now()) }
}

/// Does jobs as far as `gate` lets it, and writes them down.
fn worker(queue: &'static str, gate: &Arc<Semaphore>, done: &Done) -> Consumer {
    doing(Consumer::new("notification"), queue, gate, done)
}

fn doing(consumer: Consumer, queue: &'static str, gate: &Arc<Semaphore>, done: &Done) -> Consumer {
    let (gate, done) = (Arc::clone(gate), Arc::clone(done));
    let run = move |jobs: Vec<SendMessage>| {
        let (gate, done) = (Arc::clone(&gate), Arc::clone(&done));
        async move {
            for job in jobs {
                gate.acquire().await.unwrap().forget();
                *done.lock().entry(job.id().to_string()).or_default() += 1;
            }
            Ok(Vec::new())
        }
    };
    consumer.jobs((queue, 4), run, |_, _: SendMessage| Ok(()))
}

fn open() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(Semaphore::MAX_PERMITS))
}

/// Commits jobs together, as a unit of work does.
async fn enqueue(node: &Node, queue: &str, jobs: &[SendMessage]) {
    let now = Clock::system().now();
    let jobs: Vec<_> =
        jobs.iter().map(|job| Envelope::of_job("notification", queue, job, now).unwrap()).collect();
    node.database.write(move |db| jobs::append(db, &jobs)).await.unwrap();
    node.bus.relay().wake();
}

async fn all_done(done: &Done, count: usize) {
    until(&format!("{count} jobs"), SECONDS, async || (done.lock().len() == count).then_some(())).await;
}

async fn waiting(node: &Node, queue: &str, count: i64) {
    until(&format!("{count} waiting jobs"), SECONDS, async || {
        (node.waiting.in_queue(queue) == Some(count)).then_some(())
    })
    .await;
}

hms_testkit::on_both_back_ends! {
    async fn a_job_waits_in_its_queue_until_it_is_done(backend) {
        let world = World::new(backend, &["notification"]);
        let (gate, done) = (Arc::new(Semaphore::new(0)), Done::default());
        let node = world.start("notification", worker(MAIL, &gate, &done)).await;
        let jobs: Vec<_> = (0..10).map(|_| job()).collect();
        enqueue(&node, MAIL, &jobs).await;
        // Over RabbitMQ, four are in the hands of the one who does them, and in process the row stays until it is done.
        let left = if world.broker.is_some() { 6 } else { 10 };
        waiting(&node, MAIL, left).await;
        if let Some(broker) = &world.broker {
            assert_eq!(broker.depth(MAIL).await, Some(6));
        }
        assert!(done.lock().is_empty());
        gate.add_permits(10);
        all_done(&done, 10).await;
        waiting(&node, MAIL, 0).await;
        assert!(done.lock().values().all(|times| *times == 1));
        until("all to be counted", SECONDS, async || {
            node.bus.jobs().get(MAIL).filter(|numbers| numbers.done == 10).copied()
        })
        .await;
        node.bus.stop().await;
    }

    async fn it_is_known_since_when_a_job_waits(backend) {
        let world = World::new(backend, &["notification"]);
        let (gate, done) = (Arc::new(Semaphore::new(0)), Done::default());
        let node = world.start("notification", worker(MAIL, &gate, &done)).await;
        waiting(&node, MAIL, 0).await;
        assert_eq!(node.waiting.since(MAIL), None);
        let begun = Clock::system().now();
        // More than are in hand at once.
        enqueue(&node, MAIL, &[(); 6].map(|()| job())).await;
        let written = Clock::system().now();
        let since = until("some to wait", SECONDS, async || node.waiting.since(MAIL)).await;
        // In the broker it is told by when the queue was empty, which was measured before.
        let earliest = if world.broker.is_some() { begun - TimeDelta::seconds(2) } else { begun };
        assert!((earliest..=written).contains(&since), "{earliest} {since} {written}");
        gate.add_permits(6);
        all_done(&done, 6).await;
        waiting(&node, MAIL, 0).await;
        assert_eq!(node.waiting.since(MAIL), None);
        node.bus.stop().await;
    }

    async fn what_is_rolled_back_or_belongs_elsewhere_is_no_job(backend) {
        let world = World::new(backend, &["notification"]);
        let done = Done::default();
        let node = world.start("notification", worker(MAIL, &open(), &done)).await;
        let now = Clock::system().now();
        let good = Envelope::of_job("notification", MAIL, &job(), now).unwrap();
        let cases = [
            Envelope { kind: "jobs.send_fax".into(), ..good.clone() },
            Envelope { source: "hms/audit".into(), ..good.clone() },
        ];
        for bad in cases {
            let both = [good.clone(), bad];
            node.database.write(move |db| jobs::append(db, &both)).await.unwrap_err();
        }
        let undone = good.clone();
        let rolled_back = node.database.write(move |db| {
            jobs::append(db, &[undone])?;
            Err::<(), _>(jobs::append(db, &[Envelope { kind: "jobs.send_fax".into(), ..good }]).unwrap_err())
        });
        rolled_back.await.unwrap_err();
        enqueue(&node, MAIL, &[job()]).await;
        all_done(&done, 1).await;
        waiting(&node, MAIL, 0).await;
        assert_eq!(done.lock().len(), 1);
        node.bus.stop().await;
    }

    async fn an_urgent_job_and_an_event_do_not_wait_behind_many_others(backend) {
        let world = World::new(backend, &["notification", "user"]);
        let (shut, done, urgent) = (Arc::new(Semaphore::new(0)), Done::default(), Done::default());
        let consumer = doing(worker(MAIL, &shut, &done), URGENT, &open(), &urgent);
        let consumer = consumer.on(|delivery, _: DepartmentUpdated| note(delivery));
        let node = world.start("notification", consumer).await;
        let user = world.start("user", Consumer::new("user")).await;
        let jobs: Vec<_> = (0..2_000).map(|_| job()).collect();
        enqueue(&node, MAIL, &jobs).await;
        enqueue(&node, URGENT, &[job()]).await;
        user.publish(&[change(department(), 1)]).await;
        all_done(&urgent, 1).await;
        await_count(&node.database, 1).await;
        assert!(done.lock().is_empty());
        shut.add_permits(Semaphore::MAX_PERMITS / 2);
        all_done(&done, 2_000).await;
        node.bus.stop().await;
        user.bus.stop().await;
    }

    async fn what_cannot_be_done_is_a_dead_letter_and_hurts_no_other(backend) {
        let world = World::new(backend, &["notification"]);
        let [failing, refused, panicking, given_up] = [(); 4].map(|()| job());
        let done = Done::default();
        let noted = Arc::clone(&done);
        let run = move |jobs: Vec<SendMessage>| {
            let noted = Arc::clone(&noted);
            async move {
                let mut dead = Vec::new();
                for job in jobs {
                    match job {
                        job if job == failing => return Err(ConsumeError::retry("the line is busy")),
                        job if job == refused => return Err(ConsumeError::Reject("no such number".into())),
                        job if job == panicking => panic!("a fault in the job"),
                        job if job == given_up => {
                            dead.push(GivenUp { id: job.id(), reason: "nobody answers".into(), attempts: 7 });
                        }
                        job => *noted.lock().entry(job.id().to_string()).or_default() += 1,
                    }
                }
                Ok(dead)
            }
        };
        let again = Done::default();
        let redriven = Arc::clone(&again);
        let consumer = Consumer::new("notification").jobs((TEXT, 4), run, move |delivery, job: SendMessage| {
            if job == refused {
                return Err(ConsumeError::Reject("still no such number".into()));
            }
            *redriven.lock().entry(job.id().to_string()).or_default() += 1;
            delivery.enqueue(TEXT, &SendMessage { notification_id: Id::new(delivery.now) })
        });
        let node = world.start("notification", consumer).await;
        let healthy: Vec<_> = (0..6).map(|_| job()).collect();
        enqueue(&node, TEXT, &[failing, refused, panicking, given_up]).await;
        enqueue(&node, TEXT, &healthy).await;
        let letters = node.letters(4).await;
        all_done(&done, 6).await;
        let found = |job: SendMessage| {
            let letter = letters.iter().find(|letter| letter.heading.event_id == job.id()).unwrap();
            assert_eq!(letter.heading.kind, TEXT);
            (letter.heading.reason.as_str(), letter.heading.attempts)
        };
        assert_eq!(found(failing), ("the event could not be taken: the line is busy", 5));
        assert_eq!(found(refused), ("no such number", 1));
        assert_eq!(found(panicking), ("the event could not be taken: the job panicked", 5));
        assert_eq!(found(given_up), ("nobody answers", 7));

        assert!(matches!(node.redrive(given_up.id()).await.unwrap(), Redriven::Taken(_)));
        assert!(matches!(node.redrive(refused.id()).await.unwrap(), Redriven::Refused(_)));
        assert_eq!(again.lock().len(), 1);
        node.bus.relay().wake();
        all_done(&done, 7).await;
        let left = node.all_letters().await;
        assert_eq!(left.len(), 3);
        assert!(left.iter().any(|letter| letter.heading.reason == "still no such number"));
        node.bus.stop().await;
    }

    async fn a_message_that_is_no_job_is_kept_as_a_dead_letter(backend) {
        let world = World::new(backend, &["notification"]);
        let done = Done::default();
        let node = world.start("notification", worker(MAIL, &open(), &done)).await;
        let now = Clock::system().now();
        let mut odd = Envelope::of_job("notification", MAIL, &job(), now).unwrap();
        odd.data = serde_json::json!({"notification_id": "nobody"});
        let id = odd.id;
        node.database.write(move |db| jobs::append(db, &[odd])).await.unwrap();
        node.bus.relay().wake();
        let letter = node.letters(1).await.remove(0);
        assert_eq!(letter.heading.event_id, id);
        assert!(letter.heading.reason.starts_with("the payload does not fit"), "{}", letter.heading.reason);
        node.bus.stop().await;
    }
}

/// A world with RabbitMQ, unless the tests run without the servers.
fn over_rabbitmq() -> Option<World> {
    hms_testkit::database::wanted(Backend::Postgres).then(|| World::over_rabbitmq(Backend::Postgres))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_share_the_jobs_and_one_that_ends_leaves_its_own_to_the_others() {
    let Some(world) = over_rabbitmq() else { return };
    let ([first, second], gate) = ([(); 2].map(|()| Done::default()), Arc::new(Semaphore::new(4)));
    let one = world.start("notification", worker(MAIL, &gate, &first)).await;
    let other = world.start_on("notification", one.database.clone(), worker(MAIL, &gate, &second)).await;
    let jobs: Vec<_> = (0..40).map(|_| job()).collect();
    enqueue(&one, MAIL, &jobs).await;
    until("both at work", SECONDS, async || {
        let count = first.lock().len() + second.lock().len();
        gate.add_permits(1);
        (count >= 8 && !first.lock().is_empty() && !second.lock().is_empty()).then_some(())
    })
    .await;
    // It goes without a word: what it had in hand is not acknowledged.
    let _database = one.kill();
    gate.add_permits(1_000);
    until("all of them", SECONDS, async || {
        let mut all = first.lock().clone();
        all.append(&mut second.lock().clone());
        (all.len() == 40).then_some(())
    })
    .await;
    other.bus.stop().await;
}

#[tokio::test]
async fn a_job_that_is_committed_while_the_broker_is_away_is_done_when_it_is_back() {
    let Some(world) = over_rabbitmq() else { return };
    world.broker().lay_line().await;
    let done = Done::default();
    let node = world.start("notification", worker(MAIL, &open(), &done)).await;
    waiting(&node, MAIL, 0).await;
    world.broker().line.close();
    until("the outage to be noticed", SECONDS, async || node.waiting.in_queue(MAIL).is_none().then_some(()))
        .await;
    enqueue(&node, MAIL, &[job(), job()]).await;
    assert!(done.lock().is_empty());
    world.broker().line.open();
    all_done(&done, 2).await;
    waiting(&node, MAIL, 0).await;
    node.bus.stop().await;
}

#[tokio::test]
async fn a_job_in_hand_comes_to_its_end_though_the_broker_goes() {
    let Some(world) = over_rabbitmq() else { return };
    world.broker().lay_line().await;
    let ([begun, gate], done) = ([(); 2].map(|()| Arc::new(Semaphore::new(0))), Done::default());
    let (beginning, waits, noted) = (Arc::clone(&begun), Arc::clone(&gate), Arc::clone(&done));
    let run = move |jobs: Vec<SendMessage>| {
        let (beginning, waits, noted) = (Arc::clone(&beginning), Arc::clone(&waits), Arc::clone(&noted));
        async move {
            beginning.add_permits(1);
            waits.acquire().await.unwrap().forget();
            jobs.iter().for_each(|job| *noted.lock().entry(job.id().to_string()).or_default() += 1);
            Ok(Vec::new())
        }
    };
    let consumer = Consumer::new("notification").jobs((MAIL, 4), run, |_, _: SendMessage| Ok(()));
    let node = world.start("notification", consumer).await;
    enqueue(&node, MAIL, &[job()]).await;
    begun.acquire().await.unwrap().forget();
    world.broker().line.close();
    until("the outage to be noticed", SECONDS, async || node.waiting.in_queue(MAIL).is_none().then_some(()))
        .await;
    gate.add_permits(1);
    all_done(&done, 1).await;
    // Nobody could tell the broker: it comes again, and it is for the service to find that it is done.
    world.broker().line.open();
    begun.acquire().await.unwrap().forget();
    gate.add_permits(1);
    waiting(&node, MAIL, 0).await;
    until("the second time", SECONDS, async || (done.lock().values().sum::<usize>() == 2).then_some(()))
        .await;
    node.bus.stop().await;
}

#[tokio::test]
async fn what_the_broker_itself_gives_up_is_a_dead_letter_too() {
    let Some(world) = over_rabbitmq() else { return };
    let (shut, done) = (Arc::new(Semaphore::new(0)), Done::default());
    let node = world.start("notification", worker(MAIL, &shut, &done)).await;
    waiting(&node, MAIL, 0).await;
    node.bus.stop().await;
    let now = Clock::system().now();
    let job = Envelope::of_job("notification", MAIL, &job(), now).unwrap();
    world.broker().put(MAIL, &serde_json::to_vec(&job).unwrap()).await;
    world.broker().reject_next(MAIL).await;
    let node = world.start("notification", worker(MAIL, &shut, &done)).await;
    let letter = node.letters(1).await.remove(0);
    assert_eq!(letter.envelope().unwrap(), job);
    assert_eq!(letter.heading.reason, "given up by RabbitMQ: rejected");
    node.bus.stop().await;
}
