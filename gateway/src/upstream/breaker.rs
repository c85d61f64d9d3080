//! The circuit breaker of a service: when most requests get no answer, the next ones are refused at once for a
//! while, and then a few are let through to see whether it answers again.
//!
//! [`Machine`] is the rule, with the time passed in; [`Breaker`] is what workers share: while all is well a
//! request costs it two atomic operations and no lock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use parking_lot::Mutex;

use super::clock::{self, Millis};
use super::settings::BreakerSettings;

/// What a breaker lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Everything.
    Closed,
    /// A few requests, to see whether the service answers.
    HalfOpen,
    /// Nothing.
    Open,
}

/// What became of a request that was let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The service answered, whatever it said.
    Answered,
    /// It did not.
    Failed,
    /// Nothing was learned: the client went away, or its body was at fault.
    Unknown,
}

/// A request is refused; after this time it may be let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused(pub Millis);

/// The rule of a breaker.
#[derive(Debug)]
pub struct Machine {
    phase: Phase,
    /// How often it opened since it was last closed.
    openings: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Closed { since: Millis, answered: u64, failed: u32 },
    Open { until: Millis },
    HalfOpen { out: u32, answered: u32 },
}

impl Machine {
    /// A closed one.
    pub const fn new() -> Self {
        Self { phase: Phase::Closed { since: 0, answered: 0, failed: 0 }, openings: 0 }
    }

    /// Its state.
    pub fn state(&self) -> State {
        match self.phase {
            Phase::Closed { .. } => State::Closed,
            Phase::Open { .. } => State::Open,
            Phase::HalfOpen { .. } => State::HalfOpen,
        }
    }

    /// Whether a request may pass now. One that passes is judged afterwards; one that passes while it is not
    /// closed is a trial, and no more of them are out than are needed to close it.
    pub fn admit(&mut self, rule: &BreakerSettings, now: Millis) -> Result<(), Refused> {
        match &mut self.phase {
            Phase::Closed { .. } => Ok(()),
            Phase::Open { until } if now < *until => Err(Refused(until.saturating_sub(now))),
            Phase::Open { .. } => {
                self.phase = Phase::HalfOpen { out: 1, answered: 0 };
                Ok(())
            }
            Phase::HalfOpen { out, .. } if *out >= rule.trials => Err(Refused(rule.open_ms)),
            Phase::HalfOpen { out, .. } => {
                *out = out.saturating_add(1);
                Ok(())
            }
        }
    }

    /// Judges a request that passed while it was closed. `answers` is how many were answered since the last call.
    /// A verdict that comes when it is no longer closed is late, and says nothing new.
    pub fn judge(&mut self, rule: &BreakerSettings, verdict: Verdict, answers: u32, now: Millis) {
        let Phase::Closed { since, answered, failed } = &mut self.phase else { return };
        if verdict != Verdict::Failed {
            return;
        }
        if now.saturating_sub(*since) >= rule.window_ms {
            (*since, *answered, *failed) = (now, 0, 0);
        } else {
            *answered = answered.saturating_add(u64::from(answers));
        }
        *failed = failed.saturating_add(1);
        let all = answered.saturating_add(u64::from(*failed));
        let share = u64::from(*failed).saturating_mul(100) >= all.saturating_mul(u64::from(rule.percent));
        if rule.failures > 0 && *failed >= rule.failures && share {
            self.open(rule, now);
        }
    }

    /// Judges a trial.
    pub fn judge_trial(&mut self, rule: &BreakerSettings, verdict: Verdict, now: Millis) {
        let Phase::HalfOpen { out, answered } = &mut self.phase else { return };
        *out = out.saturating_sub(1);
        match verdict {
            Verdict::Unknown => {}
            Verdict::Failed => self.open(rule, now),
            Verdict::Answered => {
                *answered = answered.saturating_add(1);
                if *answered >= rule.trials {
                    *self = Self { phase: Phase::Closed { since: now, answered: 0, failed: 0 }, openings: 0 };
                }
            }
        }
    }

    /// Ends the time for which it is open: the next requests are trials.
    pub fn hint(&mut self, now: Millis) {
        if let Phase::Open { until } = &mut self.phase {
            *until = now.min(*until);
        }
    }

    fn open(&mut self, rule: &BreakerSettings, now: Millis) {
        let time = rule.open_ms.saturating_mul(1 << self.openings.min(32)).min(rule.longest_ms);
        self.openings = self.openings.saturating_add(1);
        self.phase = Phase::Open { until: now.saturating_add(time) };
    }
}

