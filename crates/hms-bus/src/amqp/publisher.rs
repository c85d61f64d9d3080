//! Publishing with confirms: a message counts as sent when the broker says that it has stored it.

use std::time::Duration;

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Channel, Confirmation, Connection, PublisherConfirm};

use super::{Fault, within};

/// AMQP's code for "write it to disk".
pub(crate) const PERSISTENT: u8 = 2;

#[derive(Clone)]
pub(crate) struct Publisher {
    pub channel: Channel,
    confirm_within: Duration,
}

/// A message on its way out.
pub(crate) struct Outgoing<'a> {
    pub exchange: &'a str,
    pub key: &'a str,
    pub body: &'a [u8],
    pub properties: BasicProperties,
}

/// What the broker says of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Receipt {
    /// Stored in every queue that wants it.
    Stored,
    /// No queue wants it.
    Unrouted,
    /// Not stored.
    Refused,
}

impl Publisher {
    pub async fn open(connection: &Connection, confirm_within: Duration) -> Result<Self, Fault> {
        let channel = connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        Ok(Self { channel, confirm_within })
    }

    /// Publishes all of them, in their order, and then waits for all confirms together.
    pub async fn publish(&self, messages: Vec<Outgoing<'_>>) -> Result<Vec<Receipt>, Fault> {
        let sent = self.send(messages).await?;
        self.confirmed(sent).await
    }

    /// Publishes all of them, in their order.
    pub async fn send(&self, messages: Vec<Outgoing<'_>>) -> Result<Vec<PublisherConfirm>, Fault> {
        let work = async {
            let mut confirms = Vec::with_capacity(messages.len());
            for message in messages {
                confirms.push(self.send_one(message).await?);
            }
            Ok::<_, Fault>(confirms)
        };
        within(self.confirm_within, "messages", work).await
    }

    /// Waits for all confirms.
    pub async fn confirmed(&self, sent: Vec<PublisherConfirm>) -> Result<Vec<Receipt>, Fault> {
        let work = async {
            let mut receipts = Vec::with_capacity(sent.len());
            for confirm in sent {
                receipts.push(match confirm.await? {
                    Confirmation::Ack(None) => Receipt::Stored,
                    Confirmation::Ack(Some(_)) => Receipt::Unrouted,
                    Confirmation::Nack(_) | Confirmation::NotRequested => Receipt::Refused,
                });
            }
            Ok::<_, Fault>(receipts)
        };
        within(self.confirm_within, "confirms", work).await
    }

    async fn send_one(&self, message: Outgoing<'_>) -> lapin::Result<PublisherConfirm> {
        let Outgoing { exchange, key, body, properties } = message;
        let options = BasicPublishOptions { mandatory: true, ..Default::default() };
        let properties = properties.with_delivery_mode(PERSISTENT);
        self.channel.basic_publish(exchange.into(), key.into(), options, body, properties).await
    }
}
