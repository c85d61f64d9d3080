//! The copies of patients, practitioners and departments follow the events, whatever their order.

use hms_model::event::{
    AppointmentScheduled, DepartmentCreated, DepartmentUpdated, Envelope, PatientCreated, PatientUpdated,
    PractitionerCreated, PractitionerUpdated,
};
use hms_model::id::{DepartmentId, Id, PatientId, PractitionerId};
use serde_json::json;

use crate::common::{
    APPOINTMENTS, World, at, department_facts, patient_facts, practitioner_facts, wish, with,
};

hms_testkit::on_both_back_ends! {
    async fn what_is_older_is_dropped(backend) {
        let world = World::start(backend).await;
        let now = world.app.clock.now();
        let (patient, practitioner, department): (PatientId, PractitionerId, DepartmentId) =
            (Id::new(now), Id::new(now), Id::new(now));
        world.app.deliver(&PatientUpdated(patient_facts(patient, 3, false))).await;
        world.app.deliver(&PatientCreated(patient_facts(patient, 1, true))).await;
        world.app.deliver(&PractitionerUpdated(practitioner_facts(practitioner, 2, true))).await;
        world.app.deliver(&PractitionerCreated(practitioner_facts(practitioner, 1, false))).await;
        world.app.deliver(&DepartmentUpdated(department_facts(department, 2, false))).await;
        world.app.deliver(&DepartmentCreated(department_facts(department, 1, true))).await;
        let body =
            with(&wish(patient, practitioner, &at(600), &at(630)), json!({ "department_id": department }));
        let refused = async |field: &str| {
            let answer = world.desk.post(APPOINTMENTS, &body).await;
            assert_eq!(answer.expect_problem(422, "UNPROCESSABLE")["error"]["details"]["field"], field);
        };
        refused("patient_id").await;
        world.app.deliver(&PatientUpdated(patient_facts(patient, 4, true))).await;
        refused("department_id").await;
        world.app.deliver(&DepartmentUpdated(department_facts(department, 3, true))).await;
        world.desk.post(APPOINTMENTS, &body).await.expect(201);
        let AppointmentScheduled(facts) = world.app.published_of().await.remove(0);
        assert_eq!(facts.practitioner_name, "Dr. Ada 2");
    }

    async fn what_comes_twice_is_taken_once(backend) {
        let world = World::start(backend).await;
        let now = world.app.clock.now();
        let patient = world.patient().await;
        let retired = PatientUpdated(patient_facts(patient, 2, false));
        let envelope = Envelope::of("user", &retired, Id::new(now), now).unwrap();
        world.app.deliver_envelope(envelope.clone()).await.unwrap();
        world.app.deliver(&PatientUpdated(patient_facts(patient, 3, true))).await;
        world.app.deliver_envelope(envelope).await.unwrap();
        let body = wish(patient, world.practitioner().await, &at(600), &at(630));
        world.desk.post(APPOINTMENTS, &body).await.expect(201);
    }
}