/// A breaker that all workers share.
#[derive(Debug)]
pub struct Breaker {
    /// Whether the machine is closed, to be read without its lock.
    closed: AtomicU8,
    /// Answers since the machine was last told of them.
    answers: AtomicU32,
    /// How often it has opened.
    opened: AtomicU32,
    machine: Mutex<Machine>,
}

/// One request that a breaker let through. Dropped without a verdict, it says nothing.
#[derive(Debug)]
pub struct Pass {
    breaker: Arc<Breaker>,
    rule: BreakerSettings,
    trial: bool,
    verdict: Verdict,
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            closed: AtomicU8::new(1),
            answers: AtomicU32::new(0),
            opened: AtomicU32::new(0),
            machine: Mutex::new(Machine::new()),
        }
    }
}

impl Breaker {
    /// Lets a request through, or says when to come again. The time is asked for only if it matters.
    pub fn admit(
        self: &Arc<Self>,
        rule: &BreakerSettings,
        now: impl FnOnce() -> Millis,
    ) -> Result<Pass, Refused> {
        let trial = self.closed.load(Ordering::Acquire) == 0 && self.admit_trial(rule, now())?;
        Ok(Pass { breaker: Arc::clone(self), rule: rule.clone(), trial, verdict: Verdict::Unknown })
    }

    fn admit_trial(&self, rule: &BreakerSettings, now: Millis) -> Result<bool, Refused> {
        let mut machine = self.machine.lock();
        machine.admit(rule, now)?;
        // Somebody may have closed it since we looked.
        Ok(machine.state() != State::Closed)
    }

    /// Ends the time for which it is open.
    pub fn hint(&self, now: Millis) {
        self.machine.lock().hint(now);
    }

    /// Its state.
    pub fn state(&self) -> State {
        self.machine.lock().state()
    }

    /// How often it has opened.
    pub fn opened(&self) -> u32 {
        self.opened.load(Ordering::Relaxed)
    }

