//! A service with a receiver beside it.

use std::net::TcpListener;

use hms_model::Clock;
use hms_model::role::Role;
use hms_notification::Service;
use hms_service::{Running, Wiring};
use hms_settings::Settings;
use hms_testkit::{Answer, Backend, Client, until};
use serde_json::{Value, json};

use super::receiver::Receiver;
use crate::common::App;

pub const HOOKS: &str = "/api/v1/webhooks";
const SETTINGS: [(&str, &str); 3] = [
    ("HMS_WEBHOOK_ALLOW_HTTP", "true"),
    ("HMS_WEBHOOK_ALLOW_PRIVATE", "127.0.0.0/8"),
    ("HMS_WEBHOOK_TIMEOUT_MS", "2000"),
];

pub struct World {
    pub app: App,
    pub admin: Client,
    pub receiver: Receiver,
}

impl World {
    pub async fn start(backend: Backend) -> Self {
        Self::start_with(backend, &SETTINGS).await
    }

    /// Another process of the service, with a clock of its own.
    pub async fn replica(&self, clock: &Clock) -> Running {
        let settings = Settings::default()
            .with([
                ("DATABASE_URL", self.app.database_url().expose()),
                ("HMS_DATA_DIR", self.app.folder.path().display().to_string()),
            ])
            .with(SETTINGS);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let wiring = Wiring { clock: clock.clone(), listener: Some(listener), ..Wiring::default() };
        hms_service::start::<Service>(&settings, wiring).await.unwrap()
    }

    pub async fn start_with(backend: Backend, settings: &[(&str, &str)]) -> Self {
        let app = App::start_with(backend, settings).await;
        let admin = app.client(&[Role::Admin]);
        Self { app, admin, receiver: Receiver::start().await }
    }

    /// An admin whose token is good by now.
    pub async fn admin_now(&self) -> Client {
        self.app.client(&[Role::Admin])
    }

    /// Makes a webhook to the receiver.
    pub async fn make(&self, more: Value) -> Answer {
        let mut body = json!({ "url": self.receiver.url() });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let made = self.admin.post(HOOKS, &body).await;
        made.expect(201);
        made
    }

    pub async fn deliveries(&self, id: &str, query: &str) -> Vec<Value> {
        let list =
            self.admin_now().await.get(&format!("{HOOKS}/{id}/deliveries?page_size=100&{query}")).await;
        list.expect(200).results().to_vec()
    }

    /// How many deliveries match.
    pub async fn count(&self, id: &str, query: &str) -> usize {
        let path = format!("{HOOKS}/{id}/deliveries?page_size=1&{query}");
        let count = self.admin_now().await.get(&path).await.expect(200)["count"].as_u64().unwrap();
        usize::try_from(count).unwrap()
    }

    /// The only delivery that matches, once it is there.
    pub async fn delivery(&self, id: &str, query: &str) -> Value {
        until(&format!("the delivery of {query}"), 20, async || {
            let mut found = self.deliveries(id, query).await;
            (found.len() == 1).then(|| found.remove(0))
        })
        .await
    }

    /// Returns when the only delivery was tried so often, and the outcome is written down.
    pub async fn attempted(&self, id: &str, times: usize) {
        until(&format!("attempt {times}"), 20, async || {
            let delivery = self.deliveries(id, "").await.remove(0);
            let path = format!("{HOOKS}/deliveries/{}", delivery["id"].as_str().unwrap());
            let details = self.admin_now().await.get(&path).await;
            (details.expect(200)["log"].as_array().unwrap().len() == times).then_some(())
        })
        .await;
    }

    /// Has the sender look, since the clock was moved: it sleeps by the time of the machine. Nothing is sent again by
    /// it, since nothing that failed is that new.
    pub async fn look(&self, id: &str) {
        let path = format!("{HOOKS}/{id}/redeliver?since=2999-01-01T00:00:00Z");
        self.admin_now().await.request("POST", &path, &[], None).await.expect(200);
    }

    /// Sends a test event, and returns when it has arrived.
    pub async fn test_event(&self, id: &str) {
        let admin = self.admin_now().await;
        let sent = admin.request("POST", &format!("{HOOKS}/{id}/test"), &[], None).await;
        let path = format!("{HOOKS}/deliveries/{}", sent.expect(201).text("id"));
        until("the test event", 20, async || {
            (admin.get(&path).await.expect(200)["status"] == "delivered").then_some(())
        })
        .await;
    }

    /// What the database has of the keys.
    pub async fn stored_keys(&self) -> Vec<String> {
        use diesel::prelude::*;
        diesel::table! {
            webhooks (id) { id -> Text, sealed_key -> Text, }
        }
        self.app
            .database
            .read(|db| {
                Ok::<_, hms_db::Error>(webhooks::table.select(webhooks::sealed_key).load::<String>(db)?)
            })
            .await
            .unwrap()
    }
}
