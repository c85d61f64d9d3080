//! The rules, by tables of cases and by properties over many random ones.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use hms_model::Coded;
use hms_model::id::{Id, InvoiceId};
use hms_model::money::{Currency, Money, Quantity, Rate};
use proptest::prelude::*;

use super::booking::{self, Stamp};
use super::dunning::Steps;
use super::*;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_772_438_400, 0).unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn eur(amount: i64) -> Money {
    Money::new(amount, Currency::EUR)
}

fn quantity(thousandths: i64) -> Quantity {
    format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000).try_into().unwrap()
}

fn line(price: i64, thousandths: i64, discount: i64, amount: i64, tax: i64) -> NewLine {
    NewLine {
        code: None,
        description: "A visit".parse().unwrap(),
        quantity: quantity(thousandths),
        unit_price: eur(price),
        discount_rate: Rate::try_from(discount).unwrap(),
        discount_amount: amount,
        tax_rate: Rate::try_from(tax).unwrap(),
    }
}

fn draft(lines: Vec<NewLine>) -> Result<Invoice, Refusal> {
    let draft = Draft {
        patient_id: Id::new(now()),
        appointment_id: None,
        practitioner_id: None,
        department_id: None,
        coverage_id: None,
        payer_id: None,
        currency: Currency::EUR,
        lines,
        note: None,
        reference: None,
    };
    Invoice::draft(draft, Id::new(now()), now())
}

fn issued(total: i64, payer: i64) -> Invoice {
    let issue = Issue { on: day("2026-03-02"), due_on: day("2026-04-01"), payer_due: eur(payer) };
    let owed = draft(vec![line(total, 1_000, 0, 0, 0)]).unwrap().issue(issue, now()).unwrap();
    owed.numbered("INV-000001".into())
}

fn stamp() -> Stamp {
    Stamp { id: Id::new(now()), on: day("2026-03-02"), now: now() }
}

#[test]
fn a_line_is_price_then_discount_then_tax() {
    let cases = [
        ((1_000, 1_000, 0, 0, 0), (0, 1_000, 0, 1_000)),
        ((1_000, 1_500, 0, 0, 190_000), (0, 1_500, 285, 1_785)),
        ((999, 3_000, 100_000, 0, 190_000), (300, 2_697, 512, 3_209)),
        ((999, 3_000, 100_000, 50, 70_000), (350, 2_647, 185, 2_832)),
        ((5, 500, 0, 0, 0), (0, 3, 0, 3)),
        ((1_000, 1_000, 1_000_000, 0, 190_000), (1_000, 0, 0, 0)),
    ];
    for ((price, count, discount, amount, tax), expected) in cases {
        let line = line(price, count, discount, amount, tax).price(Currency::EUR).unwrap();
        let found = (line.discount.amount, line.net.amount, line.tax.amount, line.total.amount);
        assert_eq!(found, expected, "{price} x {count}");
    }
    let refused = [
        (line(-1, 1_000, 0, 0, 0), "a price must not be negative"),
        (line(100, 1_000, 0, 101, 0), "a discount must not be larger than the price"),
        (line(100, 1_000, 0, -1, 0), "a discount must not be negative"),
    ];
    for (line, reason) in refused {
        assert_eq!(line.price(Currency::EUR), Err(Refusal::Line(reason)));
    }
    assert!(matches!(line(i64::MAX, 2_000, 0, 0, 0).price(Currency::EUR), Err(Refusal::Money(_))));
}

#[test]
fn the_states_and_the_moves_between_them() {
    use Status::*;
    let allowed = [
        (Draft, vec![Issued, Void]),
        (Issued, vec![PartlyPaid, Paid, Void, WrittenOff]),
        (PartlyPaid, vec![Issued, Paid, WrittenOff]),
        (Paid, vec![Issued, PartlyPaid]),
        (Void, vec![]),
        (WrittenOff, vec![]),
    ];
    for (from, to) in allowed {
        for next in Status::ALL {
            let expected = if to.contains(next) { Ok(*next) } else { Err(Refusal::Illegal(from)) };
            assert_eq!(from.to(*next), expected, "{from} to {next}");
        }
    }
}

