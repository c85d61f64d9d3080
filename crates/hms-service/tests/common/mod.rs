//! A small service in the place of the audit's, so that the registry of events has a consumer for it.

use std::sync::Arc;

use actix_web::post;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use hms_bus::{ConsumeError, Consumer};
use hms_db::{Db, Key};
use hms_model::event::{
    AccessBreakGlass, AuditDisclosed, AuditRecorded, CareTeamChanged, DepartmentCreated, DepartmentFacts,
    PractitionerCreated, PractitionerUpdated,
};
use hms_model::role::scope;
use hms_problem::Problem;
use hms_service::{Call, Context, Reply};
use utoipa_actix_web::service_config::ServiceConfig;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("tests/migrations");

/// Writes down each event that it takes; takes none as long as it has a refusal.
pub struct Scribe;

#[derive(QueryableByName)]
struct Refusal {
    #[diesel(sql_type = Text)]
    reason: String,
}

impl hms_service::Service for Scribe {
    const NAME: &'static str = "audit";
    const ABOUT: &'static str = "For tests.";
    type State = ();

    fn migrations() -> EmbeddedMigrations {
        MIGRATIONS
    }

    fn routes(routes: &mut ServiceConfig<'_>) {
        routes.service(found_department);
    }

    fn consumer(_: &Arc<()>) -> Consumer {
        let audit = Consumer::new("audit")
            .on(|_, _: AuditDisclosed| Ok(()))
            .on(|_, _: AccessBreakGlass| Ok(()))
            .on(|_, _: CareTeamChanged| Ok(()))
            .on(|_, _: PractitionerCreated| Ok(()))
            .on(|_, _: PractitionerUpdated| Ok(()));
        audit.on(|delivery, _: AuditRecorded| {
            let id = Key::from(delivery.envelope.id);
            diesel::sql_query(place(delivery.db, "INSERT INTO effects (event_id) VALUES (?)"))
                .bind::<hms_db::sql::Uid, _>(id)
                .execute(delivery.db)?;
            let refusals: Vec<Refusal> =
                diesel::sql_query("SELECT reason FROM refusals").load(delivery.db)?;
            match refusals.into_iter().next() {
                Some(refusal) => Err(ConsumeError::Reject(refusal.reason)),
                None => Ok(()),
            }
        })
    }

    async fn start(_: &Context) -> anyhow::Result<()> {
        Ok(())
    }
}

/// The placeholder as each database writes it.
pub fn place(db: &Db, sql: &str) -> String {
    match db {
        Db::Pg(_) => sql.replace('?', "$1"),
        Db::Sqlite(_) => sql.to_owned(),
    }
}

/// Publishes what is not its own.
#[utoipa::path(tag = "audit", responses((status = 204)))]
#[post("/audit/departments")]
async fn found_department(call: Call<scope::SignedIn>) -> Result<Reply, Problem> {
    call.write(|work| {
        let department_id = work.new_id();
        let facts = DepartmentFacts { department_id, version: 1, name: "Radiology".into(), active: true };
        work.publish(&DepartmentCreated(facts))?;
        Ok(Reply::no_content())
    })
    .await
}
