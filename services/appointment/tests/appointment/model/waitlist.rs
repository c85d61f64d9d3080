//! Those who wait: what they do, and what the service says of them.

use chrono::{DateTime, Utc};
use diesel::RunQueryDsl;
use diesel::sql_types::BigInt;
use hms_db::{Db, Error};
use hms_model::event::{AppointmentCancelled, AppointmentFacts};
use hms_model::id::Id;
use hms_testkit::{Answer, until};
use serde_json::{Value, json};

use super::Story;
use super::calendar::{Entry, State, Waiter, Waiting, Wish};
use crate::common::{at, path};

const WAITLIST: &str = "/api/v1/waitlist";
const PRIORITIES: [&str; 4] = ["urgent", "high", "normal", "low"];

impl Story {
    pub async fn join(&mut self, wish: Wish) {
        let mut body = json!({
            "patient_id": self.world.patient().await, "practitioner_id": self.practitioner,
            "start": at(wish.start), "end": at(wish.end), "priority": PRIORITIES[wish.priority],
        });
        if let Some(minutes) = wish.minutes {
            body["minutes"] = json!(minutes);
        }
        let id = self.world.desk.post(WAITLIST, &body).await.expect(201).text("id");
        self.calendar.line.push(Waiter { id, wish, state: Waiting::Waits });
    }

    async fn answer(&self, who: usize, step: &str) -> Answer {
        let route = format!("{WAITLIST}/{}/{step}", self.calendar.line[who].id);
        self.world.desk.request("POST", &route, &[], None).await
    }

    /// An accepted offer is one booking, of what was offered.
    pub async fn accept(&mut self, who: usize) {
        let answer = self.answer(who, "accept").await;
        match &self.calendar.line[who].state {
            Waiting::Offered(offer) => {
                let (start, end) = (offer.opening.start, offer.end);
                let route = path(&answer.expect(201).text("id"));
                assert_eq!((moment(&answer["start"]), moment(&answer["end"])), (time(start), time(end)));
                self.calendar.line[who].state = Waiting::Booked(route.clone());
                self.calendar.entries.push(Entry { route, start, end, state: State::Booked });
            }
            Waiting::Waits => drop(answer.expect_problem(409, "HOLD_EXPIRED")),
            Waiting::Booked(_) | Waiting::Withdrawn => {
                answer.expect_problem(409, "ILLEGAL_TRANSITION");
            }
        }
    }

    pub async fn decline(&mut self, who: usize) {
        let answer = self.answer(who, "decline").await;
        match &self.calendar.line[who].state {
            Waiting::Offered(_) => {
                answer.expect(200);
                self.calendar.pass_on(who, Waiting::Waits, self.now());
            }
            _ => drop(answer.expect_problem(409, "ILLEGAL_TRANSITION")),
        }
    }

    pub async fn withdraw(&mut self, who: usize) {
        let answer = self.world.desk.delete(&format!("{WAITLIST}/{}", self.calendar.line[who].id)).await;
        match &self.calendar.line[who].state {
            Waiting::Offered(_) | Waiting::Waits => {
                answer.expect(204);
                self.calendar.pass_on(who, Waiting::Withdrawn, self.now());
            }
            Waiting::Booked(_) | Waiting::Withdrawn => {
                answer.expect_problem(409, "ILLEGAL_TRANSITION");
            }
        }
    }

    /// An offer ends by the clock: whoever accepts it at that moment comes too late.
    pub async fn offer_ends(&mut self, who: usize) {
        self.answer(who, "accept").await.expect_problem(409, "HOLD_EXPIRED");
        self.calendar.pass_on(who, Waiting::Waits, self.now());
    }

