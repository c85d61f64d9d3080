//! What was known before the other services kept copies is told to them after the update, once.

use diesel::connection::SimpleConnection as _;
use hms_db::{Db, Error};
use hms_model::event::{AppointmentCancelled, AppointmentScheduled, CareTeamChanged, PractitionerUpdated};
use hms_model::id::PractitionerId;
use hms_testkit::{on_both_back_ends, until};
use serde_json::json;

use crate::care::booked;
use crate::surroundings::{App, Role, patient, practitioner};

const UP: &str = include_str!("../../../../migrations/user/2026-11-30-000010_untold/up.sql");
const DOWN: &str = include_str!("../../../../migrations/user/2026-11-30-000010_untold/down.sql");

/// The version of before goes, and its database is brought up to date: the migration runs over what is there.
async fn migrated_again(app: &App) {
    let unit = |db: &mut Db| Ok::<_, Error>(db.batch_execute(&format!("{DOWN}{UP}"))?);
    app.database.write(unit).await.unwrap();
}

async fn left(app: &App) -> i64 {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        left: i64,
    }
    let unit = |db: &mut Db| {
        let query = diesel::sql_query("SELECT count(*) AS \"left\" FROM untold");
        Ok::<_, Error>(diesel::RunQueryDsl::get_result::<Row>(query, db)?.left)
    };
    app.database.read(unit).await.unwrap()
}

on_both_back_ends! {
    async fn what_was_known_before_is_told_once_as_it_is_now(backend) {
        let app = App::start(backend).await;
        let admin = app.client(&[Role::Admin]);
        let cardiology = admin.post("/api/v1/departments", &json!({"name": "Cardiology"})).await;
        let body = practitioner(json!({"department_id": cardiology["id"]}));
        let house = admin.post("/api/v1/practitioners", &body).await;
        let house: PractitionerId = house.expect(201).id();
        // Nobody has to know of this one: neither account nor department.
        admin.post("/api/v1/practitioners", &practitioner(json!({}))).await.expect(201);
        let ann = admin.post("/api/v1/patients", &patient(json!({}))).await.id();
        // More than one portion.
        let all: Vec<_> = (0..230).map(|_| booked(ann, house)).collect();
        for facts in &all {
            app.deliver(&AppointmentScheduled(facts.clone())).await;
        }
        let mut off = all[7].clone();
        (off.version, off.status) = (2, "cancelled".into());
        app.deliver(&AppointmentCancelled(off.clone())).await;
        let before = (app.published_of::<CareTeamChanged>().await.len(), app.published_of::<PractitionerUpdated>().await.len());
        assert_eq!(before, (231, 0));

        migrated_again(&app).await;
        assert_eq!(left(&app).await, 230, "one practitioner, and each appointment but the one that was called off");
        let mut late = all[8].clone();
        (late.version, late.status) = (2, "cancelled".into());
        app.deliver(&AppointmentCancelled(late.clone())).await;
        let next = app.beside().await;
        until("all to be told", 20, async || (left(&app).await == 0).then_some(())).await;
        next.stop().await;

        let practitioners = app.published_of::<PractitionerUpdated>().await;
        let told: Vec<_> = practitioners.iter().map(|told| (told.0.practitioner_id, told.0.version, told.0.department_id)).collect();
        assert_eq!(told, [(house, 1, Some(cardiology.id()))]);
        let care = app.published_of::<CareTeamChanged>().await.split_off(232);
        assert!(care.iter().all(|told| told.0.binding && told.0.version == 1 && told.0.practitioner_id == house));
        let mut told: Vec<_> = care.iter().map(|told| told.0.appointment_id).collect();
        let mut expected: Vec<_> = all.iter().map(|facts| facts.appointment_id).collect();
        expected.retain(|id| ![off.appointment_id, late.appointment_id].contains(id));
        told.sort_unstable();
        expected.sort_unstable();
        assert_eq!(told, expected);

        // Whoever starts after that has nothing to tell.
        let (count, next) = (app.published().await.len(), app.beside().await);
        next.stop().await;
        assert_eq!((app.published().await.len(), left(&app).await), (count, 0));
        app.stop().await;
    }
}
