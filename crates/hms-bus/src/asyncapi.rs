//! The AsyncAPI 3.0 document of the platform, made from the registry of events: every type as a channel, every
//! service that publishes or acts upon it as an operation; and every queue of jobs, which stays inside its service. The
//! messages are CloudEvents, whole in the payload.

use hms_model::event::{Envelope, EventType, Payload, registry};
use hms_model::job::{WorkQueue, work_queues};
use hms_model::service::SERVICES;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::amqp::{CONTENT_TYPE, PERSISTENT, events_exchange, work_queue};

/// The version of AsyncAPI's AMQP bindings that are used.
const BINDING: &str = "0.3.0";
/// `HMS_BUS_PREFIX` where nobody has set it.
const PREFIX: &str = "hms";
/// What the document says of itself.
const DESCRIPTION: &str = "What HMS services tell each other. Every message is a CloudEvent 1.0 in its JSON form; \
    over RabbitMQ its type is the routing key, and the name of the exchange begins with HMS_BUS_PREFIX. Channels whose name \
    begins with `jobs.` are work queues inside of one service; nobody else may fill or empty them.";

/// The document.
pub fn document() -> Value {
    let mut parts = Parts::default();
    parts.schema::<Envelope>();
    for event in registry() {
        parts.add(event);
    }
    for queue in work_queues() {
        parts.add_queue(queue);
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
        let message = self.message(kind, event.version, event.producer, (event.payload)());
        let exchange = json!({
            "name": events_exchange(PREFIX), "type": "topic", "durable": true, "autoDelete": false, "vhost": "/",
        });
        let binding = json!({"is": "routingKey", "exchange": exchange, "bindingVersion": BINDING});
        self.channels.insert(kind.to_owned(), channel(kind, kind, &message, &binding));
        self.messages.insert(kind.to_owned(), message);
        for service in SERVICES.iter().map(|service| service.name) {
            if event.is_published_by(service) {
                self.sends(service, kind);
            }
            if event.consumers.contains(&service) {
                self.receives(service, kind);
            }
        }
    }

    fn add_queue(&mut self, queue: &WorkQueue) {
        let WorkQueue { name, service, payload } = *queue;
        let message = self.message(name, 1, service, payload());
        let binding = json!({"name": work_queue(PREFIX, name), "durable": true, "exclusive": false, "autoDelete": false, "vhost": "/"});
        let binding = json!({"is": "queue", "queue": binding, "bindingVersion": BINDING});
        self.channels.insert(name.to_owned(), channel(name, &work_queue(PREFIX, name), &message, &binding));
        self.messages.insert(name.to_owned(), message);
        self.sends(service, name);
        self.receives(service, name);
    }

    fn sends(&mut self, service: &str, channel: &str) {
        let bindings = json!({"deliveryMode": PERSISTENT, "mandatory": true, "bindingVersion": BINDING});
        let operation = operation("send", service, channel, bindings);
        self.operations.insert(format!("{service}.send.{channel}"), operation);
    }

    fn receives(&mut self, service: &str, channel: &str) {
        let bindings = json!({"ack": true, "bindingVersion": BINDING});
        let operation = operation("receive", service, channel, bindings);
        self.operations.insert(format!("{service}.receive.{channel}"), operation);
    }

    fn message(&mut self, kind: &str, version: u32, producer: &str, payload: Payload) -> Value {
        let mut data = json!(payload.schema);
        let summary = data.as_object_mut().and_then(|data| data.remove("description"));
        let mut fields = json!({
            "type": {"const": kind},
            "dataversion": {"const": version},
            "data": data,
        });
        if let (Some(fields), true) = (fields.as_object_mut(), producer != "*") {
            fields.insert("source".to_owned(), json!({"const": format!("hms/{producer}")}));
        }
        self.schemas.extend(payload.parts.into_iter().map(|(name, schema)| (name, json!(schema))));
        json!({
            "name": kind,
            "title": payload.name,
            "summary": summary,
            "contentType": CONTENT_TYPE,
            "payload": {"allOf": [{"$ref": schema_path(&Envelope::name())}, {"type": "object", "properties": fields}]},
            "bindings": {"amqp": {"messageType": kind, "bindingVersion": BINDING}},
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

fn channel(name: &str, address: &str, message: &Value, binding: &Value) -> Value {
    json!({
        "address": address,
        "summary": message.get("summary"),
        "messages": {name: {"$ref": format!("#/components/messages/{name}")}},
        "bindings": {"amqp": binding},
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
