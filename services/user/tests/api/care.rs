//! Patients in whose care they are, and glass that is broken.

use chrono::TimeDelta;
use hms_model::event::{
    AccessBreakGlass, AppointmentCancelled, AppointmentFacts, AppointmentScheduled, PractitionerCreated,
};
use hms_model::id::{AccountId, Id, PatientId, PractitionerId};
use hms_testkit::{Client, on_both_back_ends};
use serde_json::json;

use crate::surroundings::{Action, App, Role, audited_of, patient, practitioner};

const CARE_TEAM: &[(&str, &str)] = &[("HMS_RECORD_ACCESS", "care_team"), ("HMS_BREAK_GLASS", "2h")];

pub fn booked(patient_id: PatientId, practitioner_id: PractitionerId) -> AppointmentFacts {
    let start = hms_model::Clock::system().now();
    AppointmentFacts {
        appointment_id: Id::new(start),
        version: 1,
        patient_id,
        practitioner_id,
        practitioner_name: "Gregory House".into(),
        department_id: None,
        start,
        end: start + TimeDelta::minutes(30),
        status: "booked".into(),
        reason: None,
        recorded: false,
        appointment_type_id: None,
        zone: None,
        series_id: None,
        late_cancellation: false,
    }
}

/// A client of somebody of these roles who is this practitioner.
fn carer(app: &App, roles: &[Role], practitioner_id: PractitionerId) -> (Client, AccountId) {
    let mut claims = app.claims(roles);
    claims.practitioner_id = Some(practitioner_id);
    (app.client_with(claims.clone()), claims.sub)
}

async fn sees(client: &Client, path: &str) -> bool {
    let (one, list) = (client.get(path).await, client.get("/api/v1/patients").await);
    let listed = list.expect(200)["count"] == 1;
    if !listed {
        assert_eq!(one.expect_problem(403, "FORBIDDEN")["error"]["details"]["break_glass"], true);
        let change = client.patch(path, &json!({"phone": "+4930123456"})).await;
        change.expect_problem(403, "FORBIDDEN");
    }
    assert_eq!(one.status == 200, listed, "the list and the record must agree");
    listed
}

on_both_back_ends! {
    async fn those_who_treat_see_the_patients_of_their_care_and_their_department(backend) {
        let app = App::start_with(backend, CARE_TEAM).await;
        let admin = app.client(&[Role::Admin]);
        let cardiology = admin.post("/api/v1/departments", &json!({"name": "Cardiology"})).await;
        let body = practitioner(json!({"department_id": cardiology["id"]}));
        let house: PractitionerId = admin.post("/api/v1/practitioners", &body).await.id();
        let wilson: PractitionerId = admin.post("/api/v1/practitioners", &body).await.id();
        let elsewhere: PractitionerId =
            admin.post("/api/v1/practitioners", &practitioner(json!({}))).await.id();
        let ann = admin.post("/api/v1/patients", &patient(json!({}))).await;
        let path = ann.header("location");
        let (doctor, _) = carer(&app, &[Role::Doctor], house);
        let (nurse, _) = carer(&app, &[Role::Nurse], wilson);
        let (stranger, _) = carer(&app, &[Role::Doctor], elsewhere);
        assert!(!sees(&doctor, path).await);
        for role in [Role::Admin, Role::Receptionist, Role::Accountant] {
            assert!(sees(&app.client(&[role]), path).await, "{role}");
        }

        let mut facts = booked(ann.id(), house);
        app.deliver(&AppointmentScheduled(facts.clone())).await;
        assert!(sees(&doctor, path).await && !sees(&nurse, path).await && !sees(&stranger, path).await);
        doctor.patch(path, &json!({"phone": "+4930123457"})).await.expect(200);
        facts.version = 2;
        facts.department_id = Some(cardiology.id());
        app.deliver(&AppointmentScheduled(facts.clone())).await;
        assert!(sees(&nurse, path).await && !sees(&stranger, path).await);

        facts.version = 3;
        facts.status = "cancelled".into();
        app.deliver(&AppointmentCancelled(facts.clone())).await;
        // What comes late changes nothing.
        facts.version = 2;
        facts.status = "booked".into();
        app.deliver(&AppointmentScheduled(facts)).await;
        assert!(!sees(&doctor, path).await && !sees(&nurse, path).await);
        assert_eq!(app.published_of::<PractitionerCreated>().await.len(), 3);
    }

    async fn broken_glass_opens_one_record_to_one_account_for_a_time(backend) {
        let app = App::start_with(backend, CARE_TEAM).await;
        let admin = app.client(&[Role::Admin]);
        let ann = admin.post("/api/v1/patients", &patient(json!({}))).await;
        let path = ann.header("location");
        let (doctor, colleague) = (app.client(&[Role::Doctor]), app.client(&[Role::Doctor]));
        let break_it = format!("{path}/break-glass");
        doctor.post(&break_it, &json!({"reason": "because"})).await.expect_problem(400, "INVALID_REQUEST");
        doctor.post(&break_it, &json!({"reason": "Unconscious, no papers", "until": "2099-01-01T00:00:00Z"})).await
            .expect_problem(400, "INVALID_REQUEST");
        assert!(!sees(&doctor, path).await);

        let reason = json!({"reason": "Unconscious, no papers"});
        let broken = doctor.post(&break_it, &reason).await;
        assert_eq!(broken.expect(201)["reason"], reason["reason"]);
        assert!(sees(&doctor, path).await && !sees(&colleague, path).await);
        let told = app.published_of::<AccessBreakGlass>().await;
        assert_eq!((told.len(), told[0].0.patient_id), (1, ann.id()));
        let audited = audited_of(&app, Action::Execute, "break_glass").await;
        assert_eq!(audited[0].patient_ids, [ann.id()]);
        assert_eq!(audited[0].detail.as_deref(), Some("Unconscious, no papers"));

        let list = admin.get("/api/v1/break-glass").await;
        assert_eq!((&list.expect(200)["count"], &list.results()[0]), (&json!(1), &broken.body));
        let none = admin.get(&format!("/api/v1/break-glass?account_id={}", ann["id"].as_str().unwrap())).await;
        assert_eq!(none.expect(200)["count"], 0);
        doctor.get("/api/v1/break-glass").await.expect_problem(403, "FORBIDDEN");

        app.clock.advance(TimeDelta::minutes(121));
        assert!(!sees(&doctor, path).await);
    }

    async fn only_people_who_treat_break_the_glass(backend) {
        let app = App::start(backend).await;
        let admin = app.client(&[Role::Admin]);
        let ann = admin.post("/api/v1/patients", &patient(json!({}))).await;
        let break_it = format!("{}/break-glass", ann.header("location"));
        let reason = json!({"reason": "Unconscious, no papers"});
        for role in [Role::Admin, Role::Receptionist, Role::Accountant, Role::Staff, Role::Patient] {
            app.client(&[role]).post(&break_it, &reason).await.expect_problem(403, "FORBIDDEN");
        }
        let mut program = app.claims(&[Role::Doctor]);
        program.client_id = Some("a key".into());
        app.client_with(program).post(&break_it, &reason).await.expect_problem(403, "FORBIDDEN");
        let nobody = format!("/api/v1/patients/{}/break-glass", admin.get("/api/v1/departments").await.header("x-request-id"));
        assert!(matches!(app.client(&[Role::Nurse]).post(&nobody, &reason).await.status, 400 | 404));
        assert!(app.published_of::<AccessBreakGlass>().await.is_empty());
        app.client(&[Role::Nurse]).post(&break_it, &reason).await.expect(201);
    }
}