    fn judge(&self, rule: &BreakerSettings, trial: bool, verdict: Verdict) {
        if !trial && verdict != Verdict::Failed {
            if verdict == Verdict::Answered {
                self.answers.fetch_add(1, Ordering::Relaxed);
            }
            return;
        }
        let now = clock::now();
        let mut machine = self.machine.lock();
        let before = machine.state();
        if trial {
            machine.judge_trial(rule, verdict, now);
        } else {
            machine.judge(rule, verdict, self.answers.swap(0, Ordering::Relaxed), now);
        }
        let after = machine.state();
        self.closed.store(u8::from(after == State::Closed), Ordering::Release);
        if after == State::Open && before != State::Open {
            self.opened.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Pass {
    /// What became of the request.
    pub fn judge(mut self, verdict: Verdict) {
        self.verdict = verdict;
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.breaker.judge(&self.rule, self.trial, self.verdict);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: BreakerSettings = BreakerSettings {
        failures: 3,
        percent: 50,
        window_ms: 1_000,
        open_ms: 100,
        longest_ms: 350,
        trials: 2,
    };

    /// One step of a story.
    enum Step {
        Admit,
        Refuse(Millis),
        Fail,
        Answers(u32),
        Trial(Verdict),
        Hint,
    }
    use Step::{Admit, Answers, Fail, Hint, Refuse, Trial};

    /// When, what happens, and the state afterwards.
    type Moment = (Millis, Step, State);

    #[test]
    fn transitions() {
        use State::{Closed, HalfOpen, Open};
        let opens = [(0, Fail, Closed), (1, Fail, Closed), (2, Fail, Open)];
        let stories: [(&str, Vec<Moment>); 10] = [
            ("failures enough, and most of the requests", opens.into()),
            (
                "failures enough, but few of the requests",
                vec![(0, Fail, Closed), (1, Answers(9), Closed), (2, Fail, Closed), (3, Fail, Closed)],
            ),
            (
                "failures that are far apart",
                vec![(0, Fail, Closed), (600, Fail, Closed), (1_100, Fail, Closed), (1_200, Fail, Closed)],
            ),
            (
                "answers of long ago do not count",
                vec![
                    (0, Answers(1_000), Closed),
                    (5_000, Fail, Closed),
                    (5_001, Fail, Closed),
                    (5_002, Fail, Open),
                ],
            ),
            (
                "open: refused until the time is over, then as many trials as close it",
                vec![
                    (0, Fail, Closed),
                    (0, Fail, Closed),
                    (0, Fail, Open),
                    (99, Refuse(1), Open),
                    (100, Admit, HalfOpen),
                    (100, Admit, HalfOpen),
                    (100, Refuse(100), HalfOpen),
                ],
            ),
            (
                "trials that are answered close it",
                vec![
                    (0, Fail, Closed),
                    (0, Fail, Closed),
                    (0, Fail, Open),
                    (100, Admit, HalfOpen),
                    (101, Trial(Verdict::Answered), HalfOpen),
                    (102, Admit, HalfOpen),
                    (103, Trial(Verdict::Answered), Closed),
                    (104, Fail, Closed),
                ],
            ),
            (
                "a trial that fails opens it for twice as long, up to the longest",
                vec![
                    (0, Fail, Closed),
                    (0, Fail, Closed),
                    (0, Fail, Open),
                    (100, Admit, HalfOpen),
                    (100, Trial(Verdict::Failed), Open),
                    (299, Refuse(1), Open),
                    (300, Admit, HalfOpen),
                    (300, Trial(Verdict::Failed), Open),
                    (301, Refuse(349), Open),
                    (650, Admit, HalfOpen),
                ],
            ),
            (
                "a trial of which nothing was learned is free for the next",
                vec![
                    (0, Fail, Closed),
                    (0, Fail, Closed),
                    (0, Fail, Open),
                    (100, Admit, HalfOpen),
                    (100, Admit, HalfOpen),
                    (101, Trial(Verdict::Unknown), HalfOpen),
                    (102, Admit, HalfOpen),
                ],
            ),
            (
                "a sign of recovery ends the time, and proves nothing",
                vec![
                    (0, Hint, Closed),
                    (0, Fail, Closed),
                    (0, Fail, Closed),
                    (0, Fail, Open),
                    (10, Hint, Open),
                    (10, Admit, HalfOpen),
                    (11, Hint, HalfOpen),
                    (12, Trial(Verdict::Failed), Open),
                    (13, Refuse(199), Open),
                ],
            ),
            (
                "verdicts that come late change nothing",
                vec![
                    (0, Fail, Closed),
                    (0, Fail, Closed),
                    (0, Fail, Open),
                    (1, Fail, Open),
                    (1, Answers(5), Open),
                    (1, Trial(Verdict::Answered), Open),
                    (100, Admit, HalfOpen),
                    (101, Fail, HalfOpen),
                ],
            ),
        ];
        for (story, steps) in stories {
            let mut machine = Machine::new();
            let mut answers = 0;
            for (number, (now, step, expected)) in steps.into_iter().enumerate() {
                match step {
                    Admit => assert_eq!(machine.admit(&RULE, now), Ok(()), "{story}, step {number}"),
                    Refuse(after) => {
                        assert_eq!(machine.admit(&RULE, now), Err(Refused(after)), "{story}, step {number}");
                    }
                    Fail => machine.judge(&RULE, Verdict::Failed, std::mem::take(&mut answers), now),
                    Answers(count) => answers += count,
                    Trial(verdict) => machine.judge_trial(&RULE, verdict, now),
                    Hint => machine.hint(now),
                }
                assert_eq!(machine.state(), expected, "{story}, step {number}");
            }
        }
    }

    #[test]
    fn a_breaker_without_failures_never_opens() {
        let rule = BreakerSettings { failures: 0, ..RULE };
        let mut machine = Machine::new();
        for now in 0..1_000 {
            machine.judge(&rule, Verdict::Failed, 0, now);
        }
        assert_eq!(machine.state(), State::Closed);
    }

    #[test]
    fn workers_share_one() {
        let rule = BreakerSettings { open_ms: 60_000, longest_ms: 60_000, ..RULE };
        let breaker = Arc::new(Breaker::default());
        for _ in 0..3 {
            breaker.admit(&rule, clock::now).unwrap().judge(Verdict::Failed);
        }
        assert_eq!(breaker.state(), State::Open);
        assert_eq!(breaker.opened(), 1);
        assert!(breaker.admit(&rule, clock::now).is_err());
        let later = clock::now() + 60_001;
        for _ in 0..2 {
            breaker.admit(&rule, || later).unwrap().judge(Verdict::Answered);
        }
        assert_eq!(breaker.state(), State::Closed);
    }
}
