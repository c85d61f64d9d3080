//! Events that have come together: taken by one handler, and what is done beside.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test may fail by panic"
)]

mod common;

use std::sync::Arc;

use common::effects::{self, assert_ordered, await_count, note};
use common::{World, change, department, wrap};
use hms_bus::{ConsumeError, Consumer, Deliveries, outbox};
use hms_model::event::{
    AccountRegistered, DepartmentCreated, DepartmentFacts, DepartmentUpdated, Envelope, PatientCreated,
    PatientFacts,
};
use hms_model::id::{EventId, Id};
use parking_lot::Mutex;

/// What was handed over together, one time after the other.
type Seen = Arc<Mutex<Vec<Vec<EventId>>>>;

fn seen(seen: &Seen) -> impl Fn(&mut Deliveries<'_>) -> Result<(), ConsumeError> + Send + Sync + 'static {
    let seen = Arc::clone(seen);
    move |deliveries| {
        seen.lock().push(deliveries.envelopes.iter().map(|envelope| envelope.id).collect());
        Ok(())
    }
}

fn made(name: &str) -> DepartmentCreated {
    DepartmentCreated(DepartmentFacts {
        department_id: department(),
        version: 1,
        name: name.into(),
        active: true,
    })
}

fn patient() -> PatientCreated {
    PatientCreated(PatientFacts {
        patient_id: Id::new(hms_model::Clock::system().now()),
        version: 1,
        account_id: None,
        name: "Ann Lee".into(),
        email: None,
        phone: None,
        language: None,
        active: true,
    })
}

fn ids(envelopes: &[&Envelope]) -> Vec<EventId> {
    envelopes.iter().map(|envelope| envelope.id).collect()
}

hms_testkit::on_both_back_ends! {
    async fn what_is_done_beside_is_done_once_for_all_after_their_own_handlers(backend) {
        let world = World::new(backend, &["appointment"]);
        let (many, beside) = (Seen::default(), Seen::default());
        let (own, later) = (seen(&many), seen(&beside));
        let (before, kinds) = (Arc::clone(&many), &["department.updated", "department.created"]);
        let consumer = Consumer::new("appointment")
            .on_many(move |deliveries, events: Vec<DepartmentUpdated>| {
                assert_eq!(events.len(), deliveries.envelopes.len());
                own(deliveries)
            })
            .on(|delivery, _: PatientCreated| note(delivery))
            .also(kinds, move |deliveries| {
                assert_eq!(before.lock().len(), 2, "the handlers come first");
                later(deliveries)
            });
        assert_eq!(consumer.kinds().collect::<Vec<_>>(), ["department.created", "department.updated", "patient.created"]);
        let node = world.start("appointment", consumer).await;
        let a = department();
        let events = [
            wrap("user", &change(a, 1)),
            wrap("user", &patient()),
            wrap("user", &made("Surgery")),
            wrap("user", &change(department(), 1)),
            // Behind one of its own of the other type, so that it is by itself.
            wrap("user", &DepartmentCreated(change(a, 2).0)),
            wrap("user", &change(a, 3)),
        ];
        node.bus.deliver_batch(events.to_vec()).await.unwrap();
        let [one, _, two, three, four, five] = &events;
        assert_eq!(*many.lock(), [ids(&[one, three]), ids(&[five])]);
        assert_eq!(*beside.lock(), [ids(&[one, two, three, four, five])]);
        assert_eq!(effects::all(&node.database).await.len(), 1);

        // What came before is not seen again.
        node.bus.deliver_batch(events.to_vec()).await.unwrap();
        assert_eq!(beside.lock().len(), 1);
        node.bus.stop().await;
    }

    async fn one_that_cannot_be_taken_hurts_only_itself(backend) {
        let world = World::new(backend, &["user", "appointment"]);
        let (bad, worse) = (department(), department());
        let consumer = Consumer::new("appointment")
            .on_many(move |_, events: Vec<DepartmentUpdated>| {
                match events.iter().any(|event| event.0.department_id == bad) {
                    true => Err(ConsumeError::Reject("no such wing".into())),
                    false => Ok(()),
                }
            })
            .on(|delivery, _: DepartmentCreated| note(delivery))
            .also(&["department.created"], move |deliveries| {
                let subject = worse.to_string();
                match deliveries.envelopes.iter().any(|envelope| envelope.subject == subject) {
                    true => panic!("a fault beside"),
                    false => Ok(()),
                }
            });
        let appointment = world.start("appointment", consumer).await;
        let user = world.start("user", Consumer::new("user")).await;
        let envelopes: Vec<Envelope> = vec![
            wrap("user", &made("One")),
            wrap("user", &change(bad, 1)),
            wrap("user", &made("Two")),
            wrap("user", &DepartmentCreated(change(worse, 1).0)),
            wrap("user", &made("Three")),
        ];
        user.commit(envelopes).await;
        let mut reasons: Vec<_> =
            appointment.letters(2).await.into_iter().map(|letter| letter.heading.reason).collect();
        reasons.sort();
        assert_eq!(reasons, ["no such wing", "the event could not be taken: the handler panicked"]);
        let effects = await_count(&appointment.database, 3).await;
        assert_ordered(&effects);
        assert_eq!(effects.len(), 3, "and nothing of what failed beside");
    }

    async fn what_follows_from_each_of_several_is_in_its_trace(backend) {
        let world = World::new(backend, &["auth"]);
        let consumer = Consumer::new("auth").on_many(|deliveries, _: Vec<DepartmentUpdated>| {
            let causes: Vec<_> = deliveries.envelopes.iter().map(|envelope| envelope.id).collect();
            let now = deliveries.now;
            let event = || AccountRegistered { account_id: Id::new(now), version: 1, roles: vec![] };
            let events: Vec<_> = causes.into_iter().map(|cause| (cause, event())).collect();
            deliveries.publish_each(events.iter().map(|(cause, event)| (*cause, event)))
        });
        // Without a transport all that it publishes stays where it is.
        let node = world.start("auth", consumer).await;
        node.bus.stop().await;
        let traces = ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"];
        let traced = |traceparent: Option<&str>| Envelope {
            traceparent: traceparent.map(str::to_owned),
            ..wrap("user", &change(department(), 1))
        };
        let events = vec![traced(Some(traces[0])), traced(None), traced(Some(traces[1]))];
        node.bus.deliver_batch(events).await.unwrap();
        let published = node.database.read(|db| outbox::waiting(db, 10)).await.unwrap();
        let published: Vec<_> = published.iter().map(|event| event.traceparent.as_deref()).collect();
        assert_eq!(published, [Some(traces[0]), None, Some(traces[1])]);
    }
}
