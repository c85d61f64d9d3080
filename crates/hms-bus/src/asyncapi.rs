//! The AsyncAPI 3.0 document of the platform, made from the registry of events: every type as a channel, every
//! service that publishes or acts upon it as an operation. The messages are CloudEvents, whole in the payload.

use hms_model::event::{Envelope, EventType, Payload, registry};
use hms_model::service::SERVICES;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::amqp::{CONTENT_TYPE, PERSISTENT, events_exchange};

/// The version of AsyncAPI's AMQP bindings that are used.
const BINDING: &str = "0.3.0";
/// `HMS_BUS_PREFIX` where nobody has set it.
const PREFIX: &str = "hms";
/// What the document says of itself.
const DESCRIPTION: &str = "What HMS services tell each other. Every message is a CloudEvent 1.0 in its JSON form; \
    over RabbitMQ its type is the routing key, and the name of the exchange begins with HMS_BUS_PREFIX.";

/// The document.
pub fn document() -> Value {
    let mut parts = Parts::default();
    parts.schema::<Envelope>();
    for event in registry() {
        parts.add(event);
    }
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "HMS events",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": {"name": env!("CARGO_PKG_LICENSE")},
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": parts.channels,
        "operations": parts.operations,
        "components": {"messages": parts.messages, "schemas": parts.schemas},
    })
}

#[derive(Default)]
struct Parts {
    channels: Map<String, Value>,
    operations: Map<String, Value>,
    messages: Map<String, Value>,
    schemas: Map<String, Value>,
}

impl Parts {
    fn add(&mut self, event: &EventType) {
        let kind = event.kind;
        let payload = (event.payload)();
        let message = self.message(event, payload);
        self.channels.insert(kind.to_owned(), channel(kind, &message));
        self.messages.insert(kind.to_owned(), message);
        for service in SERVICES.iter().map(|service| service.name) {
            if event.is_published_by(service) {
                let bindings =
                    json!({"deliveryMode": PERSISTENT, "mandatory": true, "bindingVersion": BINDING});
                self.operations
                    .insert(format!("{service}.send.{kind}"), operation("send", service, kind, bindings));
            }
            if event.consumers.contains(&service) {
                let bindings = json!({"ack": true, "bindingVersion": BINDING});
                let operation = operation("receive", service, kind, bindings);
                self.operations.insert(format!("{service}.receive.{kind}"), operation);
            }
        }
    }

    fn message(&mut self, event: &EventType, payload: Payload) -> Value {
        let mut data = json!(payload.schema);
        let summary = data.as_object_mut().and_then(|data| data.remove("description"));
        let mut fields = json!({
            "type": {"const": event.kind},
            "dataversion": {"const": event.version},
            "data": data,
        });
        if let (Some(fields), true) = (fields.as_object_mut(), event.producer != "*") {
            fields.insert("source".to_owned(), json!({"const": format!("hms/{}", event.producer)}));
        }
        self.schemas.extend(payload.parts.into_iter().map(|(name, schema)| (name, json!(schema))));
        json!({
            "name": event.kind,
            "title": payload.name,
            "summary": summary,
            "contentType": CONTENT_TYPE,
            "payload": {"allOf": [{"$ref": schema_path(&Envelope::name())}, {"type": "object", "properties": fields}]},
            "bindings": {"amqp": {"messageType": event.kind, "bindingVersion": BINDING}},
        })
    }

    fn schema<T: ToSchema>(&mut self) {
        let mut parts = Vec::new();
        <T as ToSchema>::schemas(&mut parts);
        self.schemas.extend(parts.into_iter().map(|(name, schema)| (name, json!(schema))));
        self.schemas.insert(T::name().into_owned(), json!(T::schema()));
    }
}

fn schema_path(name: &str) -> String {
    format!("#/components/schemas/{name}")
}

fn channel(kind: &str, message: &Value) -> Value {
    let exchange = json!({
        "name": events_exchange(PREFIX), "type": "topic", "durable": true, "autoDelete": false, "vhost": "/",
    });
    json!({
        "address": kind,
        "summary": message.get("summary"),
        "messages": {kind: {"$ref": format!("#/components/messages/{kind}")}},
        "bindings": {"amqp": {"is": "routingKey", "exchange": exchange, "bindingVersion": BINDING}},
    })
}

fn operation(action: &str, service: &str, kind: &str, bindings: Value) -> Value {
    json!({
        "action": action,
        "channel": {"$ref": format!("#/channels/{kind}")},
        "messages": [{"$ref": format!("#/channels/{kind}/messages/{kind}")}],
        "tags": [{"name": service}],
        "bindings": {"amqp": bindings},
    })
}
