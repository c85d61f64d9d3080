//! Where records are the care team's, those who treat see the appointments of patients in their care alone.

use chrono::TimeDelta;
use hms_model::event::{
    AccessBreakGlass, BreakGlassFacts, CareFacts, CareTeamChanged, PractitionerCreated, PractitionerUpdated,
};
use hms_model::id::{AccountId, DepartmentId, Id, PatientId, PractitionerId};
use hms_model::role::Role;
use hms_testkit::{Answer, Backend, Client, TestService, on_both_back_ends};
use serde_json::{Value, json};

use crate::common::{self, APPOINTMENTS, World, at, path, practitioner_facts, wish};

const WAITLIST: &str = "/api/v1/waitlist";

/// A patient with an appointment and a place on the waitlist, and a doctor who has nothing to do with them yet.
struct Ward {
    world: World,
    patient: PatientId,
    practitioner: PractitionerId,
    department: DepartmentId,
    appointment: String,
    waits: String,
    doctor: Client,
    account: AccountId,
}

async fn world(backend: Backend, access: &str) -> World {
    let app = TestService::start_with(backend, &[("HMS_RECORD_ACCESS", access)]).await;
    let desk = app.client(&[Role::Receptionist]);
    World { app, desk }
}

impl Ward {
    async fn open(backend: Backend) -> Self {
        let world = world(backend, "care_team").await;
        let (patient, department) = (world.patient().await, world.department().await);
        let claims = world.app.claims(&[Role::Doctor]);
        let (doctor, account) = (world.app.client_with(claims.clone()), claims.sub);
        // Who they are follows from the account: their token does not say it.
        let mut facts = practitioner_facts(Id::new(world.app.clock.now()), 1, true);
        facts.account_id = Some(account);
        facts.department_id = Some(department);
        world.app.deliver(&PractitionerCreated(facts.clone())).await;
        let booking = wish(patient, world.practitioner().await, &at(540), &at(570));
        let appointment = world.desk.post(APPOINTMENTS, &booking).await.expect(201).text("id");
        let waits = json!({ "patient_id": patient, "start": at(2_000), "end": at(3_000) });
        let waits = world.desk.post(WAITLIST, &waits).await.expect(201).text("id");
        let practitioner = facts.practitioner_id;
        Self { world, patient, practitioner, department, appointment, waits, doctor, account }
    }

    async fn cared_for(&self, by: PractitionerId, at: Option<DepartmentId>, version: i64, binding: bool) {
        let facts = CareFacts {
            appointment_id: self.appointment.parse().unwrap(),
            version,
            patient_id: self.patient,
            practitioner_id: by,
            department_id: at,
            binding,
        };
        self.world.app.deliver(&CareTeamChanged(facts)).await;
    }

    /// Each way to look or to act says the same: whether the doctor sees the patient.
    async fn seen(&self) -> bool {
        let doctor = &self.doctor;
        let patch = json!({ "description": "seen" });
        let looks = [
            doctor.get(&path(&self.appointment)).await,
            doctor.patch(&path(&self.appointment), &patch).await,
            doctor.get(&format!("{WAITLIST}/{}", self.waits)).await,
        ];
        let seen = looks[0].status == 200;
        for look in &looks {
            told(look, seen);
        }
        for list in [APPOINTMENTS, WAITLIST] {
            let list = doctor.get(&format!("{list}?patient_id={}", self.patient)).await;
            assert_eq!(list.expect(200)["count"] == 1, seen, "{list:?}");
        }
        seen
    }

    /// The same of what makes something.
    async fn booked(&self, start: i64) -> Answer {
        let booking = wish(self.patient, self.practitioner, &at(start), &at(start + 30));
        self.doctor.post(APPOINTMENTS, &booking).await
    }
}

fn told(answer: &Answer, seen: bool) {
    if seen {
        answer.expect(200);
    } else {
        assert_eq!(answer.expect_problem(403, "FORBIDDEN")["error"]["details"]["break_glass"], true);
    }
}

fn none() -> PractitionerId {
    Id::new(chrono::DateTime::UNIX_EPOCH)
}

