//! A service publishes and consumes what the registry of events has down for it, and nothing else.

use std::sync::Arc;

use diesel_migrations::EmbeddedMigrations;
use hms_bus::Consumer;
use hms_model::role::Role;
use hms_service::{Context, Service, Wiring};
use hms_settings::Settings;
use hms_testkit::{Folder, TestService};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::common::Scribe;

hms_testkit::on_both_back_ends! {
    async fn a_fact_of_another_service_is_not_published(backend) {
        let app = TestService::<Scribe>::start(backend).await;
        let admin = app.client(&[Role::Admin]);
        admin.post("/api/v1/audit/departments", &()).await.expect_problem(500, "INTERNAL");
        assert!(app.published().await.is_empty());
    }
}

/// Says that it is the audit, and acts upon nothing.
struct Deaf;

impl Service for Deaf {
    const NAME: &'static str = "audit";
    const ABOUT: &'static str = "For tests.";
    type State = ();

    fn migrations() -> EmbeddedMigrations {
        Scribe::migrations()
    }

    fn routes(_: &mut ServiceConfig<'_>) {}

    fn consumer(_: &Arc<()>) -> Consumer {
        Consumer::new("audit")
    }

    async fn start(_: &Context) -> anyhow::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_service_that_consumes_something_else_than_the_registry_says_does_not_start() {
    let folder = Folder::new();
    let settings = Settings::default().with([("HMS_DATA_DIR", folder.path().display().to_string())]);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let wiring = Wiring { listener: Some(listener), ..Wiring::default() };
    let refusal = hms_service::start::<Deaf>(&settings, wiring).await.err().unwrap().to_string();
    let said = hms_model::event::consumed_by("audit");
    assert_eq!(refusal, format!("audit acts upon [], but the registry of events says {said:?}"));
    assert!(said.contains(&"audit.recorded"), "{said:?}");
}
