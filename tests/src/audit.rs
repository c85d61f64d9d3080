//! What the audit shows of the acts of a story.

use serde_json::Value;

use crate::{Answer, PATIENCE, Person, until};

/// Reads the audit as somebody who may.
pub struct Trail<'a>(pub &'a Person);

impl Trail<'_> {
    /// The entries of an act upon a record, once there is one.
    pub async fn of(&self, action: &str, resource: &str, id: &str) -> Vec<Value> {
        let query = format!("action={action}&resource={resource}&resource_id={id}");
        until(&format!("the audit's entry: {query}"), PATIENCE, async || {
            let found = self.list(&query).await.results().to_vec();
            (!found.is_empty()).then_some(found)
        })
        .await
    }

    /// The only entry of an act upon a record.
    pub async fn one(&self, action: &str, resource: &str, id: &str) -> Value {
        let found = self.of(action, resource, id).await;
        assert_eq!(found.len(), 1, "{action} {resource} {id}: {found:#?}");
        found[0].clone()
    }

    /// The number of writes that the audit knows of.
    pub async fn writes(&self) -> i64 {
        let counted = self.list("action__in=create,update,delete&page_size=1").await;
        counted["count"].as_i64().unwrap()
    }

    async fn list(&self, query: &str) -> Answer {
        let answer = self.0.client.get(&format!("/api/v1/audit?{query}")).await;
        answer.expect(200);
        answer
    }
}
