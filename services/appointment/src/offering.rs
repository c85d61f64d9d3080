//! Offers times that became free to those who wait: woken by the events of cancellations and moves, by what is released,
//! and by the clock when a hold or an offer expires. Several replicas share the work: what one has in hand, the others
//! skip.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use hms_model::audit::Action;
use hms_model::event::{OfferFacts, WaitlistOffered};
use hms_model::id::{AppointmentTypeId, Id, OfferId, WaitlistEntryId};
use hms_problem::{Code, Problem};
use hms_service::{Act, Context, Stop, Work};
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::api::{appointments::taken, placing};
use crate::domain::waitlist::best_first;
use crate::domain::{Ask, Entry, EntryStatus, Hold, Offer, OfferStatus, Opening, Refusal};
use crate::store::{self, waitlist};

/// How often to look although nobody asked: for what another replica wrote, or left when it died.
const SWEEP: Duration = Duration::from_secs(2);
/// The shortest rest.
const PAUSE: Duration = Duration::from_millis(50);
/// How long to leave the database alone after a failure.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// How many are taken up in one unit of work.
const BATCH: i64 = 50;
/// How many of those who wait are asked for in one look.
const CANDIDATES: i64 = 200;

/// The task that offers.
pub struct Offering {
    context: Context,
    wake: Arc<Notify>,
    offer_for: TimeDelta,
}

impl Offering {
    /// The task; offers are open for so long.
    pub fn new(context: Context, wake: Arc<Notify>, offer_for: TimeDelta) -> Self {
        Self { context, wake, offer_for }
    }

    /// Offers until the service stops.
    pub async fn run(self, stop: Stop) {
        while !stop.is_told() {
            let rest = match self.all(&stop).await {
                Ok(rest) => rest,
                Err(problem) => {
                    tracing::warn!(code = ?problem.code(), "what became free could not be offered yet");
                    AFTER_FAILURE
                }
            };
            tokio::select! {
                () = stop.told() => {}
                () = self.wake.notified() => {}
                () = sleep(rest) => {}
            }
        }
    }

    /// Does all that is due; says how long there is nothing more to do.
    async fn all(&self, stop: &Stop) -> Result<Duration, Problem> {
        let now = self.context.clock.now();
        let lapsed =
            self.context.database.read(move |db| Ok::<_, Problem>(waitlist::lapsed(db, now, BATCH)?)).await?;
        for entry in lapsed {
            self.context.write(move |work| lapse(work, entry)).await?;
        }
        let offer_for = self.offer_for;
        self.context.write(lapse_holds).await?;
        while !stop.is_told() && self.context.write(move |work| offer_one(work, offer_for)).await? {}
        let next = self.context.database.read(|db| Ok::<_, Problem>(waitlist::next_moment(db)?)).await?;
        let rest = next.map(|next| (next - self.context.clock.now()).to_std().unwrap_or_default());
        Ok(rest.map_or(SWEEP, |rest| rest.clamp(PAUSE, SWEEP)))
    }
}

/// Nobody answered in time: whoever it was waits again, and the time goes on to the next.
fn lapse(work: &mut Work<'_>, id: WaitlistEntryId) -> Result<(), Problem> {
    let entry = waitlist::hold(work.db, id)?;
    match &entry.offer {
        Some(offer) if offer.expires_at <= work.now => {
            let next = give_back(work, &entry, OfferStatus::Expired, EntryStatus::Waiting)?;
            audit(work, &next, "offer expired")
        }
        // Another replica was quicker, or its owner.
        _ => Ok(()),
    }
}

/// An offer comes to its end without a booking; its time is to be offered again.
pub fn give_back(
    work: &mut Work<'_>,
    entry: &Entry,
    outcome: OfferStatus,
    status: EntryStatus,
) -> Result<Entry, Problem> {
    let next = entry.become_status(status, work.now)?;
    if let Some(offer) = &entry.offer {
        if !waitlist::close_offer(work.db, offer.id, outcome)? {
            return Err(Code::PreconditionFailed.into());
        }
        store::holds::release(work.db, offer.hold_id)?;
        waitlist::open(work.db, &offer.opening, work.now)?;
    }
    if !waitlist::save(work.db, entry, &next)? {
        return Err(Code::PreconditionFailed.into());
    }
    Ok(next)
}

/// The time of holds that have expired is free.
fn lapse_holds(work: &mut Work<'_>) -> Result<(), Problem> {
    for (hold, opening) in waitlist::lapsed_holds(work.db, work.now, BATCH)? {
        store::holds::release(work.db, hold)?;
        waitlist::open(work.db, &opening, work.now)?;
    }
    Ok(())
}

