//! Random bookings, moves, holds and people who wait, against a calendar that is slow and obvious.

mod calendar;
mod waitlist;

use std::sync::Arc;

use calendar::{Calendar, Ending, Entry, Held, OFFER_MINUTES, State, Wish};
use chrono::{DateTime, TimeDelta, Utc};
use hms_model::Clock;
use hms_model::id::{PatientId, PractitionerId};
use hms_model::role::Role;
use hms_testkit::{Answer, Backend, TestService};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use serde_json::json;
use tokio::runtime::Handle;

use crate::common::{APPOINTMENTS, World, at, path, wish};

/// How long a slot is held, in minutes.
const HOLD_MINUTES: i64 = 5;
/// Each step takes so long: no two steps, and nothing that ends some minutes after them, come at one moment.
const STEP: TimeDelta = TimeDelta::seconds(1);

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
    Join(Wish),
    Accept { who: usize },
    Decline { who: usize },
    Withdraw { who: usize },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let slot = (0i64..240, 1i64..60);
    let wished = (0i64..120, 90i64..400, prop::option::of(1i64..40), 0usize..4);
    let wished = wished.prop_map(|(start, length, minutes, priority)| {
        Step::Join(Wish { start, end: start + length, minutes, priority })
    });
    let step = prop_oneof![
        4 => slot.clone().prop_map(|(start, length)| Step::Book { start, length }),
        3 => (any::<usize>(), slot.clone()).prop_map(|(which, (start, length))| Step::Move { which, start, length }),
        3 => any::<usize>().prop_map(|which| Step::Cancel { which }),
        1 => any::<usize>().prop_map(|which| Step::Arrive { which }),
        3 => slot.clone().prop_map(|(start, length)| Step::Hold { start, length }),
        2 => any::<usize>().prop_map(|which| Step::Redeem { which }),
        1 => any::<usize>().prop_map(|which| Step::Release { which }),
        2 => (1i64..7).prop_map(|minutes| Step::Wait { minutes }),
        1 => (slot.clone(), 1i64..4)
            .prop_map(|((start, length), count)| Step::Series { start, length, count }),
        5 => wished,
        3 => any::<usize>().prop_map(|who| Step::Accept { who }),
        2 => any::<usize>().prop_map(|who| Step::Decline { who }),
        1 => any::<usize>().prop_map(|who| Step::Withdraw { who }),
    ];
    prop::collection::vec(step, 1..40)
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
        let (entries, held, line) =
            (self.calendar.entries.len(), self.calendar.held.len(), self.calendar.line.len());
        match step {
            Step::Book { start, length } => self.book(start, start + length).await,
            Step::Hold { start, length } => self.hold(start, start + length).await,
            Step::Wait { minutes } => self.wait(TimeDelta::minutes(minutes)).await,
            Step::Series { start, length, count } => self.repeat(start, start + length, count).await,
            Step::Join(wish) => self.join(wish).await,
            Step::Redeem { .. } | Step::Release { .. } if held == 0 => {}
            Step::Redeem { which } => self.redeem(which % held).await,
            Step::Release { which } => self.release(which % held).await,
            Step::Accept { .. } | Step::Decline { .. } | Step::Withdraw { .. } if line == 0 => {}
            Step::Accept { who } => self.accept(who % line).await,
            Step::Decline { who } => self.decline(who % line).await,
            Step::Withdraw { who } => self.withdraw(who % line).await,
            _ if entries == 0 => {}
            Step::Move { which, start, length } => self.shift(which % entries, start, start + length).await,
            Step::Cancel { which } => self.end(which % entries, State::Cancelled).await,
            Step::Arrive { which } => self.end(which % entries, State::Arrived).await,
        }
    }

    async fn book(&mut self, start: i64, end: i64) {
        let body = wish(self.patient, self.practitioner, &at(start), &at(end));
        let answer = self.world.desk.post(APPOINTMENTS, &body).await;
        if self.calendar.is_open(start, end, None, self.now()) {
            let route = path(&answer.expect(201).text("id"));
            self.calendar.entries.push(Entry { route, start, end, state: State::Booked });
        } else {
            answer.expect_problem(409, "SLOT_TAKEN");
        }
    }

    fn now(&self) -> DateTime<Utc> {
        self.world.app.clock.now()
    }

    async fn try_hold(&self, start: i64, end: i64) -> Answer {
        let body = json!({
            "practitioner_id": self.practitioner, "start": at(start), "end": at(end), "minutes": HOLD_MINUTES,
        });
        self.world.desk.post("/api/v1/slots/hold", &body).await
    }

    async fn hold(&mut self, start: i64, end: i64) {
        let answer = self.try_hold(start, end).await;
        if self.calendar.is_open(start, end, None, self.now()) {
            let (id, expires_at) =
                (answer.expect(201).text("id"), self.now() + TimeDelta::minutes(HOLD_MINUTES));
            self.calendar.held.push(Held { id, start, end, expires_at });
        } else {
            answer.expect_problem(409, "SLOT_TAKEN");
        }
    }

    async fn redeem(&mut self, which: usize) {
        let held = self.calendar.held.remove(which);
        let mut body = wish(self.patient, self.practitioner, &at(held.start), &at(held.end));
        body["hold_id"] = json!(held.id);
        let answer = self.world.desk.post(APPOINTMENTS, &body).await;
        let route = path(&answer.expect(201).text("id"));
        self.calendar.entries.push(Entry { route, start: held.start, end: held.end, state: State::Booked });
    }

    async fn release(&mut self, which: usize) {
        let held = self.calendar.held.remove(which);
        self.world.desk.delete(&format!("/api/v1/slots/hold/{}", held.id)).await.expect(204);
        self.calendar.free(held.start, held.end, self.now());
    }

    /// Goes from one moment at which something ends to the next, and looks at each whether it has.
    async fn wait(&mut self, time: TimeDelta) {
        let until = self.now() + time;
        while let Some((moment, ending)) = self.calendar.next_end().filter(|(moment, _)| *moment <= until) {
            self.world.app.clock.advance(moment - self.now());
            match ending {
                Ending::Hold(which) => self.hold_ends(which).await,
                Ending::Offer(who) => self.offer_ends(who).await,
            }
            self.compare().await;
        }
        self.world.app.clock.advance(until - self.now());
    }

    /// It ends by the clock: whoever comes at that moment comes too late.
    async fn hold_ends(&mut self, which: usize) {
        let held = self.calendar.held.remove(which);
        let mut body = wish(self.patient, self.practitioner, &at(held.start), &at(held.end));
        body["hold_id"] = json!(held.id);
        self.world.desk.post(APPOINTMENTS, &body).await.expect_problem(409, "HOLD_EXPIRED");
        self.calendar.free(held.start, held.end, self.now());
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
                self.calendar.entries.push(Entry { route: path(id), start, end, state: State::Booked });
            }
        }
    }

    async fn shift(&mut self, which: usize, start: i64, end: i64) {
        let (free, now) = (self.calendar.is_open(start, end, Some(which), self.now()), self.now());
        let entry = &mut self.calendar.entries[which];
        let answer =
            self.world.desk.patch(&entry.route, &json!({ "start": at(start), "end": at(end) })).await;
        let before = (entry.start, entry.end);
        let same = before == (start, end);
        match entry.state {
            State::Booked if free => {
                answer.expect(200);
                (entry.start, entry.end) = (start, end);
                if !same {
                    self.calendar.free(before.0, before.1, now);
                }
            }
            State::Booked => drop(answer.expect_problem(409, "SLOT_TAKEN")),
            State::Arrived if same => drop(answer.expect(200)),
            State::Arrived | State::Cancelled => drop(answer.expect_problem(409, "ILLEGAL_TRANSITION")),
        }
    }

    async fn end(&mut self, which: usize, state: State) {
        let now = self.now();
        let entry = &mut self.calendar.entries[which];
        let answer = match state {
            State::Cancelled => {
                self.world.desk.post(&format!("{}/cancel", entry.route), &json!({ "reason": "Ill" })).await
            }
            _ => self.world.desk.request("POST", &format!("{}/arrive", entry.route), &[], None).await,
        };
        let legal = matches!((entry.state, state), (State::Booked, _) | (State::Arrived, State::Cancelled));
        if !legal {
            answer.expect_problem(409, "ILLEGAL_TRANSITION");
            return;
        }
        answer.expect(200);
        entry.state = state;
        if state == State::Cancelled {
            let (start, end) = (entry.start, entry.end);
            self.calendar.free(start, end, now);
        }
    }

    /// The service knows what the calendar knows.
    async fn compare(&self) {
        self.offers_are_made().await;
        self.compare_appointments().await;
        self.compare_line().await;
    }

    async fn compare_appointments(&self) {
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
            .entries
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

/// A service whose offers end about as soon as holds do.
async fn world(backend: Backend) -> World {
    let minutes = OFFER_MINUTES.to_string();
    let app = TestService::start_with(backend, &[("HMS_WAITLIST_OFFER_MINUTES", &minutes)]).await;
    let desk = app.client(&[Role::Receptionist]);
    World { app, desk }
}

hms_testkit::on_both_back_ends! {
    async fn the_service_agrees_with_a_simple_calendar(backend) {
        let seed = u64::try_from(Clock::system().now().timestamp_micros()).unwrap();
        eprintln!("seed {seed}");
        let world = Arc::new(world(backend).await);
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
                        story.wait(STEP).await;
                    }
                });
                Ok(())
            })
        });
        stories.await.unwrap().unwrap();
    }
}