#[test]
fn payments_settle_and_refunds_open_again() {
    let invoice = issued(1_000, 300);
    assert_eq!((invoice.status, invoice.open), (Status::Issued, eur(1_000)));
    let part = invoice.settle(Side::Patient, eur(200), now()).unwrap();
    assert_eq!((part.status, part.open), (Status::PartlyPaid, eur(800)));
    let more = part.settle(Side::Patient, eur(501), now());
    assert_eq!(more, Err(Refusal::TooMuch(eur(500))));
    let paid = part.settle(Side::Patient, eur(500), now()).unwrap();
    let paid = paid.settle(Side::Payer, eur(300), now()).unwrap();
    assert_eq!((paid.status, paid.open), (Status::Paid, eur(0)));
    let open = paid.settle(Side::Payer, eur(-300), now()).unwrap();
    assert_eq!((open.status, open.open), (Status::PartlyPaid, eur(300)));
    assert_eq!(paid.void(now()), Err(Refusal::Settled));
    assert_eq!(invoice.void(now()).unwrap().status, Status::Void);
    assert_eq!(paid.write_off(now()), Err(Refusal::Illegal(Status::Paid)));
    let off = part.write_off(now()).unwrap();
    assert_eq!(off.settle(Side::Patient, eur(1), now()), Err(Refusal::Illegal(Status::WrittenOff)));
}

#[test]
fn an_invoice_over_nothing_is_paid_at_once_and_one_without_lines_is_none() {
    assert_eq!(issued(0, 0).status, Status::Paid);
    assert_eq!(draft(Vec::new()).unwrap().issuable(), Err(Refusal::NoLines));
    assert_eq!(booking::issued(&issued(0, 0), stamp()), Ok(None));
}

#[test]
fn a_credit_is_shared_as_the_invoice_is_and_what_was_paid_becomes_credit() {
    let invoice = issued(1_000, 400).settle(Side::Patient, eur(600), now()).unwrap();
    let credited = invoice.credited_by(eur(500)).unwrap();
    let parts = [credited.patient, credited.patient_excess, credited.payer, credited.payer_excess];
    assert_eq!(parts, [eur(300), eur(300), eur(200), eur(0)]);
    let next =
        invoice.settle(Side::Patient, eur(-300), now()).unwrap().take_credit(&credited, now()).unwrap();
    assert_eq!((next.status, next.open), (Status::PartlyPaid, eur(200)));
    assert_eq!(next.credited_by(eur(501)), Err(Refusal::TooMuch(eur(500))));
    assert_eq!(next.void(now()), Err(Refusal::Settled));
}

#[test]
fn the_split_between_payer_and_patient() {
    let terms = |share, copay, most| Terms { share: Rate::try_from(share).unwrap(), copay, most };
    let cases = [
        (terms(800_000, 0, None), 1_000, 800),
        (terms(800_000, 100, None), 1_000, 720),
        (terms(800_000, 100, Some(500)), 1_000, 500),
        (terms(1_000_000, 0, None), 999, 999),
        (terms(0, 0, None), 999, 0),
        (terms(800_000, 5_000, None), 1_000, 0),
        (terms(500_000, 0, None), 1, 1),
        (terms(500_000, 0, None), 0, 0),
    ];
    for (terms, total, expected) in cases {
        assert_eq!(terms.payer_part(eur(total)), Ok(eur(expected)), "{terms:?} of {total}");
    }
}

