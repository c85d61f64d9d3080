//! Reminders: when they come, what moves them, and what takes them back.

use std::collections::{BTreeMap, BTreeSet};

use crate::common::{App, appointment, book, lasting, message, messages, reachable, wants};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use hms_db::Db;
use hms_model::event::{
    AppointmentArrived, AppointmentCancelled, AppointmentFacts, AppointmentFulfilled, AppointmentNoshow,
    AppointmentRescheduled, AppointmentScheduled, Envelope, Event,
};
use hms_model::id::{Id, PatientId};
use hms_model::role::Role;
use hms_testkit::{Client, on_both_back_ends, until};
use serde_json::{Value, json};

/// How many messages of each kind, and when the reminders are due.
type Expected = (BTreeMap<&'static str, usize>, BTreeSet<DateTime<Utc>>);

const REMINDERS: &str = "kind=appointment.reminder&channel=email";

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Somebody else's message makes the service look at what is due; returns when no reminder is due any more.
pub async fn look(app: &App) {
    let (ben, of_ben) = reachable(app).await;
    book(app, ben).await;
    messages(&of_ben, "status=sent&channel=in_app", 1).await;
    messages(&of_ben, "status=pending", 0).await;
    let now = app.clock.now().to_rfc3339_opts(SecondsFormat::Micros, true);
    let query = format!("SELECT count(*) AS count FROM reminders WHERE due_at <= '{now}'");
    until("no reminder that is due", 10, async || {
        let query = query.clone();
        let read = |db: &mut Db| Ok::<Count, hms_db::Error>(diesel::sql_query(query).get_result(db)?);
        (app.database.read(read).await.unwrap().count == 0).then_some(())
    })
    .await;
}

/// The reminders that were made, once there are so many; none more come.
async fn reminded(app: &App, client: &Client, count: usize) -> Vec<Value> {
    look(app).await;
    let found = messages(client, REMINDERS, count).await;
    look(app).await;
    assert_eq!(messages(client, REMINDERS, count).await.len(), found.len());
    found
}

/// One event of an appointment, of any kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Happened {
    Scheduled(AppointmentFacts),
    Rescheduled(AppointmentFacts),
    Cancelled(AppointmentFacts),
    Arrived(AppointmentFacts),
    Fulfilled(AppointmentFacts),
    Noshow(AppointmentFacts),
}

impl Happened {
    fn facts(&self) -> &AppointmentFacts {
        match self {
            Self::Scheduled(facts)
            | Self::Rescheduled(facts)
            | Self::Cancelled(facts)
            | Self::Arrived(facts)
            | Self::Fulfilled(facts)
            | Self::Noshow(facts) => facts,
        }
    }

    fn kind(&self) -> Option<&'static str> {
        match self {
            Self::Scheduled(_) => Some("appointment.confirmation"),
            Self::Rescheduled(_) => Some("appointment.rescheduled"),
            Self::Cancelled(_) => Some("appointment.cancelled"),
            Self::Arrived(_) | Self::Fulfilled(_) | Self::Noshow(_) => None,
        }
    }

    pub fn envelope(&self, now: DateTime<Utc>) -> Envelope {
        fn of<E: Event>(event: &E, now: DateTime<Utc>) -> Envelope {
            Envelope::of(E::PRODUCER, event, Id::new(now), now).unwrap()
        }
        match self.clone() {
            Self::Scheduled(facts) => of(&AppointmentScheduled(facts), now),
            Self::Rescheduled(facts) => of(&AppointmentRescheduled(facts), now),
            Self::Cancelled(facts) => of(&AppointmentCancelled(facts), now),
            Self::Arrived(facts) => of(&AppointmentArrived(facts), now),
            Self::Fulfilled(facts) => of(&AppointmentFulfilled(facts), now),
            Self::Noshow(facts) => of(&AppointmentNoshow(facts), now),
        }
    }
}

