//! Where records are the care team's, those who treat ask about patients in their care, or about themselves.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may fail by panic"
)]

use chrono::TimeDelta;
use hms_audit::Service;
use hms_model::audit::{Action, Actor, AuditEntry, Outcome};
use hms_model::event::{
    AccessBreakGlass, AuditRecorded, BreakGlassFacts, CareFacts, CareTeamChanged, PractitionerCreated,
    PractitionerFacts,
};
use hms_model::id::{AccountId, Id, PatientId};
use hms_model::role::Role;
use hms_testkit::{Answer, Backend, Client, TestService, on_both_back_ends};
use serde_json::json;

const AUDIT: &str = "/api/v1/audit";

/// Two patients, of whom one is in the care of a doctor.
struct Ward {
    app: TestService<Service>,
    doctor: Client,
    account: AccountId,
    own: PatientId,
    other: PatientId,
}

impl Ward {
    async fn open(backend: Backend) -> Self {
        let app = TestService::start_with(backend, &[("HMS_RECORD_ACCESS", "care_team")]).await;
        let claims = app.claims(&[Role::Doctor]);
        let (doctor, account, now) = (app.client_with(claims.clone()), claims.sub, app.clock.now());
        let facts = PractitionerFacts {
            practitioner_id: Id::new(now),
            version: 1,
            account_id: Some(account),
            name: "Dr. Mia Chen".into(),
            specialty: None,
            department_id: None,
            active: true,
        };
        app.deliver(&PractitionerCreated(facts.clone())).await;
        let (own, other) = (Id::new(now), Id::new(now));
        let care = CareFacts {
            appointment_id: Id::new(now),
            version: 1,
            patient_id: own,
            practitioner_id: facts.practitioner_id,
            department_id: None,
            binding: true,
        };
        app.deliver(&CareTeamChanged(care)).await;
        Self { app, doctor, account, own, other }
    }

    /// Somebody's act; its id.
    async fn act(&self, account: Option<AccountId>, patients: &[PatientId]) -> String {
        let now = self.app.clock.now();
        let entry = AuditEntry {
            id: Id::new(now),
            at: now,
            service: "user".into(),
            actor: Actor { account_id: account, roles: vec![Role::Nurse] },
            action: Action::Read,
            resource: "patient".into(),
            resource_id: None,
            patient_ids: patients.to_vec(),
            outcome: Outcome::Success,
            detail: None,
            request_id: None,
            source_ip: None,
        };
        self.app.deliver(&AuditRecorded(entry.clone())).await;
        entry.id.to_string()
    }

    async fn of(&self, query: &str) -> Answer {
        self.doctor.get(&format!("{AUDIT}?service=user&{query}")).await
    }
}

on_both_back_ends! {
    async fn who_treats_asks_about_patients_in_their_care_and_sees_no_other(backend) {
        let ward = Ward::open(backend).await;
        let (nurse, own, other) = (Some(Id::new(ward.app.clock.now())), ward.own, ward.other);
        let both = ward.act(nurse, &[other, own]).await;
        let foreign = ward.act(nurse, &[other]).await;
        let page = ward.of(&format!("patient_id={own}")).await;
        assert_eq!(page.expect(200).results()[0]["patient_ids"], json!([own]));
        assert_eq!(page.results().len(), 1);
        for query in [format!("patient_id={other}"), format!("patient_id__in={own},{other}")] {
            let refused = ward.of(&query).await;
            assert_eq!(refused.expect_problem(403, "FORBIDDEN")["error"]["details"]["break_glass"], true);
        }
        for query in ["", "action=read", &format!("actor_id={}", nurse.unwrap())] {
            ward.of(query).await.expect_problem(403, "FORBIDDEN");
        }
        assert_eq!(ward.doctor.get(&format!("{AUDIT}/{both}")).await.expect(200)["patient_ids"], json!([own]));
        ward.doctor.get(&format!("{AUDIT}/{foreign}")).await.expect_problem(403, "FORBIDDEN");
        ward.doctor.get(&format!("{AUDIT}/export")).await.expect_problem(403, "FORBIDDEN");
        ward.app.stop().await;
    }

    async fn ones_own_acts_are_shown_whole(backend) {
        let ward = Ward::open(backend).await;
        let act = ward.act(Some(ward.account), &[ward.other]).await;
        let page = ward.of(&format!("actor_id={}", ward.account)).await;
        assert_eq!(page.expect(200).results()[0]["patient_ids"], json!([ward.other]));
        ward.doctor.get(&format!("{AUDIT}/{act}")).await.expect(200);
        ward.app.stop().await;
    }

    async fn broken_glass_opens_the_audit_of_one_patient_for_a_time(backend) {
        let ward = Ward::open(backend).await;
        ward.act(None, &[ward.other]).await;
        let (now, query) = (ward.app.clock.now(), format!("patient_id={}", ward.other));
        ward.of(&query).await.expect_problem(403, "FORBIDDEN");
        let glass = BreakGlassFacts {
            break_glass_id: Id::new(now),
            version: 1,
            account_id: ward.account,
            patient_id: ward.other,
            until: now + TimeDelta::minutes(10),
        };
        ward.app.deliver(&AccessBreakGlass(glass)).await;
        assert_eq!(ward.of(&query).await.expect(200).results().len(), 1);
        ward.app.clock.advance(TimeDelta::minutes(11));
        ward.of(&query).await.expect_problem(403, "FORBIDDEN");
        ward.app.stop().await;
    }

    async fn who_does_not_treat_is_not_held_to_it(backend) {
        let ward = Ward::open(backend).await;
        ward.act(None, &[ward.other]).await;
        for roles in [&[Role::Admin][..], &[Role::Receptionist], &[Role::Doctor, Role::Admin]] {
            let page = ward.app.client(roles).get(&format!("{AUDIT}?service=user")).await;
            assert_eq!(page.expect(200).results().len(), 1, "{roles:?}");
        }
        ward.app.client(&[Role::Admin]).get(&format!("{AUDIT}/export")).await.expect(200);
        ward.app.stop().await;
    }
}