on_both_back_ends! {
    async fn those_who_treat_see_the_appointments_of_their_care_and_their_department(backend) {
        let ward = Ward::open(backend).await;
        assert!(!ward.seen().await);
        ward.cared_for(ward.practitioner, None, 1, true).await;
        assert!(ward.seen().await);
        ward.cared_for(none(), Some(ward.department), 2, true).await;
        assert!(ward.seen().await);
        ward.cared_for(none(), None, 3, true).await;
        assert!(!ward.seen().await);
        // What comes late changes nothing.
        ward.cared_for(ward.practitioner, None, 2, true).await;
        assert!(!ward.seen().await);
        ward.cared_for(ward.practitioner, None, 4, false).await;
        assert!(!ward.seen().await, "what was called off binds nobody");
    }

    async fn who_a_practitioner_is_may_be_told_later_than_that_there_is_one(backend) {
        let ward = Ward::open(backend).await;
        let (practitioner, claims) = (Id::new(ward.world.app.clock.now()), ward.world.app.claims(&[Role::Doctor]));
        let mut facts = practitioner_facts(practitioner, 1, true);
        ward.world.app.deliver(&PractitionerCreated(facts.clone())).await;
        ward.cared_for(none(), Some(ward.department), 1, true).await;
        let doctor = ward.world.app.client_with(claims.clone());
        told(&doctor.get(&path(&ward.appointment)).await, false);
        // A version of the service that kept less had it from the same event.
        facts.account_id = Some(claims.sub);
        facts.department_id = Some(ward.department);
        ward.world.app.deliver(&PractitionerUpdated(facts)).await;
        told(&doctor.get(&path(&ward.appointment)).await, true);
    }

    async fn broken_glass_opens_the_appointments_of_one_patient_for_a_time(backend) {
        let ward = Ward::open(backend).await;
        let now = ward.world.app.clock.now();
        let glass = |account_id| AccessBreakGlass(BreakGlassFacts {
            break_glass_id: Id::new(now),
            version: 1,
            account_id,
            patient_id: ward.patient,
            until: now + TimeDelta::hours(2),
        });
        ward.world.app.deliver(&glass(Id::new(now))).await;
        assert!(!ward.seen().await, "a colleague did");
        ward.world.app.deliver(&glass(ward.account)).await;
        assert!(ward.seen().await);
        ward.world.app.clock.advance(TimeDelta::minutes(121));
        assert!(!ward.seen().await);
    }

    async fn nobody_comes_to_a_record_by_booking(backend) {
        let ward = Ward::open(backend).await;
        told(&ward.booked(600).await, false);
        let times = json!({ "rule": "FREQ=WEEKLY;COUNT=2", "zone": "UTC" });
        let series = common::with(&wish(ward.patient, ward.practitioner, &at(660), &at(690)), times);
        told(&ward.doctor.post(&format!("{APPOINTMENTS}/series"), &series).await, false);
        let waits = json!({ "patient_id": ward.patient, "start": at(2_000), "end": at(3_000) });
        told(&ward.doctor.post(WAITLIST, &waits).await, false);
        for (step, body) in [("cancel", Some(json!({ "reason": "none" }))), ("arrive", None), ("noshow", None)] {
            let step = format!("{}/{step}", path(&ward.appointment));
            let answer = match body {
                Some(body) => ward.doctor.post(&step, &body).await,
                None => ward.doctor.request("POST", &step, &[], None).await,
            };
            told(&answer, false);
        }
        told(&ward.doctor.delete(&path(&ward.appointment)).await, false);
        told(&ward.doctor.delete(&format!("{WAITLIST}/{}", ward.waits)).await, false);
        ward.cared_for(ward.practitioner, None, 1, true).await;
        ward.booked(600).await.expect(201);
    }

    async fn a_calendar_shows_who_is_in_ones_care(backend) {
        let ward = Ward::open(backend).await;
        ward.cared_for(ward.practitioner, None, 1, true).await;
        ward.booked(600).await.expect(201);
        ward.cared_for(ward.practitioner, None, 2, false).await;
        let calendar = format!("/api/v1/practitioners/{}/calendar.ics", ward.practitioner);
        let events = |answer: Answer| answer.expect(200).body.as_str().unwrap().matches("BEGIN:VEVENT").count();
        assert_eq!(events(ward.world.desk.get(&calendar).await), 1);
        assert_eq!(events(ward.doctor.get(&calendar).await), 0);
    }

    async fn the_front_desk_and_other_settings_are_not_held_to_it(backend) {
        let ward = Ward::open(backend).await;
        for roles in [&[Role::Receptionist][..], &[Role::Admin], &[Role::Doctor, Role::Receptionist]] {
            ward.world.app.client(roles).get(&path(&ward.appointment)).await.expect(200);
        }
        ward.world.app.client_of_patient(ward.patient).get(&path(&ward.appointment)).await.expect(200);
        let open = world(backend, "organisation").await;
        let booked = open.booked(&at(540), &at(570)).await;
        open.app.client(&[Role::Doctor]).get(&path(&booked.text("id"))).await.expect(200);
    }

    async fn who_works_here_and_is_a_patient_here_acts_for_themselves_by_that(backend) {
        let world = world(backend, "organisation").await;
        let (own, other) = (world.patient().await, world.patient().await);
        let practitioner = world.practitioner().await;
        // A pharmacist books nothing; as a patient they do it for themselves.
        let mut claims = world.app.claims(&[Role::Pharmacist, Role::Patient]);
        claims.patient_id = Some(own);
        let both = world.app.client_with(claims);
        both.post(APPOINTMENTS, &wish(other, practitioner, &at(540), &at(570))).await.expect_problem(403, "FORBIDDEN");
        let booked: Value = both.post(APPOINTMENTS, &wish(own, practitioner, &at(540), &at(570))).await.expect(201).body.clone();
        assert_eq!(booked["patient_id"], json!(own));
    }
}
