//! Speaks to the payment provider: after the commit that asks for it, again until it is done, and never within a
//! transaction. Two replicas that ask for the same thing have the same idempotency key.

use std::sync::Arc;
use std::time::Duration;

use hms_problem::{Code, Problem};
use hms_service::{Context, Stop, Work};
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::books;
use crate::domain::{Payment, Refund, RefundStatus};
use crate::provider::{Intent, PaymentProvider, ProviderError};
use crate::store;

/// What is under way in one look at the database.
const BATCH: i64 = 16;
/// How often to look although nobody asked.
const SWEEP: Duration = Duration::from_secs(30);
/// How long to leave the provider alone after a failure.
const AFTER_FAILURE: Duration = Duration::from_secs(2);

/// The task that speaks to the provider.
pub struct Courier<P> {
    context: Context,
    provider: P,
    wake: Arc<Notify>,
}

impl<P: PaymentProvider> Courier<P> {
    /// A courier that looks again whenever `wake` tells it to.
    pub fn new(context: Context, provider: P, wake: Arc<Notify>) -> Self {
        Self { context, provider, wake }
    }

    /// Runs until the service stops; what is left then is done after the next start.
    pub async fn run(self, stop: Stop) {
        while !stop.is_told() {
            // A failure was logged where it happened.
            let rest = if self.all_that_waits().await.unwrap_or(false) { SWEEP } else { AFTER_FAILURE };
            tokio::select! {
                () = stop.told() => {}
                () = self.wake.notified() => {}
                () = sleep(rest) => {}
            }
        }
    }

    /// Does all that waits; false when something has to be tried again soon.
    async fn all_that_waits(&self) -> Result<bool, Problem> {
        let read = |db: &mut hms_db::Db| {
            let payments = store::payments::to_be_sent(db, BATCH)?;
            Ok::<_, Problem>((payments, store::payments::pending_refunds(db, BATCH)?))
        };
        let (payments, refunds) = self.context.database.read(read).await?;
        let more = i64::try_from(payments.len().max(refunds.len())).is_ok_and(|count| count == BATCH);
        let mut settled = !more;
        for payment in payments {
            settled &= self.send(payment).await?;
        }
        for refund in refunds {
            settled &= self.give_back(refund).await?;
        }
        Ok(settled)
    }

    async fn send(&self, payment: Payment) -> Result<bool, Problem> {
        let outcome = self.provider.create(&payment).await;
        if let Err(reason) = &outcome {
            tracing::warn!(payment = %payment.id, %reason, "the payment provider was not told of a payment");
        }
        match outcome {
            Err(ProviderError::Later(_)) => Ok(false),
            outcome => self.context.write(move |work| told(work, &payment, outcome)).await.map(|()| true),
        }
    }

    async fn give_back(&self, refund: Refund) -> Result<bool, Problem> {
        let id = refund.payment_id;
        let read = move |db: &mut hms_db::Db| Ok::<_, Problem>(store::payments::find(db, id)?);
        let payment = self.context.database.read(read).await?;
        let reference = payment.provided.provider_reference.unwrap_or_default();
        let outcome = self.provider.refund(&refund, &reference).await;
        if let Err(reason) = &outcome {
            tracing::warn!(refund = %refund.id, %reason, "the payment provider has not given a payment back");
        }
        match outcome {
            Err(ProviderError::Later(_)) => Ok(false),
            outcome => self
                .context
                .write(move |work| given_back(work, &refund, outcome.is_ok()))
                .await
                .map(|()| true),
        }
    }
}

/// Notes what the provider says of a payment, unless another replica or a webhook has done so.
fn told(
    work: &mut Work<'_>,
    payment: &Payment,
    outcome: Result<Intent, ProviderError>,
) -> Result<(), Problem> {
    let now = store::payments::hold(work.db, payment.id)?;
    if now.version != payment.version {
        return Ok(());
    }
    let next = match outcome {
        Err(reason) => now.fail(reason.to_string(), work.now)?,
        Ok(intent) => {
            let mut next = now.touched(work.now);
            next.provided.provider_reference = Some(intent.reference);
            next.provided.client_secret = intent.client_secret;
            next
        }
    };
    books::written(store::payments::save(work.db, &next))
}

/// Ends a refund, once, and books it where it was done.
fn given_back(work: &mut Work<'_>, refund: &Refund, done: bool) -> Result<(), Problem> {
    if done {
        let payment = store::payments::find(work.db, refund.payment_id)?;
        books::refund(work, refund, &payment)?;
    }
    let status = if done { RefundStatus::Done } else { RefundStatus::Failed };
    // Another replica was faster: what this one has booked is rolled back.
    if store::payments::end_refund(work.db, refund.id, status)? {
        Ok(())
    } else {
        Err(Code::Duplicate.into())
    }
}
