use hms_model::id::Id;

use super::*;
use crate::domain::Visit;
use crate::domain::testing::{appointment, now};

fn cause(kind: Kind) -> Cause {
    let facts = appointment();
    let about = match kind {
        Kind::Offer | Kind::Invoice => About::example(kind, now()),
        _ => About::Visit(Visit::of(&facts, None)),
    };
    Cause { event_id: Id::new(now()), occasion: String::new(), kind, patient_id: facts.patient_id, about }
}

fn message(kind: Kind, channel: ChannelKind) -> Message {
    let words = Words { subject: "On Monday".into(), body: "Dear Ann".into() };
    cause(kind).addressed(channel, ("ann@example.org".into(), words), Id::new(now()), now())
}

#[test]
fn what_is_only_to_be_read_is_there_at_once() {
    for channel in ChannelKind::CARRIED {
        assert_eq!(message(Kind::Confirmation, channel).status, Status::Pending);
    }
    let there = message(Kind::Confirmation, ChannelKind::InApp);
    assert_eq!((there.status, there.sent_at), (Status::Sent, Some(now())));
}

#[test]
fn an_unknown_patient_is_waited_for() {
    let waiting = cause(Kind::Confirmation).waiting("On Monday".into(), Id::new(now()), now());
    assert!(waiting.is_waiting() && waiting.due_at == now() + PATIENCE);
    let known = message(Kind::Confirmation, ChannelKind::Sms).in_place_of(&waiting);
    assert_eq!((known.id, known.version, known.channel), (waiting.id, 1, ChannelKind::Sms));
    assert!(!known.is_waiting());
    let unknown = waiting.given_up();
    assert_eq!((unknown.status, unknown.error.as_deref()), (Status::Failed, Some("unknown patient")));
}

#[test]
fn the_waits_grow_until_it_is_given_up() {
    for (chance, part) in [(0.0, 0), (1.0, 5), (7.0, 5)] {
        let mut message = message(Kind::Confirmation, ChannelKind::Email);
        for wait in WAITS {
            message = message.taken_up(now());
            assert_eq!(message.due_at, now() + LEASE);
            message = message.tried(Err(SendError::later("full")), chance, now());
            assert_eq!(message.status, Status::Pending);
            let more = if part == 0 { TimeDelta::zero() } else { wait / part };
            assert_eq!(message.due_at - now(), wait + more);
        }
        message = message.taken_up(now()).tried(Err(SendError::later("full")), chance, now());
        let end = (message.status, message.attempts, message.error.as_deref());
        assert_eq!(end, (Status::Failed, 5, Some("full")));
    }
}

#[test]
fn one_attempt_may_be_enough() {
    let message = message(Kind::Confirmation, ChannelKind::Email).taken_up(now());
    let sent = message.clone().tried(Ok(Receipt::default()), 0.0, now());
    assert_eq!((sent.status, sent.sent_at, sent.error), (Status::Sent, Some(now()), None));
    let wait = TimeDelta::minutes(7);
    let asked = SendError::Later { reason: "slow down".into(), retry_after: Some(wait) };
    assert_eq!(message.clone().tried(Err(asked), 0.0, now()).due_at, now() + wait);
    let busy = message.clone().tried(Err(SendError::Busy { wait }), 0.0, now());
    assert_eq!((busy.due_at, busy.attempts, busy.error), (now() + wait, 0, None));
    for ends in [SendError::never("no such address"), SendError::Gone("no such address".into())] {
        let never = message.clone().tried(Err(ends), 0.0, now());
        assert_eq!((never.status, never.error.as_deref()), (Status::Failed, Some("no such address")));
    }
}

#[test]
fn what_ends_every_sender_is_given_up() {
    let mut message = message(Kind::Confirmation, ChannelKind::Email);
    for _ in 0..5 {
        message = message.taken_up(now());
        assert_eq!(message.status, Status::Pending);
    }
    message = message.taken_up(now());
    assert_eq!((message.status, message.attempts), (Status::Failed, 5));
}

#[test]
fn an_offer_is_not_sent_when_it_is_over_and_a_reminder_not_when_its_time_has_come() {
    let start = appointment().start;
    let cases = [(Kind::Offer, now() + TimeDelta::minutes(30)), (Kind::Reminder, start)];
    for (kind, end) in cases {
        let message = message(kind, ChannelKind::Sms);
        assert_eq!(message.clone().taken_up(end - TimeDelta::seconds(1)).status, Status::Pending, "{kind}");
        assert_eq!(message.taken_up(end).status, Status::Skipped, "{kind}");
    }
    let late = message(Kind::Confirmation, ChannelKind::Email).taken_up(start + TimeDelta::days(1));
    assert_eq!(late.status, Status::Pending);
}

