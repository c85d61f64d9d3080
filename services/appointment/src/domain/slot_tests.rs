//! Slots against a reference that is slow and obvious: every minute is looked at by itself.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, TimeZone, Utc};
use chrono_tz::{OffsetComponents, TZ_VARIANTS, Tz};
use hms_model::TimeSlot;
use hms_model::id::Id;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::hours::{DayTime, Exception, ExceptionKind, TimeRange, Weekday, WeeklyRange};
use super::*;

fn moment(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn offset(zone: Tz, at: DateTime<Utc>) -> TimeDelta {
    let offset = zone.offset_from_utc_datetime(&at.naive_utc());
    offset.base_utc_offset() + offset.dst_offset()
}

/// The changes of the clocks of a zone in 2026 and 2027, to the minute.
fn changes(zone: Tz) -> Vec<DateTime<Utc>> {
    let (start, end) = (moment("2026-01-01T00:00:00Z"), moment("2028-01-01T00:00:00Z"));
    let mut found = Vec::new();
    let mut at = start;
    while at < end {
        let next = at + TimeDelta::hours(6);
        if offset(zone, at) != offset(zone, next) {
            let mut minutes = (0..=360).map(|minutes| at + TimeDelta::minutes(minutes));
            found.extend(minutes.find(|minute| offset(zone, *minute) != offset(zone, at)));
        }
        at = next;
    }
    found
}

fn time(minutes: u32) -> DayTime {
    format!("{:02}:{:02}", minutes / 60, minutes % 60).parse().unwrap()
}

/// One or two ranges of a day that do not overlap, on quarters of an hour.
fn ranges() -> impl Strategy<Value = Vec<(u32, u32)>> {
    prop::collection::btree_set(0u32..=96, 2..5).prop_map(|times| {
        let times: Vec<_> = times.into_iter().map(|quarter| quarter * 15).collect();
        times.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()
    })
}

/// What a schedule is made of, in plain numbers.
#[derive(Debug, Clone)]
struct Wish {
    weekly: Vec<(u32, u32)>,
    breaks: Vec<(u32, u32)>,
    closed: Option<Vec<(u32, u32)>>,
    open: Vec<(u32, u32)>,
    is_holiday: bool,
    step: i64,
    length: i64,
    before: i64,
    after: i64,
    busy: Vec<(i64, i64)>,
}

prop_compose! {
    fn wish()(
        weekly in ranges(),
        breaks in prop_oneof![Just(Vec::new()), ranges()],
        closed in prop_oneof![3 => Just(None), 1 => Just(Some(Vec::new())), 1 => ranges().prop_map(Some)],
        open in prop_oneof![2 => Just(Vec::new()), 1 => ranges()],
        is_holiday in prop::bool::weighted(0.1),
        step in prop::sample::select(vec![10i64, 15, 20, 30, 45, 60, 90]),
        length in prop::sample::select(vec![10i64, 15, 30, 45, 60, 120]),
        before in prop::sample::select(vec![0i64, 0, 5, 15]),
        after in prop::sample::select(vec![0i64, 0, 5, 30]),
        busy in prop::collection::vec((-1_500i64..1_500, 1i64..90), 0..8),
    ) -> Wish {
        Wish { weekly, breaks, closed, open, is_holiday, step, length, before, after, busy }
    }
}

fn schedule(wish: &Wish, zone: Tz, day: NaiveDate) -> (ScheduleDetails, Vec<Holiday>) {
    let range = |(start, end): &(u32, u32)| TimeRange { start: time(*start), end: time(*end) };
    let every_day = |list: &[(u32, u32)]| -> Vec<WeeklyRange> {
        let ranges = list.iter().map(|(start, end)| (time(*start), time(*end)));
        let days = <Weekday as hms_model::Coded>::ALL;
        ranges
            .flat_map(|(start, end)| days.iter().map(move |day| WeeklyRange { weekday: *day, start, end }))
            .collect()
    };
    let exception = |kind, list: &[(u32, u32)]| Exception {
        date: day,
        kind,
        hours: list.iter().map(range).collect(),
        reason: None,
    };
    let mut exceptions = Vec::new();
    exceptions.extend(wish.closed.iter().map(|closed| exception(ExceptionKind::Closed, closed)));
    if !wish.open.is_empty() {
        exceptions.push(exception(ExceptionKind::Open, &wish.open));
    }
    let hours = Hours { weekly: every_day(&wish.weekly), breaks: every_day(&wish.breaks), exceptions };
    let details = ScheduleDetails {
        practitioner_id: Id::from_uuid(uuid::Uuid::from_u128(1)),
        department_id: Id::from_uuid(uuid::Uuid::from_u128(2)),
        active: true,
        zone: zone.name().parse().unwrap(),
        valid_from: day - Days::new(30),
        valid_to: None,
        hours,
        slot_minutes: wish.step,
        buffer_before_minutes: wish.before,
        buffer_after_minutes: wish.after,
        capacity: 1,
        min_notice_minutes: 0,
        max_notice_days: None,
        appointment_type_ids: Vec::new(),
    };
    let holiday = Holiday {
        id: Id::from_uuid(uuid::Uuid::from_u128(3)),
        details: HolidayDetails { department_id: None, date: day, name: "Day off".parse().unwrap() },
        created_at: moment("2026-01-01T00:00:00Z"),
    };
    (details, wish.is_holiday.then_some(holiday).into_iter().collect())
}

/// RFC 5545, 3.3.5, by trying every minute: the first moment at which the clock shows the local time; where it never
/// does, the moment that it would be by the offset of the minute before the clock jumps over it.
fn rfc_moment(zone: Tz, day: NaiveDate, minutes: u32) -> DateTime<Utc> {
    let local = day.and_hms_opt(0, 0, 0).unwrap() + TimeDelta::minutes(minutes.into());
    let from = local.and_utc() - TimeDelta::hours(15);
    let every_minute = || (0..30 * 60).map(|minute| from + TimeDelta::minutes(minute));
    let shows = |at: &DateTime<Utc>| at.naive_utc() + offset(zone, *at);
    if let Some(found) = every_minute().find(|at| shows(at) == local) {
        return found;
    }
    let jump = every_minute().find(|at| shows(at) > local).unwrap();
    local.and_utc() - offset(zone, jump - TimeDelta::minutes(1))
}

fn within(list: &[(u32, u32)], minute: u32) -> bool {
    list.iter().any(|(start, end)| (*start..*end).contains(&minute))
}

/// Whether a minute of a local day is open by the hours of the week.
fn by_week(wish: &Wish, is_the_day: bool, minute: u32) -> bool {
    let closed = wish.closed.as_ref().is_some_and(|closed| closed.is_empty() || within(closed, minute));
    let weekly = within(&wish.weekly, minute) && !within(&wish.breaks, minute);
    weekly && !(is_the_day && (wish.is_holiday || closed))
}

/// The openings of a local day, minute by minute. Two minutes are of one opening when the hours of the week cover both, or
/// one additional opening does; what only touches is apart.
fn local_openings(wish: &Wish, is_the_day: bool) -> Vec<(u32, u32)> {
    let extra: &[(u32, u32)] = if is_the_day { &wish.open } else { &[] };
    let is_open = |minute| by_week(wish, is_the_day, minute) || within(extra, minute);
    let goes_on = |minute: u32| {
        let by_week = |minute| by_week(wish, is_the_day, minute);
        let both = |(start, end): &(u32, u32)| *start < minute && minute < *end;
        (by_week(minute - 1) && by_week(minute)) || extra.iter().any(both)
    };
    let mut openings: Vec<(u32, u32)> = Vec::new();
    for minute in (0..24 * 60).filter(|minute| is_open(*minute)) {
        match openings.last_mut() {
            Some(last) if last.1 == minute && goes_on(minute) => last.1 = minute + 1,
            _ => openings.push((minute, minute + 1)),
        }
    }
    openings
}

fn reference(wish: &Wish, zone: Tz, day: NaiveDate, window: TimeSlot, busy: &[TimeSlot]) -> Vec<TimeSlot> {
    let mut openings: Vec<(DateTime<Utc>, DateTime<Utc>)> = Vec::new();
    for number in 0..7 {
        let local = day - Days::new(3) + Days::new(number);
        for (start, end) in local_openings(wish, local == day) {
            let (start, end) = (rfc_moment(zone, local, start), rfc_moment(zone, local, end));
            if start < end {
                openings.push((start, end));
            }
        }
    }
    openings.sort();
    let mut merged: Vec<(DateTime<Utc>, DateTime<Utc>)> = Vec::new();
    for (start, end) in openings {
        match merged.last_mut() {
            Some(last) if start < last.1 => last.1 = last.1.max(end),
            _ => merged.push((start, end)),
        }
    }
    let mut slots = Vec::new();
    for (open, close) in merged {
        let mut start = open;
        while start + TimeDelta::minutes(wish.length) <= close {
            let slot = TimeSlot::new(start, start + TimeDelta::minutes(wish.length)).unwrap();
            let taken = TimeSlot::new(
                slot.start() - TimeDelta::minutes(wish.before),
                slot.end() + TimeDelta::minutes(wish.after),
            );
            let in_window = window.start() <= start && start < window.end();
            if in_window && busy.iter().all(|busy| !busy.overlaps(taken.unwrap())) {
                slots.push(slot);
            }
            start += TimeDelta::minutes(wish.step);
        }
    }
    slots
}

fn kind(length: i64) -> AppointmentType {
    let details = serde_json::json!({ "name": "Any", "duration_minutes": length });
    AppointmentType {
        id: Id::from_uuid(uuid::Uuid::from_u128(4)),
        details: serde_json::from_value(details).unwrap(),
        version: 1,
        created_at: moment("2026-01-01T00:00:00Z"),
        updated_at: moment("2026-01-01T00:00:00Z"),
    }
}

/// What is taken never overlaps.
fn taken(wish: &Wish, change: DateTime<Utc>) -> Vec<TimeSlot> {
    let mut taken: Vec<TimeSlot> = Vec::new();
    for (start, length) in &wish.busy {
        let start = change + TimeDelta::minutes(*start);
        let slot = TimeSlot::new(start, start + TimeDelta::minutes(*length)).unwrap();
        if taken.iter().all(|other| !other.overlaps(slot)) {
            taken.push(slot);
        }
    }
    taken
}

fn agree(wish: &Wish, zone: Tz, change: DateTime<Utc>) {
    let local = change.naive_utc() + offset(zone, change);
    let day = local.date();
    let window = TimeSlot::new(change - TimeDelta::hours(26), change + TimeDelta::hours(26)).unwrap();
    let (details, holidays) = schedule(wish, zone, day);
    details.check().unwrap();
    let busy = taken(wish, change);
    let calendar = Calendar::new(busy.iter().enumerate().map(|(number, slot)| Busy {
        resource: details.practitioner_id.uuid(),
        session: uuid::Uuid::from_u128(u128::try_from(number).unwrap()),
        seat: 0,
        slot: *slot,
    }));
    let schedule = Schedule {
        id: Id::from_uuid(uuid::Uuid::from_u128(5)),
        details,
        version: 1,
        created_at: change,
        updated_at: change,
    };
    let plan = Plan { kind: Some(kind(wish.length)), holidays, ..Plan::default() };
    let found: Vec<_> = plan.free(&schedule, &calendar, window).map(|free| free.slot).collect();
    assert_eq!(found, reference(wish, zone, day, window, &busy), "{zone} {change} {wish:?}");
}

#[test]
fn slots_are_those_of_a_slow_reference_in_every_zone_that_changes_its_clocks() {
    let mut runner =
        TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() });
    let (mut zones, mut cases) = (0, 0);
    for zone in TZ_VARIANTS {
        let changes = changes(zone);
        zones += usize::from(!changes.is_empty());
        for change in changes {
            agree(&wish().new_tree(&mut runner).unwrap().current(), zone, change);
            cases += 1;
        }
    }
    assert!(zones > 150 && cases > 600, "{zones} zones, {cases} changes");
}

#[test]
fn they_are_those_of_the_reference_on_ordinary_days_too() {
    let mut runner =
        TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() });
    for zone in [Tz::UTC, Tz::Europe__Berlin, Tz::America__New_York, Tz::Asia__Kolkata, Tz::Africa__Cairo] {
        for day in 0..40 {
            let at = moment("2026-05-01T00:00:00Z") + TimeDelta::days(day) + TimeDelta::minutes(day * 37);
            agree(&wish().new_tree(&mut runner).unwrap().current(), zone, at);
        }
    }
}
