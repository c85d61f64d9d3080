//! Which patient and which practitioner an account is, as the user service tells it.

use hms_model::event::{
    Envelope, PatientCreated, PatientFacts, PatientUpdated, PractitionerFacts, PractitionerUpdated,
};
use hms_model::id::{AccountId, Id, PatientId};
use hms_testkit::on_both_back_ends;

use crate::{App, claims, refresh, register, sign_in};

on_both_back_ends! {
    async fn the_next_token_carries_the_patient(backend) {
        let app = App::start(backend).await;
        let account: AccountId = register(&app, "ann@example.org").await.expect(201).id();
        let tokens = sign_in(&app, "ann@example.org").await;
        assert_eq!(claims(&app, &tokens).await.patient_id, None);
        let patient = Id::new(app.clock.now());
        app.deliver(&PatientCreated(facts(patient, 1, Some(account)))).await;
        let tokens = refresh(&app, &tokens.text("refresh")).await;
        assert_eq!(claims(&app, &tokens).await.patient_id, Some(patient));
        assert_eq!(tokens["account"]["patient_id"], patient.to_string());
        assert_eq!(tokens["account"]["version"], 2);
        assert_eq!(claims(&app, &sign_in(&app, "ann@example.org").await).await.patient_id, Some(patient));
    }

    async fn a_practitioner_is_linked_likewise(backend) {
        let app = App::start(backend).await;
        let account: AccountId = register(&app, "lind@example.org").await.expect(201).id();
        let practitioner_id = Id::new(app.clock.now());
        app.deliver(&PractitionerUpdated(PractitionerFacts {
            practitioner_id,
            version: 4,
            account_id: Some(account),
            name: "Dr Lind".into(),
            specialty: None,
            department_id: None,
            active: true,
        }))
        .await;
        let tokens = sign_in(&app, "lind@example.org").await;
        assert_eq!(claims(&app, &tokens).await.practitioner_id, Some(practitioner_id));
    }

    async fn news_that_come_twice_or_late_change_nothing(backend) {
        let app = App::start(backend).await;
        let ann: AccountId = register(&app, "ann@example.org").await.expect(201).id();
        let ben: AccountId = register(&app, "ben@example.org").await.expect(201).id();
        let patient = Id::new(app.clock.now());
        let third = envelope(&app, &PatientUpdated(facts(patient, 3, Some(ben))));
        app.deliver_envelope(third.clone()).await.unwrap();
        app.deliver_envelope(third).await.unwrap();
        app.deliver(&PatientCreated(facts(patient, 1, None))).await;
        app.deliver(&PatientUpdated(facts(patient, 2, Some(ann)))).await;
        assert_eq!(linked(&app, "ann@example.org").await, (None, 1));
        assert_eq!(linked(&app, "ben@example.org").await, (Some(patient), 2));
        // What says nothing new of the account leaves it as it is.
        app.deliver(&PatientUpdated(facts(patient, 4, Some(ben)))).await;
        assert_eq!(linked(&app, "ben@example.org").await, (Some(patient), 2));
    }

    async fn a_patient_moves_to_another_account_or_to_none(backend) {
        let app = App::start(backend).await;
        let ann: AccountId = register(&app, "ann@example.org").await.expect(201).id();
        let ben: AccountId = register(&app, "ben@example.org").await.expect(201).id();
        let patient = Id::new(app.clock.now());
        app.deliver(&PatientCreated(facts(patient, 1, Some(ann)))).await;
        app.deliver(&PatientUpdated(facts(patient, 2, Some(ben)))).await;
        assert_eq!(linked(&app, "ann@example.org").await, (None, 3));
        assert_eq!(linked(&app, "ben@example.org").await, (Some(patient), 2));
        app.deliver(&PatientUpdated(facts(patient, 3, None))).await;
        assert_eq!(linked(&app, "ben@example.org").await, (None, 3));
    }

    async fn an_account_that_is_not_known_is_no_obstacle(backend) {
        let app = App::start(backend).await;
        let nobody = Id::new(app.clock.now());
        app.deliver(&PatientCreated(facts(Id::new(app.clock.now()), 1, Some(nobody)))).await;
    }
}

async fn linked(app: &App, email: &str) -> (Option<PatientId>, i64) {
    let tokens = sign_in(app, email).await;
    let version = tokens["account"]["version"].as_i64().unwrap();
    (claims(app, &tokens).await.patient_id, version)
}

fn envelope(app: &App, event: &PatientUpdated) -> Envelope {
    let now = app.clock.now();
    Envelope::of("user", event, Id::new(now), now).unwrap()
}

fn facts(patient_id: PatientId, version: i64, account_id: Option<AccountId>) -> PatientFacts {
    PatientFacts {
        patient_id,
        version,
        account_id,
        name: "Ann Andersson".into(),
        email: None,
        phone: None,
        language: None,
        active: true,
    }
}
