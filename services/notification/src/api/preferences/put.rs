//! `PUT /notification-preferences/{id}`.

use actix_web::{put, web};
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::id::PatientId;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{GroupChannels, NotificationPreferences, PREFERENCES, check};
use crate::State;
use crate::api::sight;
use crate::domain::{QuietHours, Wishes};
use crate::store::preferences;

/// What a client sends to say which messages a patient wants; what is left out follows the organisation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({
    "channels": {"reminder": ["sms", "push"], "billing": []},
    "quiet_hours": {"from": "22:00", "to": "07:00", "zone": "Europe/Berlin"}
})))]
pub struct PreferencesChange {
    /// The ways that messages go, by what they are about.
    #[serde(default)]
    channels: GroupChannels,
    /// When not to disturb.
    #[serde(default)]
    quiet_hours: Option<QuietHours>,
}

/// Says which messages a patient wants, by which ways, and when not: all of it at once. Patients say it of themselves.
#[utoipa::path(tag = "notification-preferences", operation_id = "put_notification_preferences",
    request_body = PreferencesChange, params(("id" = Uuid, Path, description = "The patient.")),
    responses((status = 200, body = NotificationPreferences), Problems),
    security(("bearer" = ["notification:write"])))]
#[put("/notification-preferences/{id}")]
pub async fn put(
    call: Call<scope::NotificationWrite>,
    state: web::Data<State>,
    id: web::Path<PatientId>,
    body: Json<PreferencesChange>,
) -> Result<Reply, Problem> {
    let (sight, id, said) = (sight(&call, &state)?, id.into_inner(), body.into_inner());
    if said.quiet_hours.is_some_and(|quiet| !quiet.is_sound()) {
        return Err(Problem::field(
            Code::Unprocessable,
            "quiet_hours",
            "must have an end that is not its beginning",
        ));
    }
    let house = state.desk.house.clone();
    call.write(move |work| {
        check(&sight, work.db, id, work.now)?;
        let before = preferences::hold(work.db, id)?;
        work.check_version(before.version)?;
        let after = Wishes {
            patient_id: id,
            version: before.version + 1,
            channels: said.channels.into(),
            quiet: said.quiet_hours,
        };
        if !preferences::save(work.db, &after, work.now)? {
            return Err(Code::PreconditionFailed.into());
        }
        work.audit(Act::new(Action::Update, PREFERENCES).on(id).of_patient(id))?;
        let version = after.version;
        Ok(Reply::ok(&NotificationPreferences::new(after, &house))?.version(version))
    })
    .await
}
