//! What the broker sends us of one queue.

use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection};

use super::letter::{self, Fate};
use super::publisher::{Outgoing, Publisher, Receipt};
use super::topology::Names;
use super::{Fault, HANDSHAKE, within};
use crate::context::Stop;

pub(crate) struct Subscription {
    channel: Channel,
    messages: lapin::Consumer,
    most: u16,
}

impl Subscription {
    /// To a queue, of which the broker sends up to `most` messages ahead.
    pub async fn open(connection: &Connection, queue: &str, most: u16) -> Result<Self, Fault> {
        let channel = connection.create_channel().await?;
        channel.basic_qos(most, BasicQosOptions::default()).await?;
        let options = BasicConsumeOptions::default();
        let messages = channel.basic_consume(queue.into(), "".into(), options, FieldTable::default()).await?;
        Ok(Self { channel, messages, most })
    }

    /// What has come, once anything has; none when the service stops before that.
    pub async fn batch(&mut self, stop: &Stop) -> Result<Option<Vec<Delivery>>, Fault> {
        let first = tokio::select! {
            () = stop.told() => return Ok(None),
            message = self.messages.next() => message.ok_or(Fault::Cancelled)??,
        };
        let mut batch = vec![first];
        while batch.len() < usize::from(self.most)
            && let Some(Some(message)) = self.messages.next().now_or_never()
        {
            batch.push(message?);
        }
        Ok(Some(batch))
    }

    /// Ends it. What was sent ahead and is not acknowledged goes back to its places in the queue.
    ///
    /// The channel is closed, and the subscription is not cancelled: after that the next replica would have what comes later
    /// while we still hold what comes before, which goes back to the queue with the channel only.
    pub async fn end(&mut self) {
        // On the way out a refusal changes nothing: the broker takes back what is not acknowledged.
        let _ = within(HANDSHAKE, "the end of a channel", self.channel.close(200, "bye".into())).await;
    }
}

/// First what must be elsewhere, confirmed; then the acknowledgement, one for the whole batch: `fates` must be all that the
/// subscription has given and that is not acknowledged yet.
pub(crate) async fn settle(
    names: &Names,
    publisher: &Publisher,
    fates: Vec<(Delivery, Fate)>,
    confirm_within: Duration,
) -> Result<(), Fault> {
    let outgoing: Vec<Outgoing<'_>> =
        fates.iter().filter_map(|(delivery, fate)| letter::outgoing(names, delivery, fate)).collect();
    let targets: Vec<_> = outgoing.iter().map(|message| message.key.to_owned()).collect();
    let receipts = publisher.publish(outgoing).await?;
    if let Some((_, target)) = receipts.iter().zip(&targets).find(|(receipt, _)| **receipt != Receipt::Stored)
    {
        return Err(Fault::Refused(target.clone()));
    }
    if let Some((last, _)) = fates.iter().max_by_key(|(delivery, _)| delivery.delivery_tag) {
        let all = BasicAckOptions { multiple: true };
        within(confirm_within, "an acknowledgement", last.ack(all)).await?;
    }
    Ok(())
}