    /// Waits until the service has taken up all that became free or came to its end.
    pub async fn offers_are_made(&self) {
        let now = self.now();
        let app = &self.world.app;
        let count = async || app.database.read(move |db| left(db, now)).await.unwrap();
        if count().await == 0 {
            return;
        }
        // The bus of the test is the test itself; moving its clock wakes nobody.
        app.deliver(&AppointmentCancelled(self.called_off())).await;
        until("all that became free to be offered", 10, async || (count().await == 0).then_some(())).await;
    }

    /// What others tell of an appointment that nobody has heard of.
    fn called_off(&self) -> AppointmentFacts {
        let now = self.now();
        AppointmentFacts {
            appointment_id: Id::new(now),
            version: 2,
            patient_id: self.patient,
            practitioner_id: self.practitioner,
            practitioner_name: "Dr. Ada".into(),
            department_id: None,
            start: now,
            end: now,
            status: "cancelled".into(),
            reason: None,
            recorded: false,
            appointment_type_id: None,
            zone: None,
            series_id: None,
            late_cancellation: false,
        }
    }

    /// The service knows of those who wait what the calendar knows; no two are offered the same time, and what is offered
    /// is free for nobody else.
    pub async fn compare_line(&self) {
        let query = format!("{WAITLIST}?practitioner_id={}&page_size=100", self.practitioner);
        let list = self.world.desk.get(&query).await;
        let rows = list.expect(200).results();
        assert_eq!(rows.len(), self.calendar.line.len());
        for waiter in &self.calendar.line {
            let row = rows.iter().find(|row| row["id"] == json!(waiter.id)).unwrap();
            assert_eq!(seen(row), expected(waiter), "{waiter:?}");
        }
        let mut offered: Vec<_> = rows.iter().filter_map(slot).collect();
        offered.sort();
        for two in offered.windows(2) {
            assert!(two[0].1 <= two[1].0, "offered to two people: {two:?}");
        }
        for offer in self.calendar.line.iter().filter_map(Waiter::offer) {
            self.try_hold(offer.opening.start, offer.end).await.expect_problem(409, "SLOT_TAKEN");
        }
    }
}

/// How somebody's waiting stands: status, what is offered and until when, what came of it.
type Standing = (String, Option<[DateTime<Utc>; 3]>, Option<String>);

fn seen(row: &Value) -> Standing {
    let offer = slot(row).map(|(start, end)| [start, end, moment(&row["offer"]["expires_at"])]);
    (row["status"].as_str().unwrap().to_owned(), offer, row["appointment_id"].as_str().map(path))
}

fn expected(waiter: &Waiter) -> Standing {
    let status = |text: &str| text.to_owned();
    match &waiter.state {
        Waiting::Waits => (status("waiting"), None, None),
        Waiting::Offered(offer) => {
            let times = [time(offer.opening.start), time(offer.end), offer.expires_at];
            (status("offered"), Some(times), None)
        }
        Waiting::Booked(route) => (status("booked"), None, Some(route.clone())),
        Waiting::Withdrawn => (status("withdrawn"), None, None),
    }
}

/// What is offered, from and up to.
fn slot(row: &Value) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    row["offer"].is_object().then(|| (moment(&row["offer"]["start"]), moment(&row["offer"]["end"])))
}

fn moment(value: &Value) -> DateTime<Utc> {
    value.as_str().unwrap().parse().unwrap()
}

fn time(minutes: i64) -> DateTime<Utc> {
    at(minutes).parse().unwrap()
}

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// How much became free, or came to its end, and was not taken up yet.
fn left(db: &mut Db, now: DateTime<Utc>) -> Result<i64, Error> {
    let now = now.format("%Y-%m-%dT%H:%M:%S%.6fZ");
    let sql = format!(
        "SELECT (SELECT count(*) FROM waitlist_openings)
           + (SELECT count(*) FROM waitlist_offers WHERE status = 'open' AND expires_at <= '{now}')
           + (SELECT count(*) FROM holds WHERE expires_at <= '{now}') AS count"
    );
    let found: Count = diesel::sql_query(sql).get_result(db)?;
    Ok(found.count)
}
