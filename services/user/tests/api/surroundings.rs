//! What the stories have in common.

use hms_model::audit::AuditEntry;
use hms_testkit::{Answer, TestService};
use serde_json::{Value, json};

pub use hms_model::audit::Action;
pub use hms_model::role::Role;

pub type App = TestService<hms_user::Service>;

/// A patient's body with some fields more, or others.
pub fn patient(more: Value) -> Value {
    with(
        json!({"given_name": "Ann", "family_name": "Lee", "birth_date": "1984-02-29", "gender": "female"}),
        more,
    )
}

/// A practitioner's body with some fields more, or others.
pub fn practitioner(more: Value) -> Value {
    with(json!({"given_name": "Gregory", "family_name": "House"}), more)
}

fn with(mut body: Value, more: Value) -> Value {
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

/// The family names, or other texts, of a list in its order.
pub fn column(list: &Answer, field: &str) -> Vec<String> {
    list.results().iter().map(|row| row[field].as_str().unwrap().to_owned()).collect()
}

/// What the audit was told so far.
pub async fn audited(app: &App) -> Vec<AuditEntry> {
    app.audited().await
}

/// The entries of one kind of act upon one kind of resource.
pub async fn audited_of(app: &App, action: Action, resource: &str) -> Vec<AuditEntry> {
    let all = audited(app).await;
    all.into_iter().filter(|entry| entry.action == action && entry.resource == resource).collect()
}