/// What may happen to an appointment from one version to the next.
pub fn history(random: &mut fastrand::Rng, first: AppointmentFacts) -> Vec<Happened> {
    let mut facts = first;
    let mut all = vec![Happened::Scheduled(facts.clone())];
    while all.len() < 5 && facts.status == "booked" {
        facts.version += 1;
        match random.u32(0..8) {
            0..4 => {
                let hours = TimeDelta::hours(random.i64(1..60));
                (facts.start, facts.end) = (facts.start + hours, facts.end + hours);
                all.push(Happened::Rescheduled(facts.clone()));
            }
            4 => {
                facts.status = "cancelled".into();
                all.push(Happened::Cancelled(facts.clone()));
            }
            5 => {
                facts.status = "arrived".into();
                all.push(Happened::Arrived(facts.clone()));
                facts.status = "fulfilled".into();
                facts.version += 1;
                all.push(Happened::Fulfilled(facts.clone()));
            }
            6 => {
                facts.status = "noshow".into();
                all.push(Happened::Noshow(facts.clone()));
            }
            _ => break,
        }
    }
    all
}

on_both_back_ends! {
    async fn a_patient_is_reminded_at_each_of_the_times_by_what_they_want(backend) {
        let app = App::start_with(backend, &[("HMS_REMINDERS", "24h,2h")]).await;
        let (ann, own) = reachable(&app).await;
        wants(&own, ann, json!({"channels": {"reminder": ["email"]}})).await;
        // It begins in 25 hours.
        book(&app, ann).await;
        assert!(reminded(&app, &own, 0).await.is_empty());
        app.clock.advance(TimeDelta::hours(1));
        let first = reminded(&app, &own, 1).await;
        assert_eq!(first[0]["subject"], "Erinnerung an Ihren Termin: Dienstag, 3. März 2026, 09:00 UTC");
        app.clock.advance(TimeDelta::hours(22));
        reminded(&app, &own, 2).await;
        app.clock.advance(TimeDelta::hours(3));
        reminded(&app, &own, 2).await;
        messages(&own, &format!("{REMINDERS}&status=sent"), 2).await;
        app.stop().await;
    }

    async fn who_books_late_is_not_reminded_of_what_is_over(backend) {
        let app = App::start_with(backend, &[("HMS_REMINDERS", "48h,26h")]).await;
        let (ann, own) = reachable(&app).await;
        book(&app, ann).await;
        app.clock.advance(TimeDelta::hours(24));
        assert!(reminded(&app, &own, 0).await.is_empty());
        app.stop().await;
    }

    async fn a_reminder_moves_with_its_appointment_and_goes_with_it(backend) {
        let app = App::start(backend).await;
        let (ann, own) = reachable(&app).await;
        let mut visit = appointment(&app.clock, ann);
        app.deliver(&AppointmentScheduled(visit.clone())).await;
        visit.version += 1;
        (visit.start, visit.end) = (visit.start + TimeDelta::hours(10), visit.end + TimeDelta::hours(10));
        app.deliver(&AppointmentRescheduled(visit.clone())).await;
        let mut other = appointment(&app.clock, ann);
        app.deliver(&AppointmentScheduled(other.clone())).await;
        (other.version, other.status) = (2, "cancelled".into());
        app.deliver(&AppointmentCancelled(other)).await;
        app.clock.advance(TimeDelta::hours(1));
        assert!(reminded(&app, &own, 0).await.is_empty());
        app.clock.advance(TimeDelta::hours(10));
        let found = reminded(&app, &own, 1).await;
        assert!(found[0]["subject"].as_str().unwrap().ends_with("19:00 UTC"), "{found:?}");
        app.stop().await;
    }

    async fn a_reminder_that_waits_is_taken_back_when_the_appointment_is_called_off(backend) {
        let app = App::start(backend).await;
        let (ann, own) = reachable(&app).await;
        wants(&own, ann, json!({"quiet_hours": {"from": "08:30", "to": "12:00", "zone": "UTC"}})).await;
        let mut visit = appointment(&app.clock, ann);
        app.deliver(&AppointmentScheduled(visit.clone())).await;
        app.clock.advance(TimeDelta::hours(1));
        let waits = reminded(&app, &own, 1).await;
        assert_eq!(waits[0]["status"], "pending");
        (visit.version, visit.status) = (2, "cancelled".into());
        app.deliver(&AppointmentCancelled(visit)).await;
        let taken_back = message(&own, &format!("{REMINDERS}&status=skipped")).await;
        assert_eq!(taken_back["error"], "the appointment has changed");
        app.stop().await;
    }

    // Whatever order and number events come in: each that is newer than all before it tells the patient once, and what is
    // reminded of is the newest.
    async fn events_in_any_order_make_exactly_the_messages_that_follow_from_them(backend) {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut random = fastrand::Rng::with_seed(seed);
        let app = App::start_with(backend, &[("HMS_REMINDERS", "24h,2h"), ("HMS_NOTIFY_BY", "in_app")]).await;
        let clerk = lasting(&app, Role::Receptionist, None);
        let mut expected: BTreeMap<PatientId, Expected> = BTreeMap::new();
        let mut stream = Vec::new();
        for _ in 0..12 {
            let (ann, _) = reachable(&app).await;
            let history = history(&mut random, appointment(&app.clock, ann));
            let mut events: Vec<_> = history.iter().map(|one| (one.envelope(app.clock.now()), one.clone())).collect();
            random.shuffle(&mut events);
            let (mut told, mut newest) = (BTreeMap::new(), None::<&AppointmentFacts>);
            for (_, one) in &events {
                if newest.is_none_or(|newest| newest.version < one.facts().version) {
                    newest = Some(one.facts());
                    if let Some(kind) = one.kind() {
                        *told.entry(kind).or_default() += 1;
                    }
                }
            }
            let newest = newest.unwrap();
            let leads = [TimeDelta::hours(24), TimeDelta::hours(2)].map(|lead| newest.start - lead);
            let due = leads.into_iter().filter(|due| newest.status == "booked" && *due > app.clock.now()).collect();
            expected.insert(ann, (told, due));
            // Some come twice, at once or much later.
            let again = random.usize(..events.len());
            let twice = events[again].clone();
            events.insert(random.usize(again + 1..=events.len()), twice);
            stream.push(events);
        }
        // The streams of the appointments are mixed, each in its order.
        while !stream.is_empty() {
            let at = random.usize(..stream.len());
            let (envelope, _) = stream[at].remove(0);
            app.deliver_envelope(envelope).await.unwrap();
            if stream[at].is_empty() {
                stream.remove(at);
            }
        }
        for (ann, (told, _)) in &expected {
            let found = messages(&clerk, &format!("patient_id={ann}"), told.values().sum()).await;
            let mut kinds = BTreeMap::new();
            for message in &found {
                *kinds.entry(message["kind"].as_str().unwrap().to_owned()).or_insert(0) += 1;
            }
            let told: BTreeMap<_, _> = told.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect();
            assert_eq!(kinds, told);
        }
        app.clock.advance(TimeDelta::days(20));
        let due: BTreeSet<DateTime<Utc>> = expected.values().flat_map(|(_, due)| due.iter().copied()).collect();
        assert!(due.iter().all(|due| *due < app.clock.now()));
        look(&app).await;
        // Their appointments are over by now: none of them is said any more.
        messages(&clerk, "kind=appointment.reminder", 0).await;
        app.stop().await;
    }

    async fn what_is_reminded_of_is_the_newest_whatever_came_last(backend) {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut random = fastrand::Rng::with_seed(seed);
        let app = App::start_with(backend, &[("HMS_REMINDERS", "24h"), ("HMS_NOTIFY_BY", "in_app")]).await;
        let clerk = lasting(&app, Role::Receptionist, None);
        let mut due: Vec<(PatientId, Option<DateTime<Utc>>)> = Vec::new();
        for _ in 0..12 {
            let (ann, _) = reachable(&app).await;
            let mut events = history(&mut random, appointment(&app.clock, ann));
            let newest = events.last().unwrap().facts().clone();
            due.push((ann, (newest.status == "booked").then_some(newest.start - TimeDelta::hours(24))));
            random.shuffle(&mut events);
            for event in events {
                app.deliver_envelope(event.envelope(app.clock.now())).await.unwrap();
            }
        }
        // Hour by hour: each reminder is there when its time has come, and not before.
        let mut moments: Vec<_> = due.iter().filter_map(|(_, due)| *due).collect();
        moments.sort_unstable();
        moments.dedup();
        for moment in moments {
            app.clock.advance(moment - app.clock.now());
            look(&app).await;
            for (ann, due) in &due {
                let count = usize::from(due.is_some_and(|due| due <= moment));
                messages(&clerk, &format!("kind=appointment.reminder&patient_id={ann}"), count).await;
            }
        }
        app.stop().await;
    }
}