#[test]
fn each_device_is_a_delivery_of_its_own() {
    let [ann, ben, cleo]: [PushSubscriptionId; 3] = std::array::from_fn(|_| Id::new(now()));
    let (sent, later) = (|| Ok(Receipt::default()), || Err(SendError::later("full")));
    let (never, gone) = (|| Err(SendError::never("no")), || Err(SendError::Gone("gone".into())));
    let busy = || Err(SendError::Busy { wait: TimeDelta::seconds(1) });
    // The answers; what becomes of it, whether one has it, why not, and who is tried again.
    let cases = [
        (vec![(ann, sent()), (ben, sent())], (Status::Sent, true, None, None)),
        (vec![(ann, sent()), (ben, never()), (cleo, gone())], (Status::Sent, true, None, None)),
        (vec![(ann, sent()), (ben, later())], (Status::Pending, true, Some("full"), Some(vec![ben]))),
        (vec![(ann, busy()), (ben, later())], (Status::Pending, false, Some("full"), Some(vec![ann, ben]))),
        (vec![(ann, sent()), (ben, busy())], (Status::Pending, true, None, Some(vec![ben]))),
        (vec![(ann, gone()), (ben, never())], (Status::Failed, false, Some("no"), None)),
        (vec![(ann, gone()), (ben, later())], (Status::Pending, false, Some("full"), Some(vec![ben]))),
    ];
    for (answers, expected) in cases {
        let message = message(Kind::Confirmation, ChannelKind::Push).taken_up(now());
        let told = format!("{answers:?}");
        let message = message.tried_at_devices(answers, 0.0, now());
        let became =
            (message.status, message.sent_at.is_some(), message.error.as_deref(), message.devices.clone());
        assert_eq!(became, expected, "{told}");
    }
    let none = message(Kind::Confirmation, ChannelKind::Push).taken_up(now()).tried_at_devices(
        Vec::new(),
        0.0,
        now(),
    );
    assert_eq!(none.status, Status::Failed, "nobody asks for it");
}

#[test]
fn what_one_device_has_is_sent_whatever_becomes_of_the_others() {
    let [ann, ben]: [PushSubscriptionId; 2] = std::array::from_fn(|_| Id::new(now()));
    let first = message(Kind::Confirmation, ChannelKind::Push).taken_up(now());
    assert!(first.is_for(ann) && first.is_for(ben));
    let mut open = first.tried_at_devices(
        vec![(ann, Ok(Receipt::default())), (ben, Err(SendError::later("full")))],
        0.0,
        now(),
    );
    assert!(!open.is_for(ann) && open.is_for(ben));
    let gone = open.clone().taken_up(now()).tried_at_devices(Vec::new(), 0.0, now());
    assert_eq!((gone.status, gone.error), (Status::Sent, None), "the other one was taken away");
    while open.status == Status::Pending {
        open = open.taken_up(now()).tried_at_devices(vec![(ben, Err(SendError::later("full")))], 0.0, now());
    }
    assert_eq!(
        (open.status, open.sent_at, open.attempts, open.error.as_deref()),
        (Status::Sent, Some(now()), 5, None)
    );
    let again = open.again(now());
    assert!(again.is_for(ann) && again.is_for(ben) && again.sent_at.is_none());
}

#[test]
fn what_is_due_has_a_job_and_gets_another_one_when_that_is_lost() {
    let message = message(Kind::Confirmation, ChannelKind::Email);
    let has_job = |message: &Message| !needs_job(message.due_at, message.job_at, false);
    assert!(has_job(&message) && message.job_at == lost_after(now()));
    assert!(needs_job(message.due_at, message.job_at, true), "its queue is empty, and it still waits");
    assert!(is_due(message.status, message.due_at, now()));
    let later = now() + TimeDelta::hours(1);
    let put_off = message.put_off(later);
    assert!(!has_job(&put_off) && put_off.job_at == later);
    let leased = put_off.taken_up(now());
    assert!(!is_due(leased.status, leased.due_at, now()), "somebody has it in hand");
    let again = leased.tried(Err(SendError::never("no such address")), 0.0, now()).again(now());
    assert!(has_job(&again));
}

#[test]
fn what_more_attempts_would_not_change_is_not_used_up() {
    let message = message(Kind::Confirmation, ChannelKind::Email).taken_up(now());
    let never = message.clone().tried(Err(SendError::never("no such address")), 0.0, now());
    assert!(!is_used_up(never.status, never.attempts));
    let last = Message { attempts: ATTEMPTS, ..message };
    let last = last.tried(Err(SendError::later("full")), 0.0, now());
    assert!(is_used_up(last.status, last.attempts));
}
