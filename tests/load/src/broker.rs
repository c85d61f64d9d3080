//! What a platform leaves in RabbitMQ.

use hms_model::service::SERVICES;
use lapin::options::{ExchangeDeleteOptions, QueueDeleteOptions};
use lapin::{Connection, ConnectionProperties};

/// Deletes the queues and exchanges of the platform with this `HMS_BUS_PREFIX`. What is not there is not missed.
pub async fn forget(amqp_url: &str, prefix: &str) -> lapin::Result<()> {
    let connection = Connection::connect(amqp_url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    for service in SERVICES {
        for end in ["", ".retry", ".dead"] {
            let queue = format!("{prefix}.{}{end}", service.name);
            channel.queue_delete(queue.as_str().into(), QueueDeleteOptions::default()).await?;
        }
    }
    for end in ["events", "dead"] {
        let exchange = format!("{prefix}.{end}");
        channel.exchange_delete(exchange.as_str().into(), ExchangeDeleteOptions::default()).await?;
    }
    connection.close(200, "done".into()).await
}
