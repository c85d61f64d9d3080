//! Figures as a table for a spreadsheet.

use std::collections::BTreeSet;

use actix_web::HttpResponse;
use hms_model::Coded;
use hms_model::money::Currency;
use hms_problem::Problem;

use crate::domain::{Report, Revenue, Row, Status, Step};

/// A column of money: its title, and which amount stands in it.
type MoneyColumn = (&'static str, fn(&Revenue) -> i64);

/// The columns of money of one currency, in minor units.
const MONEY: [MoneyColumn; 5] = [
    ("invoiced", |money| money.invoiced),
    ("credited", |money| money.credited),
    ("net", |money| money.net),
    ("collected", |money| money.collected),
    ("refunded", |money| money.refunded),
];

/// A row for each period and group; money has columns for each currency, so that nobody sums over two.
pub fn answer(report: &Report, step: Step) -> Result<HttpResponse, Problem> {
    let money = report.results.iter().filter_map(|row| row.figures.revenue.as_ref()).flatten();
    let currencies: BTreeSet<Currency> = money.map(|money| money.currency).collect();
    let rows = report.results.iter().map(|row| cells(row, &currencies));
    let name = if step == Step::Week { "weekly" } else { "daily" };
    hms_api::csv(name, std::iter::once(header(&currencies)).chain(rows))
}

fn header(currencies: &BTreeSet<Currency>) -> Vec<String> {
    let before = [
        "from",
        "to",
        "week",
        "department_id",
        "department",
        "practitioner_id",
        "practitioner",
        "appointments",
    ];
    let after = [
        "late_cancellations",
        "no_show_rate",
        "tickets",
        "called",
        "served",
        "left",
        "mean_wait_seconds",
        "p50_wait_seconds",
        "p90_wait_seconds",
        "longest_queue",
        "mean_queue",
        "booked_minutes",
        "open_minutes",
        "utilisation",
        "new_patients",
    ];
    let statuses = Status::ALL.iter().map(|status| status.code());
    let mut names: Vec<String> = before.into_iter().chain(statuses).chain(after).map(str::to_owned).collect();
    for currency in currencies {
        names.extend(MONEY.iter().map(|(name, _)| format!("{name}_{currency}")));
    }
    names
}

fn cells(row: &Row, currencies: &BTreeSet<Currency>) -> Vec<String> {
    let figures = &row.figures;
    let (waiting, utilisation) = (&figures.waiting, &figures.utilisation);
    let mut cells = vec![
        row.from.to_string(),
        row.to.to_string(),
        text(row.week.as_ref()),
        text(row.department_id),
        text(row.department.as_ref()),
        text(row.practitioner_id),
        text(row.practitioner.as_ref()),
        figures.appointments.to_string(),
    ];
    cells.extend(Status::ALL.iter().map(|status| text(figures.by_status.get(status).or(Some(&0)))));
    cells.extend([
        figures.late_cancellations.to_string(),
        text(figures.no_show_rate),
        waiting.tickets.to_string(),
        waiting.called.to_string(),
        waiting.served.to_string(),
        waiting.left.to_string(),
        text(waiting.mean_seconds),
        text(waiting.p50_seconds),
        text(waiting.p90_seconds),
        figures.queue.longest.to_string(),
        text(figures.queue.mean),
        utilisation.booked_minutes.to_string(),
        text(utilisation.open_minutes),
        text(utilisation.rate),
        text(figures.new_patients),
    ]);
    for currency in currencies {
        let all = figures.revenue.iter().flatten();
        let money = all.into_iter().find(|money| money.currency == *currency);
        cells.extend(MONEY.iter().map(|(_, of)| money.map_or(0, of).to_string()));
    }
    cells
}

/// What is not known is left empty.
fn text(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}
