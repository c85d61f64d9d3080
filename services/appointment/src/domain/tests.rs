//! The rules as tables of cases, and as properties against models that are slow and obvious.

use chrono::{DateTime, TimeDelta, Utc};
use hms_model::id::{Id, PatientId};
use hms_model::role::Reach;
use hms_model::{Coded, Identifier, TimeSlot};
use proptest::prelude::*;

use super::*;

fn now() -> DateTime<Utc> {
    "2026-03-02T08:00:00Z".parse().unwrap()
}

fn after(minutes: i64) -> DateTime<Utc> {
    now() + TimeDelta::minutes(minutes)
}

fn id<K>(number: u128) -> Id<K> {
    Id::from_uuid(uuid::Uuid::from_u128(number))
}

fn staff() -> Caller {
    Caller { reach: Reach::Everyone, account_id: id(8), may_record: true, may_overbook: true }
}

fn patient(patient_id: Option<PatientId>) -> Caller {
    let reach = Reach::Own { account_id: id(9), patient_id };
    Caller { reach, account_id: id(9), may_record: false, may_overbook: false }
}

fn request(start: i64, end: i64) -> Request {
    Request {
        patient_id: id(1),
        practitioner_id: id(2),
        department_id: None,
        start: after(start),
        end: after(end),
        status: InitialStatus::Booked,
        reason: None,
        description: None,
        identifiers: Vec::new(),
        appointment_type_id: None,
        resource_ids: Vec::new(),
        hold_id: None,
        overbook: None,
    }
}

fn identifier(value: &str) -> Identifier {
    Identifier { system: "urn:test".parse().unwrap(), value: value.parse().unwrap() }
}

fn all_there() -> Known {
    Known {
        practitioner: Some(Practitioner { name: "Dr. Ada".into(), active: true }),
        patient_active: Some(true),
        ..Known::default()
    }
}

/// Books with a practitioner without a schedule.
fn booked(booking: Booking, known: &Known) -> Result<Appointment, Refusal> {
    booking.allowed(known)?;
    if let Some(ask) = booking.ask(now()) {
        known.free(ask.slot)?;
    }
    Ok(booking.confirm(Placement::default(), id(3), now()))
}

/// Changes what was booked with one.
fn done(changed: Changed, known: &Known) -> Result<Appointment, Refusal> {
    changed.allowed(known)?;
    let ask = changed.ask(false);
    if let Some(ask) = &ask {
        known.free(ask.slot)?;
    }
    Ok(changed.confirm(ask.map(|_| Placement::default())))
}

fn appointment(status: Status) -> Appointment {
    let booking = Booking::new(request(60, 90), staff(), now()).unwrap();
    Appointment { status, ..booked(booking, &all_there()).unwrap() }
}

#[test]
fn the_times_of_a_booking_have_bounds() {
    let day = 24 * 60;
    let cases = [
        (60, 90, Ok(())),
        (60, 61, Ok(())),
        (60, 60 + day, Ok(())),
        (-5, 30, Ok(())),
        (60, 60, Err(Refusal::EndNotAfterStart)),
        (60, 30, Err(Refusal::EndNotAfterStart)),
        (60, 61 + day, Err(Refusal::TooLong)),
        (-6, 30, Err(Refusal::InThePast)),
    ];
    for (start, end, expected) in cases {
        let booking = Booking::new(request(start, end), staff(), now());
        assert_eq!(booking.map(drop), expected, "from {start} to {end}");
    }
    let blink = Request { end: after(60) + TimeDelta::seconds(59), ..request(60, 90) };
    assert_eq!(Booking::new(blink, staff(), now()).map(drop), Err(Refusal::TooShort));
}

