//! `GET /accounting/reports/receivables`.

use actix_web::web::Query;
use actix_web::{HttpResponse, get};
use hms_api::Problems;
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::Call;

use super::{Asked, asked, decimal, reply};
use crate::domain::Side;
use crate::domain::report::Age;
use crate::store;

/// What is open today of patients and of insurances, by how long it has been due. `from` and `to` say nothing here.
#[utoipa::path(tag = "reports", params(Asked), operation_id = "receivables",
    responses((status = 200, body = Vec<Age>), Problems), security(("bearer" = ["ledger:read"])))]
#[get("/accounting/reports/receivables")]
pub async fn receivables(
    call: Call<scope::LedgerRead>,
    query: Result<Query<Asked>, actix_web::Error>,
) -> Result<HttpResponse, Problem> {
    let asked = asked(&call, query)?;
    let currency = asked.currency;
    let today = call.context().clock.now().date_naive();
    let open = call.read(move |db| Ok(store::reports::open(db, currency)?)).await?;
    let mut patients = Age { side: Side::Patient.to_string(), ..Age::default() };
    let mut payers = Age { side: Side::Payer.to_string(), ..Age::default() };
    for (due_on, patient, payer) in open {
        let days = (today - due_on).num_days();
        patients.add(days, patient);
        payers.add(days, payer);
    }
    let ages = vec![patients, payers];
    reply(&asked, "receivables", &ages, || {
        let header = ["side", "not_due", "days_1_30", "days_31_60", "days_61_90", "days_over_90", "total"];
        let row = |age: &Age| {
            let amounts =
                [age.not_due, age.days_1_30, age.days_31_60, age.days_61_90, age.days_over_90, age.total];
            let amounts = amounts.into_iter().map(|amount| decimal(amount, currency));
            std::iter::once(age.side.clone()).chain(amounts).collect()
        };
        std::iter::once(header.map(String::from).to_vec()).chain(ages.iter().map(row)).collect()
    })
}