#[test]
fn the_price_of_a_day_is_the_one_that_began_last() {
    let price = |from: &str, amount, currency| Price {
        valid_from: day(from),
        price: Money::new(amount, currency),
        tax_rate: Rate::ZERO,
    };
    let prices = [
        price("2026-03-01", 300, Currency::EUR),
        price("2026-01-01", 100, Currency::EUR),
        price("2026-02-01", 200, Currency::EUR),
        price("2026-02-15", 999, Currency::USD),
    ];
    let cases = [
        ("2025-12-31", None),
        ("2026-01-01", Some(100)),
        ("2026-02-20", Some(200)),
        ("2026-03-01", Some(300)),
        ("2030-01-01", Some(300)),
    ];
    for (on, expected) in cases {
        let found = price_at(&prices, day(on), Currency::EUR).map(|price| price.price.amount);
        assert_eq!(found, expected, "{on}");
    }
}

#[test]
fn dunning_goes_by_days() {
    let steps: Steps = "7,21,35".parse().unwrap();
    let due = day("2026-03-01");
    for (late, level) in [(-5, 0), (0, 0), (6, 0), (7, 1), (20, 1), (21, 2), (35, 3), (400, 3)] {
        let today = due + TimeDelta::days(late);
        for asked in 1..=3_usize {
            let before = steps.due_before(asked, today).unwrap();
            assert_eq!(due <= before, level >= i64::try_from(asked).unwrap(), "{late}, level {asked}");
        }
    }
    for wrong in ["", "7", "7,21", "21,7,35", "0,1,2", "a,b,c", "1,2,3,4"] {
        assert!(wrong.parse::<Steps>().is_err(), "{wrong}");
    }
}

