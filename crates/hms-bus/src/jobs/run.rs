//! Jobs in the hands of their service.

use std::sync::Arc;

use hms_model::event::Envelope;

use super::{Handler, JobNumbers, Ran};
use crate::backoff::Backoff;
use crate::board::add;
use crate::consumer::ConsumeError;
use crate::context::Context;
use crate::dead_letters::{DeadLetter, Death, Label};

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// It is done, now or since it came before.
    Done,
    /// It is a dead letter.
    GivenUp { reason: String, attempts: u32 },
}

/// Does the jobs of one queue; clones are the same.
#[derive(Clone)]
pub(crate) struct Runner {
    pub context: Context,
    pub queue: &'static str,
    handler: Arc<Handler>,
}

impl Runner {
    pub fn new(context: Context, queue: &'static str, handler: Arc<Handler>) -> Self {
        Self { context, queue, handler }
    }

    /// Jobs that are under way at the same time.
    pub fn at_once(&self) -> u16 {
        self.handler.at_once
    }

    /// Does some together; if that fails, each alone, so that a bad one hurts only itself. `None` when the service stops before
    /// all of them have ended: whoever takes them next finds what is done.
    pub async fn run(&self, jobs: &[Arc<Envelope>]) -> Option<Vec<End>> {
        if jobs.len() > 1
            && let Ok(ends) = self.attempt(jobs).await
        {
            return Some(ends);
        }
        let mut ends = Vec::with_capacity(jobs.len());
        for job in jobs {
            ends.push(self.alone(job).await?);
        }
        Some(ends)
    }

    /// As often as it takes while the database is away, which says nothing about the job.
    async fn alone(&self, job: &Arc<Envelope>) -> Option<End> {
        let Context { options, stop, .. } = &self.context;
        let mut backoff = Backoff::new(options.retry_first, options.retry_most);
        let mut failures = 0_u32;
        loop {
            match self.attempt(std::slice::from_ref(job)).await {
                Ok(mut ends) => return ends.pop(),
                Err(ConsumeError::Away(error)) => {
                    if backoff.is_fresh() {
                        tracing::warn!(service = self.context.service, queue = self.queue, %error, "jobs wait for the database");
                    }
                }
                Err(error) => {
                    failures = failures.saturating_add(1);
                    if failures >= options.attempts || matches!(error, ConsumeError::Reject(_)) {
                        return Some(self.give_up(job, error.reason(), failures));
                    }
                }
            }
            if !stop.pause(backoff.next()).await {
                return None;
            }
        }
    }

    async fn attempt(&self, jobs: &[Arc<Envelope>]) -> Result<Vec<End>, ConsumeError> {
        // In a task of its own: it comes to its end, and is written down, though the way to the broker be cut meanwhile.
        let (handler, jobs_in_hand) = (Arc::clone(&self.handler), jobs.to_vec());
        let work = tokio::spawn(async move { (handler.run)(jobs_in_hand).await });
        let ran: Ran = work.await.unwrap_or_else(|_| Err(ConsumeError::retry("the job panicked")));
        let given_up = ran.inspect_err(|_| self.count(|numbers| numbers.retried += 1))?;
        let ends = jobs.iter().map(|job| match given_up.iter().find(|one| one.id == job.id) {
            Some(one) => self.give_up(job, one.reason.clone(), one.attempts),
            None => {
                self.count(|numbers| numbers.done += 1);
                End::Done
            }
        });
        Ok(ends.collect())
    }

    fn give_up(&self, job: &Envelope, reason: String, attempts: u32) -> End {
        let (service, queue) = (self.context.service, self.queue);
        tracing::error!(service, queue, job = %job.id, attempts, "a job is a dead letter now");
        self.count(|numbers| numbers.dead += 1);
        add(&self.context.board.dead, 1);
        End::GivenUp { reason, attempts }
    }

    fn count(&self, change: impl FnOnce(&mut JobNumbers)) {
        self.context.board.count_jobs(self.queue, change);
    }

    /// The dead letter of a job that is not read as one, or is given up.
    pub fn letter(&self, body: Vec<u8>, label: Label, reason: String, attempts: u32) -> DeadLetter {
        let at = self.context.clock.now();
        DeadLetter::new(body, label, Death { reason, attempts: i64::from(attempts), at })
    }
}
