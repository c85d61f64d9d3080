//! The clients: each sends one write after the other, and each write again and again until it knows what became of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use fastrand::Rng;
use hms_tests::records;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::client::{Answer, Client};
use crate::history::{Kind, Line, Recorder};
use crate::slots::Slots;

/// How long a client asks before it gives a write up: longer than any fault lasts.
const PATIENCE: Duration = Duration::from_secs(180);
/// The longest pause before a write is sent again, in milliseconds.
const AGAIN: u64 = 300;
/// The longest pause between two writes of one client, in milliseconds: the machine has others to serve too.
const THINK: u64 = 80;
/// Practitioners that are there before the others come; more come later.
const PRACTITIONERS: usize = 8;

/// Clients at work.
pub struct Load {
    shared: Arc<Shared>,
    writers: JoinSet<()>,
}

struct Shared {
    client: Client,
    history: Recorder,
    known: Mutex<Known>,
    numbers: AtomicUsize,
    acknowledged: AtomicUsize,
    stop: AtomicBool,
}

/// What the clients were told is there.
#[derive(Default)]
struct Known {
    patients: Vec<String>,
    practitioners: Vec<String>,
    /// Appointments that nobody has cancelled yet.
    bookings: Vec<String>,
    slots: Slots,
}

/// One write, ready to be sent.
struct Write {
    name: String,
    kind: Kind,
    path: String,
    body: Value,
}

impl Load {
    /// Starts the clients; returns when there is something to book.
    pub async fn start(client: Client, history: Recorder, seed: u64, writers: u64) -> Self {
        let shared = Arc::new(Shared {
            client,
            history,
            known: Mutex::default(),
            numbers: AtomicUsize::new(0),
            acknowledged: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
        });
        shared.history.note(&Line::Round { fault: "none yet".into() });
        for _ in 0..PRACTITIONERS {
            shared.send(shared.practitioner(), &mut Rng::with_seed(seed)).await;
        }
        let mut load = Self { shared, writers: JoinSet::new() };
        for writer in 0..writers {
            let shared = Arc::clone(&load.shared);
            load.writers.spawn(async move { shared.write(Rng::with_seed(seed.wrapping_add(writer))).await });
        }
        load
    }

    /// From now on this is what is done to the platform.
    pub fn round(&self, fault: &str) {
        println!("{:>6} acknowledged; next: {fault}", self.acknowledged());
        self.shared.history.note(&Line::Round { fault: fault.to_owned() });
    }

    /// Writes that were acknowledged so far.
    pub fn acknowledged(&self) -> usize {
        self.shared.acknowledged.load(Ordering::Relaxed)
    }

    /// Lets each client finish the write it has in hand.
    pub async fn stop(mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.writers.join_next().await {
            ended.unwrap();
        }
    }
}

impl Shared {
    async fn write(&self, mut rng: Rng) {
        while !self.stop.load(Ordering::Relaxed) {
            let write = self.some_write(&mut rng);
            self.send(write, &mut rng).await;
            sleep(Duration::from_millis(rng.u64(0..=THINK))).await;
        }
    }

    fn some_write(&self, rng: &mut Rng) -> Write {
        match rng.u8(0..100) {
            0..2 => self.practitioner(),
            2..45 => self.patient(),
            45..60 => self.cancellation(rng).unwrap_or_else(|| self.patient()),
            _ => self.booking(rng).unwrap_or_else(|| self.patient()),
        }
    }

    fn patient(&self) -> Write {
        let name = self.name();
        let body = records::patient("Ann", &name);
        Write { name, kind: Kind::Patient, path: "/api/v1/patients".into(), body }
    }

    fn practitioner(&self) -> Write {
        let name = self.name();
        let body = records::practitioner("Mia", &name);
        Write { name, kind: Kind::Practitioner, path: "/api/v1/practitioners".into(), body }
    }

    fn booking(&self, rng: &mut Rng) -> Option<Write> {
        let name = self.name();
        let mut known = self.known.lock();
        let (patient, practitioner) =
            (rng.choice(&known.patients)?.clone(), rng.choice(&known.practitioners)?.clone());
        let body = known.slots.draw(rng, &patient, &practitioner, &name);
        Some(Write { name, kind: Kind::Booking, path: "/api/v1/appointments".into(), body })
    }

    fn cancellation(&self, rng: &mut Rng) -> Option<Write> {
        let mut known = self.known.lock();
        if known.bookings.is_empty() {
            return None;
        }
        let some = rng.usize(0..known.bookings.len());
        let booking = known.bookings.swap_remove(some);
        let name = self.name();
        let body = json!({"reason": name});
        let path = format!("/api/v1/appointments/{booking}/cancel");
        Some(Write { name, kind: Kind::Cancellation, path, body })
    }

    fn name(&self) -> String {
        format!("w{:06}", self.numbers.fetch_add(1, Ordering::Relaxed))
    }

    /// Sends a write until its fate is known.
    async fn send(&self, Write { name, kind, path, body }: Write, rng: &mut Rng) {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            self.history.note(&Line::Attempt { write: name.clone(), kind });
            match self.client.write(&path, &body, &name).await {
                Answer::Done(record) => {
                    self.history.note(&Line::Acknowledged { write: name, record: record.clone() });
                    self.acknowledged.fetch_add(1, Ordering::Relaxed);
                    return self.known.lock().learn(kind, record);
                }
                Answer::Refused(code) => return self.history.note(&Line::Refused { write: name, code }),
                Answer::Unclear(answer) => self.history.note(&Line::Unclear { write: name.clone(), answer }),
            }
            sleep(Duration::from_millis(rng.u64(0..=AGAIN))).await;
        }
        self.history.note(&Line::GivenUp { write: name });
    }
}

impl Known {
    fn learn(&mut self, kind: Kind, record: String) {
        match kind {
            Kind::Patient => self.patients.push(record),
            Kind::Practitioner => self.practitioners.push(record),
            Kind::Booking => self.bookings.push(record),
            Kind::Cancellation => {}
        }
    }
}