/// Takes up one time that became free; false when there is none. It is gone when nobody waits for it.
fn offer_one(work: &mut Work<'_>, offer_for: TimeDelta) -> Result<bool, Problem> {
    let Some(opening) = waitlist::take_opening(work.db)? else { return Ok(false) };
    let Some(expires_at) = opening.offered_until(offer_for, work.now) else { return Ok(true) };
    let candidates = waitlist::candidates(work.db, &opening, CANDIDATES)?;
    // What is not free for one is not free for whoever needs the same, or more.
    let mut taken: Vec<(Option<AppointmentTypeId>, DateTime<Utc>)> = Vec::new();
    for candidate in best_first(candidates, &opening) {
        let Some(part) = opening.part(candidate.minutes) else { continue };
        let needs = (candidate.appointment_type_id, part.end());
        if taken.iter().any(|(kind, end)| *kind == needs.0 && *end <= needs.1) {
            continue;
        }
        let entry = waitlist::hold(work.db, candidate.id)?;
        if entry.status != EntryStatus::Waiting {
            continue;
        }
        match keep(work, &entry, &opening, expires_at)? {
            Kept::Offered => break,
            Kept::NotForThem => {}
            Kept::Taken => taken.push(needs),
        }
    }
    Ok(true)
}

/// What came of the attempt to keep a time for somebody.
enum Kept {
    Offered,
    /// The schedule does not offer it for what they need.
    NotForThem,
    /// It is not free any more.
    Taken,
}

fn keep(
    work: &mut Work<'_>,
    entry: &Entry,
    opening: &Opening,
    expires_at: DateTime<Utc>,
) -> Result<Kept, Problem> {
    let Some(slot) = opening.part(entry.minutes) else { return Ok(Kept::NotForThem) };
    let ask = Ask {
        practitioner_id: opening.practitioner_id,
        department_id: opening.department_id,
        appointment_type_id: entry.appointment_type_id.or(opening.appointment_type_id),
        slot,
        resource_ids: Vec::new(),
        others_will_do: false,
        bound: false,
        overbook: None,
        now: work.now,
    };
    let known = store::known(work.db, &Hold::question(work.new_id(), &ask), &[])?;
    if Hold::allowed(&known, &ask).is_err() {
        return Ok(Kept::Taken);
    }
    let found = match placing::find(work, &known, &ask, &[]) {
        Ok(found) => found,
        Err(problem) if problem.code() == Code::SlotTaken => return Ok(Kept::Taken),
        Err(problem) if problem.code().status().is_client_error() => return Ok(Kept::NotForThem),
        Err(problem) => return Err(problem),
    };
    let offer_id: OfferId = work.new_id();
    // It is held for the offer and for no account: whoever accepts redeems it in the same unit of work.
    let hold = Hold::new(work.new_id(), Id::from_uuid(offer_id.uuid()), &ask, found, expires_at);
    store::holds::insert(work.db, &hold, work.now).map_err(taken)?;
    let offer = Offer {
        id: offer_id,
        hold_id: hold.id,
        practitioner_id: hold.practitioner_id,
        start: hold.start,
        end: hold.end,
        expires_at,
        opening: opening.clone(),
    };
    waitlist::insert_offer(work.db, entry, &offer, work.now)?;
    let next = entry.become_status(EntryStatus::Offered, work.now)?;
    if !waitlist::save(work.db, entry, &next)? {
        return Err(Code::PreconditionFailed.into());
    }
    tell(work, &next, &hold, &offer, known.practitioner_name())?;
    audit(work, &next, "offered")?;
    Ok(Kept::Offered)
}

fn tell(
    work: &mut Work<'_>,
    entry: &Entry,
    hold: &Hold,
    offer: &Offer,
    practitioner: &str,
) -> Result<(), Problem> {
    work.publish(&WaitlistOffered(OfferFacts {
        entry_id: entry.id,
        version: entry.version,
        offer_id: offer.id,
        patient_id: entry.patient_id,
        practitioner_id: hold.practitioner_id,
        practitioner_name: practitioner.to_owned(),
        department_id: hold.department_id,
        appointment_type_id: hold.appointment_type_id,
        start: offer.start,
        end: offer.end,
        zone: hold.zone.map(String::from),
        expires_at: offer.expires_at,
    }))
}

/// Tells the audit of a change of somebody's place on the waitlist.
pub fn audit(work: &mut Work<'_>, entry: &Entry, detail: &str) -> Result<(), Problem> {
    let act = Act::new(Action::Update, "waitlist_entry").on(entry.id).of_patient(entry.patient_id);
    work.audit(act.detail(detail))
}

/// An offer that is not there, or no longer.
pub fn gone() -> Problem {
    Problem::from(Refusal::HoldExpired).message("The time is not offered to you any more.")
}
