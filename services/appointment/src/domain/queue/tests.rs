//! The rules of the queue, by tables and against random queues.

use chrono::{DateTime, TimeDelta, Utc};
use hms_model::Coded;
use hms_model::id::{DepartmentId, Id};
use proptest::prelude::*;

use super::*;

fn at(minutes: i64) -> DateTime<Utc> {
    let day: DateTime<Utc> = "2026-03-02T08:00:00Z".parse().unwrap();
    day + TimeDelta::minutes(minutes)
}

fn ticket(triage: Triage, appointment: Option<i64>, arrived: i64, nth: i64) -> Ticket {
    let now = at(arrived);
    let department: DepartmentId = Id::new(now);
    let appointment = appointment.map(|start| (Id::new(now), at(start)));
    let arrival =
        Arrival { department_id: department, day: now.date_naive(), triage, patient_id: None, appointment };
    Ticket::give(Id::new(now), arrival, "A", nth, now)
}

#[test]
fn triage_comes_first_then_the_appointment_or_the_arrival() {
    use Triage::{Immediate, Standard, Urgent};
    // Triage, appointment, arrival; in the order in which they are due.
    let cases = [
        (Immediate, None, 50),
        (Urgent, None, 40),
        (Urgent, Some(45), 41),
        (Standard, Some(0), 5),
        (Standard, Some(0), 15),
        (Standard, None, 10),
        // Too late for eight o'clock: in line from the arrival on.
        (Standard, Some(0), 16),
        // Early for the appointment: not before its time.
        (Standard, Some(30), 1),
        (Standard, None, 31),
    ];
    let expected: Vec<_> = (1_i64..)
        .zip(cases)
        .map(|(nth, (triage, appointment, arrived))| ticket(triage, appointment, arrived, nth))
        .collect();
    let mut line = expected.clone();
    line.reverse();
    line.sort_by(by_turn);
    let numbers = |line: &[Ticket]| line.iter().map(|ticket| ticket.number.clone()).collect::<Vec<_>>();
    assert_eq!(numbers(&line), numbers(&expected));
}

#[test]
fn every_move_that_is_not_in_the_table_is_refused() {
    let now = at(0);
    for from in TicketStatus::ALL {
        for to in TicketStatus::ALL {
            let ticket = Ticket { status: *from, ..ticket(Triage::Standard, None, 0, 1) };
            let desk = Desk {
                id: Id::new(now),
                department_id: ticket.department_id,
                name: "Desk 1".parse().unwrap(),
                created_at: now,
            };
            let outcome = ticket.become_status(*to, Some(&desk), now);
            assert_eq!(outcome.is_ok(), from.moves().contains(to), "{from} to {to}");
        }
    }
    let waiting = ticket(Triage::Standard, None, 0, 1);
    assert!(waiting.become_status(TicketStatus::Called, None, now).is_err());
    let elsewhere = Desk {
        id: Id::new(now),
        department_id: Id::new(now),
        name: "Desk 1".parse().unwrap(),
        created_at: now,
    };
    assert!(waiting.become_status(TicketStatus::Called, Some(&elsewhere), now).is_err());
}

#[test]
fn letters_go_on_after_z() {
    let cases = [(0, "A"), (25, "Z"), (26, "AA"), (27, "AB"), (701, "ZZ"), (702, "AAA")];
    for (index, expected) in cases {
        assert_eq!(letters(index), expected, "{index}");
    }
    assert_eq!(ticket(Triage::Standard, None, 0, 12).number, "A012");
    assert_eq!(ticket(Triage::Standard, None, 0, 1234).number, "A1234");
}

#[test]
fn the_wait_is_a_round_for_each_time_that_the_desks_must_become_free() {
    let each = TimeDelta::minutes(6);
    // Ahead, desks, of these taken; rounds.
    let cases = [
        (0, 1, 0, 0),
        (0, 1, 1, 1),
        (1, 1, 0, 1),
        (1, 1, 1, 2),
        (0, 3, 2, 0),
        (1, 3, 2, 1),
        (3, 3, 2, 1),
        (4, 3, 2, 2),
        (5, 3, 3, 2),
        (0, 0, 0, 0),
        (2, 0, 0, 2),
    ];
    for (ahead, desks, taken, rounds) in cases {
        assert_eq!(wait(ahead, desks, taken, each), each * rounds, "{ahead} {desks} {taken}");
    }
    assert_eq!(average_service(&[]), TimeDelta::minutes(10));
    let times = [TimeDelta::minutes(4), TimeDelta::minutes(8), TimeDelta::hours(9), TimeDelta::minutes(-5)];
    assert_eq!(average_service(&times), TimeDelta::minutes(18));
}

proptest! {
    /// A queue in which people arrive, are called and are moved, against a plain list.
    #[test]
    fn whoever_is_moved_stands_where_they_were_put(
        arrivals in prop::collection::vec((0_usize..5, prop::option::of(0_i64..8), 0_i64..8), 1..12),
        moves in prop::collection::vec((0_usize..12, 1_usize..14), 0..20),
    ) {
        let mut line: Vec<Ticket> = (1_i64..)
            .zip(&arrivals)
            .map(|(nth, (triage, appointment, arrived))| {
                ticket(Triage::ALL[*triage], appointment.map(|slot| slot * 10), arrived * 10, nth)
            })
            .collect();
        line.sort_by(by_turn);
        for pair in line.windows(2) {
            let key = |ticket: &Ticket| (ticket.triage.rank(), due(ticket.appointment_start, ticket.arrived_at));
            prop_assert!(key(&pair[0]) <= key(&pair[1]));
        }
        for (which, position) in moves {
            let moved = line.remove(which % line.len());
            let place = place_at(&line, position, moved.place);
            let moved = moved.moved(place, at(100)).unwrap();
            let mut model: Vec<_> = line.iter().map(|ticket| ticket.id).collect();
            model.insert((position - 1).min(model.len()), moved.id);
            line.push(moved);
            line.sort_by(by_turn);
            let found: Vec<_> = line.iter().map(|ticket| ticket.id).collect();
            prop_assert_eq!(found, model);
        }
    }
}