#[test]
fn a_statement_finds_its_payments_once() {
    let payment = |reference: &str, amount| {
        let new = NewPayment {
            method: Method::Transfer,
            patient_id: None,
            payer_id: None,
            invoice_id: None,
            amount: eur(amount),
            received_on: day("2026-03-01"),
            reference: Some(reference.parse().unwrap()),
            source: None,
            by_provider: false,
        };
        Payment::new(new, Id::new(now()), now()).unwrap()
    };
    let payments = [payment("INV-000001", 1_000), payment("inv-000001", 1_000), payment("INV-000002", 500)];
    let text = "reference,date,amount,currency,balance\n\
                transfer inv-000001 thanks,2026-03-02,10.00,EUR,1\n\
                INV-000001,2026-03-02,10,EUR,1\n\
                INV-000001,2026-03-02,10.00,EUR,1\n\
                INV-000002,2026-03-02,5.01,EUR,1\n\
                INV-000002,2026-03-02,5.00,USD,1\n";
    let found = statement::match_up(&statement::read(text).unwrap(), &payments);
    let found: Vec<_> = found.into_iter().map(|found| (found.line, found.payment_id)).collect();
    let id = |index: usize| Some(payments[index].id);
    assert_eq!(found, [(2, id(0)), (3, id(1)), (4, None), (5, None), (6, None)]);
    for wrong in ["date,amount\n2026-01-01,1", "date,amount,currency,reference\n2026-13-01,1.00,EUR,x"] {
        assert!(statement::read(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn claims_go_their_way() {
    let claim = Claim {
        id: Id::new(now()),
        invoice_id: Id::new(now()),
        payer_id: Id::new(now()),
        coverage_id: None,
        patient_id: Id::new(now()),
        status: ClaimStatus::Submitted,
        claimed: eur(500),
        agreed: None,
        reason: None,
        version: 1,
        created_at: now(),
        updated_at: now(),
    };
    let (part, rest) = claim.accept(eur(300), None, now()).unwrap();
    assert_eq!((part.status, part.agreed, rest), (ClaimStatus::Accepted, Some(eur(300)), eur(200)));
    assert_eq!(claim.accept(eur(501), None, now()), Err(Refusal::TooMuch(eur(500))));
    assert_eq!(part.accept(eur(1), None, now()), Err(Refusal::IllegalClaim(ClaimStatus::Accepted)));
    assert!(part.become_status(ClaimStatus::Rejected, now()).is_err());
}

fn balanced(entry: Result<Option<Entry>, Refusal>) -> Result<(), TestCaseError> {
    if let Some(entry) = entry.unwrap() {
        prop_assert_eq!(entry.postings.iter().map(|posting| i128::from(posting.amount)).sum::<i128>(), 0);
        prop_assert!(entry.postings.len() >= 2);
    }
    Ok(())
}

fn any_line() -> impl Strategy<Value = NewLine> {
    (0_i64..10_000_000, 1_i64..100_000, 0_i64..=1_000_000, 0_i64..=1_000_000)
        .prop_map(|(price, count, discount, tax)| line(price, count, discount, 0, tax))
}

proptest! {
    #[test]
    fn lines_sum_to_the_total(lines in proptest::collection::vec(any_line(), 0..40)) {
        let invoice = draft(lines).unwrap();
        let sum = |part: fn(&Line) -> Money| invoice.lines.iter().map(|line| part(line).amount).sum::<i64>();
        prop_assert_eq!(sum(|line| line.total), invoice.total.amount);
        prop_assert_eq!(sum(|line| line.net), invoice.net.amount);
        prop_assert_eq!(sum(|line| line.tax), invoice.tax.amount);
        prop_assert_eq!(invoice.net.amount + invoice.tax.amount, invoice.total.amount);
        for line in &invoice.lines {
            prop_assert!(line.net.amount >= 0 && line.discount.amount >= 0);
            prop_assert_eq!(line.net.amount + line.tax.amount, line.total.amount);
        }
    }

    /// Whatever happens to an invoice, its parts stay whole and each entry balances.
    #[test]
    fn whatever_happens_the_parts_stay_whole(
        total in 1_i64..1_000_000,
        payer in 0_i64..=1_000_000,
        steps in proptest::collection::vec((0_u8..4, 1_i64..600_000), 0..30),
    ) {
        let mut invoice = issued(total, payer.min(total));
        balanced(booking::issued(&invoice, stamp()))?;
        for (step, amount) in steps {
            let side = if step % 2 == 0 { Side::Patient } else { Side::Payer };
            let next = match step {
                0 | 1 => invoice.settle(side, eur(amount), now()),
                2 => invoice.shift_to_patient(eur(amount), now()),
                _ => invoice.credited_by(eur(amount)).and_then(|credited| {
                    prop_credit(&invoice, &credited)
                }),
            };
            if let Ok(next) = next {
                prop_assert_eq!(next.patient_due.amount + next.payer_due.amount, total);
                prop_assert!(next.patient_settled.amount <= next.patient_due.amount);
                prop_assert!(next.payer_settled.amount <= next.payer_due.amount);
                let settled = next.patient_settled.amount + next.payer_settled.amount;
                prop_assert_eq!(next.open.amount, total - settled);
                prop_assert_eq!(next.status == Status::Paid, next.open.is_zero());
                invoice = next;
            }
        }
        if invoice.status.moves().contains(&Status::WrittenOff) {
            balanced(booking::written_off(&invoice, stamp()))?;
        }
    }

    #[test]
    fn a_split_never_leaves_its_bounds(
        total in 0_i64..i64::MAX / 2, share in 0_i64..=1_000_000, copay in 0_i64..i64::MAX, most in proptest::option::of(0_i64..i64::MAX)
    ) {
        let terms = Terms { share: Rate::try_from(share).unwrap(), copay, most };
        let part = terms.payer_part(eur(total)).unwrap();
        prop_assert!((0..=total).contains(&part.amount));
    }
}

/// A credit as the service takes it in: payments of the excess come off first.
fn prop_credit(invoice: &Invoice, credited: &Credited) -> Result<Invoice, Refusal> {
    let note = invoice.credit_note(InvoiceId::new(now()), Vec::new(), "x".parse().unwrap(), now())?;
    let amount = credited.patient.plus(credited.payer)?;
    let note = Invoice { net: amount, total: amount, ..note };
    let entry = booking::credited(&note, credited, stamp())?.unwrap();
    assert_eq!(entry.postings.iter().map(|posting| posting.amount).sum::<i64>(), 0);
    invoice
        .settle(Side::Patient, credited.patient_excess.negated()?, now())?
        .settle(Side::Payer, credited.payer_excess.negated()?, now())?
        .take_credit(credited, now())
}
