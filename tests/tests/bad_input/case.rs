//! One line of the table, and how it is tried.

use hms_model::service::SERVICES;
use hms_tests::{Answer, Client};
use serde_json::Value;

use crate::world::World;

/// Who asks.
#[derive(Debug, Clone)]
pub enum Who {
    Nobody,
    Admin,
    /// A patient.
    Ann,
    Receptionist,
}

/// What is sent.
#[derive(Debug, Clone)]
pub enum Body {
    None,
    Json(Value),
    Raw(Vec<u8>),
    /// Another type than JSON; none when it is empty.
    Typed(&'static str, &'static str),
}

/// A request that must be refused.
#[derive(Debug, Clone)]
pub struct Case {
    pub what: &'static str,
    pub who: Who,
    pub method: &'static str,
    pub path: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Body,
    pub status: u16,
    pub code: &'static str,
}

/// A line with a JSON body.
pub fn sends(
    what: &'static str,
    (who, method, path): (Who, &'static str, &str),
    body: Value,
    (status, code): (u16, &'static str),
) -> Case {
    Case { body: Body::Json(body), ..asks(what, (who, method, path), (status, code)) }
}

/// A line without a body.
pub fn asks(
    what: &'static str,
    (who, method, path): (Who, &'static str, &str),
    (status, code): (u16, &'static str),
) -> Case {
    Case { what, who, method, path: path.to_owned(), headers: Vec::new(), body: Body::None, status, code }
}

impl Case {
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// Through the gateway, and at the service itself where one answers such paths. Says what was not as it must be.
    pub async fn try_everywhere(&self, world: &World) -> Vec<String> {
        let mut complaints = Vec::new();
        complaints.extend(self.try_at("gateway", &world.platform.gateway(), world).await);
        if let Some(service) = self.service() {
            complaints.extend(self.try_at(service, &world.platform.service(service), world).await);
        }
        complaints
    }

    /// The gateway alone answers what has no clear path, and what belongs to nobody.
    fn service(&self) -> Option<&'static str> {
        let resource = self.path.strip_prefix("/api/v1/")?.split(['/', '?']).next()?;
        let service = SERVICES.iter().find(|service| service.resources.contains(&resource))?;
        (self.code != "INVALID_PATH").then_some(service.name)
    }

    async fn try_at(&self, place: &str, client: &Client, world: &World) -> Option<String> {
        let answer = self.send(client, world).await;
        let right = answer.status == self.status && answer.code() == self.code && in_the_envelope(&answer);
        let Self { what, method, path, status, code, .. } = self;
        let path = path.get(..120).unwrap_or(path);
        let told = format!(
            "- {what} ({place}: {method} {path}): {status} {code} expected, but {} {}",
            answer.status, answer.body
        );
        (!right).then_some(told)
    }

    async fn send(&self, client: &Client, world: &World) -> Answer {
        let client = match &self.who {
            Who::Nobody => client.clone(),
            Who::Admin => client.with_token(world.admin.client.token().unwrap()),
            Who::Ann => client.with_token(world.ann.client.token().unwrap()),
            Who::Receptionist => client.with_token(world.receptionist.client.token().unwrap()),
        };
        let (content_type, body) = match &self.body {
            Body::None => ("", None),
            Body::Json(value) => ("application/json", Some(serde_json::to_vec(value).unwrap())),
            Body::Raw(bytes) => ("application/json", Some(bytes.clone())),
            Body::Typed(content_type, text) => (*content_type, Some(text.as_bytes().to_vec())),
        };
        let mut headers: Vec<_> = self.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        if !content_type.is_empty() {
            headers.push(("content-type", content_type));
        }
        client.request(self.method, &self.path, &headers, body).await
    }
}

/// `{"error":{"code","message","details"},"request_id"}`, the id as the header has it.
pub fn in_the_envelope(answer: &Answer) -> bool {
    let error = &answer.body["error"];
    let fields = |value: &Value| value.as_object().map_or(0, |fields| fields.len());
    fields(&answer.body) == 2
        && fields(error) == 3
        && error["message"].as_str().is_some_and(|message| !message.is_empty())
        && error["details"].is_object()
        && answer.body["request_id"] == answer.header("x-request-id")
}
