//! Who sees what.

use hms_model::event::{AppointmentFacts, AppointmentScheduled, BillingInvoiceIssued, InvoiceFacts};
use hms_model::money::Currency;
use hms_model::role::{Role, Scope};
use hms_testkit::on_both_back_ends;
use serde_json::json;

use crate::common::{DAILY, World};

const TODAY: &str = "from=2026-03-02&to=2026-03-02";

on_both_back_ends! {
    async fn those_who_treat_see_their_own_figures_and_no_money(backend) {
        let world = World::start(backend).await;
        let (mia, tom) = (world.practitioner("Dr. Mia Chen").await, world.practitioner("Dr. Tom Ray").await);
        for practitioner in [mia.practitioner_id, mia.practitioner_id, tom.practitioner_id] {
            let facts = world.appointment(practitioner, "2026-03-02T09:00:00Z");
            world.app.deliver(&AppointmentScheduled(facts)).await;
        }
        let invoice = InvoiceFacts { practitioner_id: Some(mia.practitioner_id), ..world.invoice("2026-03-02", 100, Currency::EUR) };
        world.app.deliver(&BillingInvoiceIssued(invoice)).await;

        let mut claims = world.app.claims(&[Role::Doctor]);
        claims.sub = mia.account_id.unwrap();
        let doctor = world.app.client_with(claims);
        let own = doctor.get(&format!("{DAILY}?{TODAY}")).await;
        let row = &own.expect(200)["results"][0];
        assert_eq!((&row["appointments"], &row["revenue"], &row["new_patients"]), (&json!(2), &json!(null), &json!(null)));
        doctor.get(&format!("{DAILY}?{TODAY}&practitioner_id={}", mia.practitioner_id)).await.expect(200);
        let others = doctor.get(&format!("{DAILY}?{TODAY}&practitioner_id={}", tom.practitioner_id)).await;
        others.expect_problem(403, "FORBIDDEN");
        let front = doctor.get("/api/v1/analytics/dashboard").await;
        assert_eq!(front.expect(200)["today"]["appointments"], 2);

        // A doctor of whom no practitioner is known, and one who keeps the books as well.
        world.app.client(&[Role::Doctor]).get(DAILY).await.expect_problem(403, "FORBIDDEN");
        let both = world.app.client(&[Role::Doctor, Role::Accountant]).get(&format!("{DAILY}?{TODAY}")).await;
        assert_eq!(both.expect(200)["results"][0]["appointments"], 3);
        assert_eq!(both["results"][0]["revenue"][0]["invoiced"], 100);
    }

    async fn roles_without_the_scope_see_nothing_and_only_the_admin_rebuilds(backend) {
        let world = World::start(backend).await;
        for role in [Role::Nurse, Role::Receptionist, Role::Pharmacist, Role::LabTechnician, Role::Staff, Role::Patient] {
            world.app.client(&[role]).get(DAILY).await.expect_problem(403, "FORBIDDEN");
        }
        let accountant = world.app.client(&[Role::Accountant]);
        accountant.get(DAILY).await.expect(200);
        accountant.request("POST", "/api/v1/analytics/rebuild", &[], None).await.expect_problem(403, "FORBIDDEN");
        world.app.anonymous().get(DAILY).await.expect_problem(401, "UNAUTHENTICATED");
    }

    async fn what_is_bound_to_a_department_sees_that_one(backend) {
        let world = World::start(backend).await;
        let (north, south) = (world.department("North").await, world.department("South").await);
        let mia = world.practitioner("Dr. Mia Chen").await.practitioner_id;
        for department in [Some(north), Some(north), Some(south), None] {
            let facts = world.appointment(mia, "2026-03-02T09:00:00Z");
            world.app.deliver(&AppointmentScheduled(AppointmentFacts { department_id: department, ..facts })).await;
        }
        let invoice = InvoiceFacts { department_id: Some(north), ..world.invoice("2026-03-02", 100, Currency::EUR) };
        world.app.deliver(&BillingInvoiceIssued(invoice)).await;
        world.app.deliver(&BillingInvoiceIssued(world.invoice("2026-03-02", 900, Currency::EUR))).await;
        let mut claims = world.app.claims(&[Role::Admin]);
        claims.department_id = Some(north);
        let bound = world.app.client_with(claims.clone());
        let own = bound.get(&format!("{DAILY}?{TODAY}")).await;
        let row = &own.expect(200)["results"][0];
        assert_eq!((&row["appointments"], &row["new_patients"]), (&json!(2), &json!(null)));
        assert_eq!(row["revenue"][0]["invoiced"], 100);
        let grouped = bound.get(&format!("{DAILY}?{TODAY}&group_by=department")).await;
        assert_eq!(grouped.expect(200).results().len(), 1);
        bound.get(&format!("{DAILY}?{TODAY}&department_id={south}")).await.expect_problem(403, "FORBIDDEN");
        let front = bound.get("/api/v1/analytics/dashboard").await;
        assert_eq!(front.expect(200)["departments"].as_array().unwrap().len(), 1);
        // Without the scope for invoices no money is shown.
        claims.scope.retain(|scope| *scope != Scope::InvoiceRead);
        let without = world.app.client_with(claims).get(&format!("{DAILY}?{TODAY}")).await;
        assert_eq!(without.expect(200)["results"][0]["revenue"], json!(null));
    }
}