#[test]
fn only_what_is_over_can_be_recorded_and_only_by_whoever_may() {
    let may_not = Caller { may_record: false, ..staff() };
    let cases = [
        (staff(), -60, -30, Ok(())),
        (staff(), -60, 0, Ok(())),
        (staff(), -60 * 24 * 30, -30, Ok(())),
        (staff(), -60, 1, Err(Refusal::NotOverYet)),
        (staff(), -30, -60, Err(Refusal::EndNotAfterStart)),
        (may_not, -60, -30, Err(Refusal::MayNotRecord)),
    ];
    for (caller, start, end, expected) in cases {
        for status in [InitialStatus::Fulfilled, InitialStatus::Noshow, InitialStatus::Cancelled] {
            let record = Request { status, ..request(start, end) };
            let booking = Booking::new(record, caller, now());
            assert_eq!(booking.map(drop), expected, "{status} from {start} to {end}");
        }
    }
}

#[test]
fn a_patient_books_for_themselves() {
    let cases =
        [(Some(id(1)), Ok(())), (Some(id(7)), Err(Refusal::NotYourself)), (None, Err(Refusal::NoRecord))];
    for (own, expected) in cases {
        assert_eq!(Booking::new(request(60, 90), patient(own), now()).map(drop), expected);
    }
}

#[test]
fn identifiers_are_few_and_different() {
    let many = (0..21).map(|number| identifier(&number.to_string())).collect();
    let cases = [
        (vec![identifier("a"), identifier("b")], Ok(())),
        (vec![identifier("a"), identifier("a")], Err(Refusal::IdentifierTwice)),
        (many, Err(Refusal::TooManyIdentifiers)),
    ];
    for (identifiers, expected) in cases {
        let named = Request { identifiers, ..request(60, 90) };
        assert_eq!(Booking::new(named, staff(), now()).map(drop), expected);
    }
}

#[test]
fn what_is_known_decides_about_a_booking() {
    let gone = Practitioner { name: "Dr. Ada".into(), active: false };
    let owner = |patient| Some(Owner { appointment_id: id(5), patient_id: id(patient) });
    let busy = |minute| Known { busy_until: Some(after(minute)), ..all_there() };
    let in_department = Known { department_active: Some(true), ..all_there() };
    let cases = [
        (in_department.clone(), Ok(())),
        (
            Known { practitioner: None, ..in_department.clone() },
            Err(Refusal::Unknown(Reference::Practitioner)),
        ),
        (Known { patient_active: None, ..in_department.clone() }, Err(Refusal::Unknown(Reference::Patient))),
        (all_there(), Err(Refusal::Unknown(Reference::Department))),
        (
            Known { practitioner: Some(gone), ..in_department.clone() },
            Err(Refusal::Inactive(Reference::Practitioner)),
        ),
        (
            Known { patient_active: Some(false), ..in_department.clone() },
            Err(Refusal::Inactive(Reference::Patient)),
        ),
        (
            Known { department_active: Some(false), ..in_department.clone() },
            Err(Refusal::Inactive(Reference::Department)),
        ),
        (Known { department_active: Some(true), ..busy(60) }, Ok(())),
        (Known { department_active: Some(true), ..busy(61) }, Err(Refusal::SlotTaken)),
        (Known { identifier_owner: owner(1), ..in_department.clone() }, Err(Refusal::Duplicate(Some(id(5))))),
        (Known { identifier_owner: owner(7), ..in_department }, Err(Refusal::Duplicate(None))),
    ];
    for (known, expected) in cases {
        let wanted = Request { department_id: Some(id(4)), ..request(60, 90) };
        let booking = Booking::new(wanted, patient(Some(id(1))), now()).unwrap();
        assert_eq!(booked(booking, &known).map(drop), expected, "{known:?}");
    }
}

#[test]
fn a_record_takes_no_time_and_outlives_those_it_names() {
    let known = Known {
        practitioner: Some(Practitioner { name: "Dr. Ada".into(), active: false }),
        patient_active: Some(false),
        busy_until: Some(after(0)),
        ..Known::default()
    };
    let record = Request { status: InitialStatus::Fulfilled, ..request(-60, -30) };
    let booking = Booking::new(record, staff(), now()).unwrap();
    assert_eq!(booked(booking, &known).unwrap().status, Status::Fulfilled);
}

