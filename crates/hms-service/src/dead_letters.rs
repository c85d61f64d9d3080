//! The dead letters of the service, for whoever runs the deployment: every service answers for its own under
//! `/api/v1/services/<its name>`, to which the gateway finds the way by the name.

mod drop;
mod list;
mod redrive;
mod show;
mod store;

use chrono::{DateTime, Utc};
use hms_bus::dead_letters::Heading;
use hms_model::id::EventId;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

/// The name of a letter as a resource, for the audit.
const RESOURCE: &str = "dead_letter";

/// An event that the service could not take.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DeadLetterView {
    /// The event; an id made for it when the message is no event.
    event_id: EventId,
    /// Its type; empty when it cannot be known.
    #[schema(examples("patient.updated"))]
    kind: String,
    /// The aggregate that it is about; empty when it cannot be known.
    subject: String,
    /// Why it was given up, the last time.
    reason: String,
    /// How often it was tried.
    attempts: i64,
    /// When it was given up, the last time.
    died_at: DateTime<Utc>,
}

impl From<Heading> for DeadLetterView {
    fn from(heading: Heading) -> Self {
        let Heading { event_id, kind, subject, reason, attempts, died_at, patients: _ } = heading;
        Self { event_id, kind, subject, reason, attempts, died_at }
    }
}

/// Its routes, below the name of the service.
pub(crate) fn routes(routes: &mut ServiceConfig<'_>) {
    routes.service(list::list).service(show::show).service(redrive::redrive).service(drop::drop);
}
