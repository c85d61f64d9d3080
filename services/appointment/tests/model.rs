//! Random bookings, moves and cancellations against a calendar that is slow and obvious.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test may fail by panic"
)]

mod common;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use common::{APPOINTMENTS, World, at, path, wish};
use hms_model::Clock;
use hms_model::id::{PatientId, PractitionerId};
use hms_testkit::Answer;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use serde_json::json;
use tokio::runtime::Handle;

#[derive(Debug, Clone)]
enum Step {
    Book { start: i64, length: i64 },
    Move { which: usize, start: i64, length: i64 },
    Cancel { which: usize },
    Arrive { which: usize },
    Hold { start: i64, length: i64 },
    Redeem { which: usize },
    Release { which: usize },
    Wait { minutes: i64 },
    Series { start: i64, length: i64, count: i64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let slot = (0i64..240, 1i64..60);
    let step = prop_oneof![
        4 => slot.clone().prop_map(|(start, length)| Step::Book { start, length }),
        3 => (any::<usize>(), slot.clone()).prop_map(|(which, (start, length))| Step::Move { which, start, length }),
        1 => any::<usize>().prop_map(|which| Step::Cancel { which }),
        1 => any::<usize>().prop_map(|which| Step::Arrive { which }),
        3 => slot.clone().prop_map(|(start, length)| Step::Hold { start, length }),
        2 => any::<usize>().prop_map(|which| Step::Redeem { which }),
        1 => any::<usize>().prop_map(|which| Step::Release { which }),
        1 => (1i64..7).prop_map(|minutes| Step::Wait { minutes }),
        1 => (slot.clone(), 1i64..4)
            .prop_map(|((start, length), count)| Step::Series { start, length, count }),
    ];
    prop::collection::vec(step, 1..25)
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Booked,
    Arrived,
    Cancelled,
}

#[derive(Debug)]
struct Entry {
    route: String,
    start: i64,
    end: i64,
    state: State,
}

/// A slot that is held.
#[derive(Debug)]
struct Held {
    id: String,
    start: i64,
    end: i64,
    expires_at: DateTime<Utc>,
}

/// What the service should know, kept in the simplest way.
#[derive(Debug, Default)]
struct Calendar(Vec<Entry>, Vec<Held>);

impl Calendar {
    fn is_free(&self, start: i64, end: i64, except: Option<usize>) -> bool {
        let others = self.0.iter().enumerate().filter(|(index, _)| Some(*index) != except);
        others
            .filter(|(_, entry)| entry.state != State::Cancelled)
            .all(|(_, entry)| entry.end <= start || end <= entry.start)
    }

    /// The same, and nobody holds it.
    fn is_open(&self, start: i64, end: i64, except: Option<usize>, now: DateTime<Utc>) -> bool {
        let mut held = self.1.iter().filter(|held| held.expires_at > now);
        self.is_free(start, end, except) && held.all(|held| held.end <= start || end <= held.start)
    }
}

/// One of the random stories, with a practitioner of its own.
struct Story {
    world: Arc<World>,
    patient: PatientId,
    practitioner: PractitionerId,
    calendar: Calendar,
}

impl Story {
    async fn take(&mut self, step: Step) {
        match step {
            Step::Book { start, length } => self.book(start, start + length).await,
            Step::Hold { start, length } => self.hold(start, start + length).await,
            Step::Wait { minutes } => self.world.app.clock.advance(TimeDelta::minutes(minutes)),
            Step::Series { start, length, count } => self.repeat(start, start + length, count).await,
            Step::Redeem { .. } | Step::Release { .. } if self.calendar.1.is_empty() => {}
            Step::Redeem { which } => self.redeem(which % self.calendar.1.len()).await,
            Step::Release { which } => self.release(which % self.calendar.1.len()).await,
            _ if self.calendar.0.is_empty() => {}
            Step::Move { which, start, length } => {
                self.shift(which % self.calendar.0.len(), start, start + length).await
            }
            Step::Cancel { which } => self.end(which % self.calendar.0.len(), State::Cancelled).await,
            Step::Arrive { which } => self.end(which % self.calendar.0.len(), State::Arrived).await,
        }
    }

    async fn book(&mut self, start: i64, end: i64) {
        let body = wish(self.patient, self.practitioner, &at(start), &at(end));
        let answer = self.world.desk.post(APPOINTMENTS, &body).await;
        if self.calendar.is_open(start, end, None, self.now()) {
            let route = path(&answer.expect(201).text("id"));
            self.calendar.0.push(Entry { route, start, end, state: State::Booked });
        } else {
            answer.expect_problem(409, "SLOT_TAKEN");
        }
    }

    fn now(&self) -> DateTime<Utc> {
        self.world.app.clock.now()
    }

    async fn hold(&mut self, start: i64, end: i64) {
        let body =
            json!({ "practitioner_id": self.practitioner, "start": at(start), "end": at(end), "minutes": 5 });
        let answer = self.world.desk.post("/api/v1/slots/hold", &body).await;
        if self.calendar.is_open(start, end, None, self.now()) {
            let id = answer.expect(201).text("id");
            self.calendar.1.push(Held { id, start, end, expires_at: self.now() + TimeDelta::minutes(5) });
        } else {
            answer.expect_problem(409, "SLOT_TAKEN");
        }
    }