#[test]
fn a_change_names_what_is_different() {
    let reason: Reason = "Cough".parse().unwrap();
    let cases = [
        (Change::default(), vec![], 1, false),
        (Change { start: Some(after(60)), ..Change::default() }, vec![], 1, false),
        (Change { end: Some(after(100)), ..Change::default() }, vec!["end"], 2, true),
        (
            Change { start: Some(after(70)), reason: Some(Some(reason)), ..Change::default() },
            vec!["start", "reason"],
            2,
            true,
        ),
        (Change { department_id: Some(Some(id(4))), ..Change::default() }, vec!["department_id"], 2, false),
        (Change { description: Some(None), ..Change::default() }, vec![], 1, false),
    ];
    for (change, fields, version, moved) in cases {
        let changed = Changed::new(&appointment(Status::Booked), change, now()).unwrap();
        assert_eq!((changed.fields(), changed.is_moved()), (fields.as_slice(), moved));
        let known = Known { department_active: Some(true), ..all_there() };
        assert_eq!(done(changed, &known).unwrap().version, version);
    }
}

#[test]
fn another_time_is_a_new_booking() {
    let to = |start, end| Change { start: Some(after(start)), end: Some(after(end)), ..Change::default() };
    let cases = [
        (Status::Booked, to(-10, 30), Err(Refusal::InThePast)),
        (Status::Booked, to(90, 90), Err(Refusal::EndNotAfterStart)),
        (Status::Booked, to(60, 60 + 24 * 60 + 1), Err(Refusal::TooLong)),
        (Status::Booked, to(120, 150), Err(Refusal::SlotTaken)),
        (Status::Booked, to(130, 150), Ok(())),
        (Status::Proposed, to(120, 150), Ok(())),
        (Status::Arrived, to(130, 150), Err(Refusal::Illegal(Status::Arrived))),
        (Status::Cancelled, to(130, 150), Err(Refusal::Illegal(Status::Cancelled))),
    ];
    let known = Known { busy_until: Some(after(130)), ..all_there() };
    for (status, change, expected) in cases {
        let outcome = Changed::new(&appointment(status), change.clone(), now())
            .and_then(|changed| done(changed, &known).map(drop));
        assert_eq!(outcome, expected, "{status}: {change:?}");
    }
}

#[test]
fn who_has_left_keeps_what_is_booked_and_gets_no_other_time() {
    let left =
        Known { practitioner: Some(Practitioner { name: String::new(), active: false }), ..all_there() };
    let words = Change { reason: Some(Some("Cough".parse().unwrap())), ..Change::default() };
    let later = Change { end: Some(after(100)), ..Change::default() };
    let apply =
        |change| done(Changed::new(&appointment(Status::Booked), change, now()).unwrap(), &left).map(drop);
    assert_eq!(apply(words), Ok(()));
    assert_eq!(apply(later), Err(Refusal::Inactive(Reference::Practitioner)));
}

#[test]
fn the_database_knows_the_same_statuses() {
    let quoted = |statuses: Vec<&Status>| {
        let codes: Vec<_> = statuses.iter().map(|status| format!("'{}'", status.code())).collect();
        format!("status IN ({})", codes.join(", "))
    };
    let blocking = quoted(Status::ALL.iter().filter(|status| status.blocks()).collect());
    let all = quoted(Status::ALL.iter().collect());
    let table = include_str!("../../../../migrations/appointment/2026-11-21-000002_appointments/up.sql");
    let triggers =
        include_str!("../../../../migrations/appointment/2026-11-22-000009_occupied_sqlite/up.sql");
    let flat = |sql: &str| {
        sql.split_whitespace().collect::<Vec<_>>().join(" ").replace("( ", "(").replace(" )", ")")
    };
    assert!(flat(table).contains(&format!("GENERATED ALWAYS AS ({blocking})")), "{blocking}");
    assert!(flat(table).contains(&format!("CHECK ({all})")), "{all}");
    assert_eq!(flat(triggers).matches(&format!("WHEN NEW.{blocking}")).count(), 2);
}

