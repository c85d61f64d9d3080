//! Where records are the care team's, those who treat see the messages of patients in their care alone.

use crate::common::{App, appointment, message, patient, reachable, wants};
use chrono::TimeDelta;
use hms_model::event::{
    AccessBreakGlass, AppointmentScheduled, BreakGlassFacts, CareFacts, CareTeamChanged, PractitionerCreated,
    PractitionerFacts,
};
use hms_model::id::{AccountId, AppointmentId, DepartmentId, Id, PatientId, PractitionerId};
use hms_model::role::Role;
use hms_testkit::{Answer, Backend, Client, on_both_back_ends};
use serde_json::json;

/// A patient with a message and a device, and a doctor who has nothing to do with them yet.
struct Ward {
    app: App,
    patient: PatientId,
    /// The patient's own client.
    own: Client,
    message: String,
    appointment: AppointmentId,
    doctor: Client,
    account: AccountId,
    practitioner: PractitionerId,
    department: DepartmentId,
}

impl Ward {
    async fn open(backend: Backend) -> Self {
        let app = App::start_with(backend, &[("HMS_RECORD_ACCESS", "care_team")]).await;
        let (patient, own) = reachable(&app).await;
        wants(&own, patient, json!({"channels": {"appointment": ["in_app"]}})).await;
        let booked = appointment(&app.clock, patient);
        app.deliver(&AppointmentScheduled(booked.clone())).await;
        let message = message(&own, "").await["id"].as_str().unwrap().to_owned();
        let claims = app.claims(&[Role::Doctor]);
        let (doctor, account, now) = (app.client_with(claims.clone()), claims.sub, app.clock.now());
        let (practitioner, department) = (Id::new(now), Id::new(now));
        // Who they are follows from the account: their token does not say it.
        let facts = PractitionerFacts {
            practitioner_id: practitioner,
            version: 1,
            account_id: Some(account),
            name: "Dr. Mia Chen".into(),
            specialty: None,
            department_id: Some(department),
            active: true,
        };
        app.deliver(&PractitionerCreated(facts)).await;
        let appointment = booked.appointment_id;
        Self { app, patient, own, message, appointment, doctor, account, practitioner, department }
    }

    async fn cared_for(&self, by: PractitionerId, at: Option<DepartmentId>, version: i64, binding: bool) {
        let facts = CareFacts {
            appointment_id: self.appointment,
            version,
            patient_id: self.patient,
            practitioner_id: by,
            department_id: at,
            binding,
        };
        self.app.deliver(&CareTeamChanged(facts)).await;
    }

    /// Each way to look or to act says the same: whether the doctor sees the patient.
    async fn seen(&self) -> bool {
        let (doctor, patient) = (&self.doctor, self.patient);
        let preferences = format!("/api/v1/notification-preferences/{patient}");
        let device = self.own.post("/api/v1/push-subscriptions", &json!({"fcm_token": "t0ken"})).await;
        let device = device.expect(201).text("id");
        let devices = doctor.get(&format!("/api/v1/push-subscriptions?patient_id={patient}")).await;
        let removed = doctor.delete(&format!("/api/v1/push-subscriptions/{device}")).await;
        let looks = [
            doctor.get(&format!("/api/v1/notifications/{}", self.message)).await,
            doctor.post(&format!("/api/v1/notifications/{}/read", self.message), &json!({})).await,
            doctor.get(&preferences).await,
            doctor.put(&preferences, &json!({})).await,
        ];
        let seen = looks[0].status == 200;
        for look in &looks {
            told(look, seen, 200);
        }
        told(&removed, seen, 204);
        for query in ["", &format!("?patient_id={patient}")] {
            let list = doctor.get(&format!("/api/v1/notifications{query}")).await;
            assert_eq!(list.expect(200)["count"] == 1, seen, "{list:?}");
        }
        assert_eq!(devices.expect(200)["count"] == 1, seen, "{devices:?}");
        seen
    }
}

fn told(answer: &Answer, seen: bool, status: u16) {
    if seen {
        answer.expect(status);
    } else {
        assert_eq!(answer.expect_problem(403, "FORBIDDEN")["error"]["details"]["break_glass"], true);
    }
}

fn nobody() -> PractitionerId {
    Id::new(chrono::DateTime::UNIX_EPOCH)
}

on_both_back_ends! {
    async fn those_who_treat_see_the_messages_of_their_care_and_their_department(backend) {
        let ward = Ward::open(backend).await;
        assert!(!ward.seen().await);
        ward.cared_for(ward.practitioner, None, 1, true).await;
        assert!(ward.seen().await);
        ward.cared_for(nobody(), Some(ward.department), 2, true).await;
        assert!(ward.seen().await);
        ward.cared_for(nobody(), None, 3, true).await;
        assert!(!ward.seen().await);
        // What comes late changes nothing.
        ward.cared_for(ward.practitioner, None, 2, true).await;
        assert!(!ward.seen().await);
        ward.cared_for(ward.practitioner, Some(ward.department), 4, false).await;
        assert!(!ward.seen().await, "what was called off binds nobody");
        ward.app.stop().await;
    }

    async fn broken_glass_shows_the_messages_of_one_patient_for_a_time(backend) {
        let ward = Ward::open(backend).await;
        let other = patient(&ward.app, "ben@example.org").await;
        let now = ward.app.clock.now();
        let glass = |patient_id| AccessBreakGlass(BreakGlassFacts {
            break_glass_id: Id::new(now),
            version: 1,
            account_id: ward.account,
            patient_id,
            until: now + TimeDelta::minutes(10),
        });
        ward.app.deliver(&glass(other)).await;
        assert!(!ward.seen().await);
        ward.app.deliver(&glass(ward.patient)).await;
        assert!(ward.seen().await);
        ward.app.clock.advance(TimeDelta::minutes(11));
        assert!(!ward.seen().await);
        ward.app.stop().await;
    }

    async fn who_does_not_treat_is_not_held_to_it(backend) {
        let ward = Ward::open(backend).await;
        for roles in [&[Role::Admin][..], &[Role::Receptionist], &[Role::Doctor, Role::Receptionist]] {
            let client = ward.app.client(roles);
            client.get(&format!("/api/v1/notifications/{}", ward.message)).await.expect(200);
            client.get(&format!("/api/v1/notification-preferences/{}", ward.patient)).await.expect(200);
            assert_eq!(client.get("/api/v1/notifications").await.expect(200)["count"], 1, "{roles:?}");
        }
        // A patient who is not known is no patient of theirs either.
        let unknown = format!("/api/v1/notification-preferences/{}", nobody());
        ward.doctor.get(&unknown).await.expect_problem(404, "NOT_FOUND");
        ward.app.stop().await;
    }

    async fn who_works_here_sees_their_own_messages(backend) {
        let ward = Ward::open(backend).await;
        let mut claims = ward.app.claims(&[Role::Doctor, Role::Patient]);
        claims.patient_id = Some(ward.patient);
        let both = ward.app.client_with(claims);
        assert_eq!(both.get("/api/v1/notifications").await.expect(200)["count"], 1);
        both.get(&format!("/api/v1/notifications/{}", ward.message)).await.expect(200);
        wants(&both, ward.patient, json!({})).await;
        ward.app.stop().await;
    }
}