    async fn redeem(&mut self, which: usize) {
        let held = self.calendar.1.remove(which);
        let mut body = wish(self.patient, self.practitioner, &at(held.start), &at(held.end));
        body["hold_id"] = json!(held.id);
        let answer = self.world.desk.post(APPOINTMENTS, &body).await;
        if held.expires_at > self.now() {
            let route = path(&answer.expect(201).text("id"));
            self.calendar.0.push(Entry { route, start: held.start, end: held.end, state: State::Booked });
        } else {
            answer.expect_problem(409, "HOLD_EXPIRED");
        }
    }

    async fn release(&mut self, which: usize) {
        let held = self.calendar.1.remove(which);
        let answer = self.world.desk.delete(&format!("/api/v1/slots/hold/{}", held.id)).await;
        // One that has expired may have been swept away.
        if held.expires_at > self.now() {
            answer.expect(204);
        } else {
            assert!([204, 404].contains(&answer.status), "{}", answer.body);
        }
    }

    /// A series of days: those that are free are booked, where any are.
    async fn repeat(&mut self, start: i64, end: i64, count: i64) {
        let mut body = wish(self.patient, self.practitioner, &at(start), &at(end));
        body["rule"] = json!(format!("FREQ=DAILY;COUNT={count}"));
        body["zone"] = json!("UTC");
        body["on_clash"] = json!("skip");
        let answer = self.world.desk.post("/api/v1/appointments/series", &body).await;
        let days = (0..count).map(|day| (start + day * 24 * 60, end + day * 24 * 60));
        let free: Vec<_> =
            days.map(|(start, end)| self.calendar.is_open(start, end, None, self.now())).collect();
        if !free.contains(&true) {
            answer.expect_problem(409, "SERIES_CLASH");
            return;
        }
        let made = answer.expect(201)["occurrences"].as_array().unwrap().clone();
        for (day, (made, free)) in (0..count).zip(made.iter().zip(free)) {
            assert_eq!(made["appointment_id"].is_string(), free, "{made}");
            if let Some(id) = made["appointment_id"].as_str() {
                let by = day * 24 * 60;
                let (start, end) = (start + by, end + by);
                self.calendar.0.push(Entry { route: path(id), start, end, state: State::Booked });
            }
        }
    }

    async fn shift(&mut self, which: usize, start: i64, end: i64) {
        let free = self.calendar.is_open(start, end, Some(which), self.now());
        let entry = &mut self.calendar.0[which];
        let answer =
            self.world.desk.patch(&entry.route, &json!({ "start": at(start), "end": at(end) })).await;
        let same = (entry.start, entry.end) == (start, end);
        match entry.state {
            State::Booked if free => {
                answer.expect(200);
                (entry.start, entry.end) = (start, end);
            }
            State::Booked => drop(answer.expect_problem(409, "SLOT_TAKEN")),
            State::Arrived if same => drop(answer.expect(200)),
            State::Arrived | State::Cancelled => drop(answer.expect_problem(409, "ILLEGAL_TRANSITION")),
        }
    }

    async fn end(&mut self, which: usize, state: State) {
        let entry = &mut self.calendar.0[which];
        let answer = match state {
            State::Cancelled => {
                self.world.desk.post(&format!("{}/cancel", entry.route), &json!({ "reason": "Ill" })).await
            }
            _ => self.world.desk.request("POST", &format!("{}/arrive", entry.route), &[], None).await,
        };
        let legal = matches!((entry.state, state), (State::Booked, _) | (State::Arrived, State::Cancelled));
        if legal {
            answer.expect(200);
            entry.state = state;
        } else {
            answer.expect_problem(409, "ILLEGAL_TRANSITION");
        }
    }

    /// The service knows what the calendar knows.
    async fn compare(&self) {
        let query = format!("{APPOINTMENTS}?practitioner_id={}&page_size=100", self.practitioner);
        let list: Answer = self.world.desk.get(&query).await;
        let mut found: Vec<_> = list
            .results()
            .iter()
            .map(|row| {
                let text = |field: &str| row[field].as_str().unwrap().to_owned();
                (path(&text("id")), text("start"), text("status"))
            })
            .collect();
        let mut expected: Vec<_> = self
            .calendar
            .0
            .iter()
            .map(|entry| {
                let start = at(entry.start).replace("+00:00", "Z");
                (entry.route.clone(), start, format!("{:?}", entry.state).to_lowercase())
            })
            .collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
    }
}

hms_testkit::on_both_back_ends! {
    async fn the_service_agrees_with_a_simple_calendar(backend) {
        let seed = u64::try_from(Clock::system().now().timestamp_micros()).unwrap();
        eprintln!("seed {seed}");
        let world = Arc::new(World::start(backend).await);
        let handle = Handle::current();
        let stories = tokio::task::spawn_blocking(move || {
            let config = Config {
                cases: 20,
                rng_seed: RngSeed::Fixed(seed),
                failure_persistence: None,
                ..Config::default()
            };
            TestRunner::new(config).run(&steps(), |steps| {
                handle.block_on(async {
                    let (patient, practitioner) = (world.patient().await, world.practitioner().await);
                    let mut story = Story {
                        world: Arc::clone(&world),
                        patient,
                        practitioner,
                        calendar: Calendar::default(),
                    };
                    for step in steps {
                        story.take(step).await;
                        story.compare().await;
                    }
                });
                Ok(())
            })
        });
        stories.await.unwrap().unwrap();
    }
}