/// What may follow what, said a second time.
const MOVES: &[(&str, &str)] = &[
    ("proposed", "pending booked cancelled waitlist"),
    ("waitlist", "proposed pending booked cancelled"),
    ("pending", "booked cancelled waitlist"),
    ("booked", "arrived fulfilled cancelled noshow"),
    ("arrived", "fulfilled cancelled"),
    ("fulfilled", ""),
    ("cancelled", ""),
    ("noshow", ""),
];

fn may(from: Status, to: Status) -> bool {
    let (_, targets) = MOVES.iter().find(|(status, _)| *status == from.code()).unwrap();
    targets.split(' ').any(|target| target == to.code())
}

#[derive(Debug, Clone)]
enum Act {
    Become(Status),
    Cancel,
    Remove,
    Move(i64),
}

fn any_status() -> impl Strategy<Value = Status> {
    prop::sample::select(Status::ALL)
}

fn any_act() -> impl Strategy<Value = Act> {
    prop_oneof![
        any_status().prop_map(Act::Become),
        Just(Act::Cancel),
        Just(Act::Remove),
        (1i64..500).prop_map(Act::Move),
    ]
}

fn perform(before: &Appointment, act: &Act) -> Result<Appointment, Refusal> {
    match act {
        Act::Become(status) => before.become_status(*status, now()),
        Act::Cancel => before.cancel(Some("Ill".parse().unwrap()), None, true, now()),
        Act::Remove => before.remove(None, true, now()),
        Act::Move(minutes) => {
            let by = TimeDelta::minutes(*minutes);
            let change =
                Change { start: Some(before.start + by), end: Some(before.end + by), ..Change::default() };
            done(Changed::new(before, change, now())?, &all_there())
        }
    }
}

proptest! {
    /// Whatever is done in whatever order: only the moves of the table happen, each makes one new version, and a
    /// refusal names the status that is in the way.
    #[test]
    fn only_legal_moves_happen(from in any_status(), acts in prop::collection::vec(any_act(), 1..30)) {
        let mut current = appointment(from);
        for act in acts {
            let wanted = match act {
                Act::Become(status) => Some(status),
                Act::Cancel | Act::Remove => Some(Status::Cancelled),
                Act::Move(_) => None,
            };
            let legal = match (&act, wanted) {
                (Act::Remove, _) if current.status == Status::Cancelled => true,
                (_, Some(to)) => may(current.status, to),
                _ => ["proposed", "pending", "booked", "waitlist"].contains(&current.status.code()),
            };
            match perform(&current, &act) {
                Ok(next) => {
                    prop_assert!(legal, "{act:?} from {}", current.status);
                    prop_assert_eq!(next.version, current.version + 1);
                    prop_assert_eq!(next.status, wanted.unwrap_or(current.status));
                    current = next;
                }
                Err(refusal) => {
                    prop_assert!(!legal, "{act:?} from {}: {refusal}", current.status);
                    prop_assert_eq!(refusal, Refusal::Illegal(current.status));
                }
            }
        }
    }

    /// To look at the last appointment before the end is to look at all of them, as long as none overlap.
    #[test]
    fn the_last_one_before_the_end_tells_whether_the_time_is_free(
        wishes in prop::collection::vec((0i64..600, 1i64..90), 1..60),
    ) {
        let mut calendar: Vec<TimeSlot> = Vec::new();
        for (start, length) in wishes {
            let slot = TimeSlot::new(after(start), after(start + length)).unwrap();
            let last = calendar.iter().filter(|taken| taken.start() < slot.end()).max_by_key(|taken| taken.start());
            let known = Known { busy_until: last.map(|taken| taken.end()), ..all_there() };
            let free = !calendar.iter().any(|taken| taken.overlaps(slot));
            prop_assert_eq!(known.free(slot).is_ok(), free);
            if free {
                calendar.push(slot);
            }
        }
    }
}

#[test]
fn an_appointment_that_is_over_takes_no_time() {
    for status in Status::ALL {
        assert!(!(status.is_over() && status.blocks()), "{status}");
        assert!(
            status.is_over() || status.moves().contains(&Status::Cancelled),
            "{status} can be called off"
        );
    }
}
