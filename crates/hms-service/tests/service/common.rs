//! A small service in the place of the audit's, so that the registry of events has a consumer for it.

use std::sync::Arc;

use actix_web::post;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use hms_api::Json;
use hms_bus::{ConsumeError, Consumer};
use hms_db::{Db, Key};
use hms_model::event::{
    AccessBreakGlass, AuditDisclosed, AuditRecorded, CareTeamChanged, DepartmentCreated, DepartmentFacts,
    PractitionerCreated, PractitionerUpdated,
};
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Call, Context, Reply};
use hms_testkit::TestService;
use serde::Deserialize;
use utoipa::ToSchema;
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
        routes.service(found_department).service(make_effect);
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
            match refusal(delivery.db)? {
                Some(reason) => Err(ConsumeError::Reject(reason)),
                None => Ok(()),
            }
        })
    }

    async fn start(_: &Context) -> anyhow::Result<()> {
        Ok(())
    }
}

fn refusal(db: &mut Db) -> hms_db::Result<Option<String>> {
    let refusals: Vec<Refusal> = diesel::sql_query("SELECT reason FROM refusals").load(db)?;
    Ok(refusals.into_iter().next().map(|refusal| refusal.reason))
}

/// Lets the service refuse everything from now on, or nothing any more.
pub async fn refuse(app: &TestService<Scribe>, reason: Option<&'static str>) {
    let change = move |db: &mut Db| {
        diesel::sql_query("DELETE FROM refusals").execute(db)?;
        if let Some(reason) = reason {
            let insert = place(db, "INSERT INTO refusals (reason) VALUES (?)");
            diesel::sql_query(insert).bind::<Text, _>(reason).execute(db)?;
        }
        Ok::<_, hms_db::Error>(())
    };
    app.database.write(change).await.unwrap();
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

/// For a refusal that commits.
pub const AND_YET: &str = "and yet it stays";

/// What tells one request from another.
#[derive(Deserialize, ToSchema)]
struct Wish {
    #[expect(dead_code, reason = "only the whole body is looked at")]
    name: String,
}

/// Makes an effect and answers its id, unless there is a refusal.
#[utoipa::path(tag = "audit", request_body = Wish, responses((status = 200, body = String)))]
#[post("/audit/effects")]
async fn make_effect(call: Call<scope::SignedIn>, _: Json<Wish>) -> Result<Reply, Problem> {
    call.write(|work| {
        let id = work.new_id::<()>();
        diesel::sql_query(place(work.db, "INSERT INTO effects (event_id) VALUES (?)"))
            .bind::<hms_db::sql::Uid, _>(Key::from(id))
            .execute(work.db)
            .map_err(hms_db::Error::from)?;
        match refusal(work.db)? {
            None => Ok(Reply::ok(&id)?.version(7).at("/effects")),
            Some(reason) if reason == AND_YET => Ok(Reply::Refused(Problem::new(Code::Duplicate))),
            Some(_) => Err(Problem::new(Code::Duplicate)),
        }
    })
    .await
}
