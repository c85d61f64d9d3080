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
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let slot = (0i64..240, 1i64..60);
    let step = prop_oneof![
        4 => slot.clone().prop_map(|(start, length)| Step::Book { start, length }),
        3 => (any::<usize>(), slot).prop_map(|(which, (start, length))| Step::Move { which, start, length }),
        1 => any::<usize>().prop_map(|which| Step::Cancel { which }),
        1 => any::<usize>().prop_map(|which| Step::Arrive { which }),
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

/// What the service should know, kept in the simplest way.
#[derive(Debug, Default)]
struct Calendar(Vec<Entry>);

impl Calendar {
    fn is_free(&self, start: i64, end: i64, except: Option<usize>) -> bool {
        let others = self.0.iter().enumerate().filter(|(index, _)| Some(*index) != except);
        others
            .filter(|(_, entry)| entry.state != State::Cancelled)
            .all(|(_, entry)| entry.end <= start || end <= entry.start)
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
        if self.calendar.is_free(start, end, None) {
            let route = path(&answer.expect(201).text("id"));
            self.calendar.0.push(Entry { route, start, end, state: State::Booked });
        } else {
            answer.expect_problem(409, "SLOT_TAKEN");
        }
    }

    async fn shift(&mut self, which: usize, start: i64, end: i64) {
        let free = self.calendar.is_free(start, end, Some(which));
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
                    }
                    story.compare().await;
                });
                Ok(())
            })
        });
        stories.await.unwrap().unwrap();
    }
}
