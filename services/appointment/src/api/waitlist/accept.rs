//! `POST /waitlist/{id}/accept`.

use actix_web::{post, web};
use hms_api::Problems;
use hms_care::Sight;
use hms_model::audit::Action;
use hms_model::id::WaitlistEntryId;
use hms_model::role::scope;
use hms_problem::{Code, Problem};
use hms_service::{Call, Reply, Work};

use super::hold;
use crate::State;
use crate::api::{appointments, sight};
use crate::domain::{
    Appointment, Booking, Caller, Entry, EntryStatus, Hold, InitialStatus, OfferStatus, Refusal, Request,
};
use crate::events::{self, Fact};
use crate::offering::{audit, gone};
use crate::store::{self, waitlist};

/// Books the time that is offered. 409 `HOLD_EXPIRED` when it is offered no more.
#[utoipa::path(tag = "waitlist", operation_id = "accept_offer",
    params(("id" = Uuid, Path, description = "The place on the waitlist")),
    responses((status = 201, body = Appointment), Problems), security(("bearer" = ["appointment:write"])))]
#[post("/waitlist/{id}/accept")]
pub async fn accept(
    call: Call<scope::AppointmentWrite>,
    state: web::Data<State>,
    id: web::Path<WaitlistEntryId>,
) -> Result<Reply, Problem> {
    let (caller, sight, id) = (appointments::caller(&call)?, sight(&call, &state)?, id.into_inner());
    call.write(move |work| book(work, id, (caller, &sight))).await
}

fn book(
    work: &mut Work<'_>,
    id: WaitlistEntryId,
    (caller, sight): (Caller, &Sight),
) -> Result<Reply, Problem> {
    let entry = hold(work, id, sight)?;
    let Some(offer) = entry.offer.clone().filter(|offer| offer.expires_at > work.now) else {
        let waits = matches!(entry.status, EntryStatus::Waiting | EntryStatus::Offered);
        return Err(if waits { gone() } else { Refusal::IllegalEntry(entry.status).into() });
    };
    let held = store::holds::hold(work.db, offer.hold_id)?.ok_or_else(gone)?;
    // The hold is the offer's own, and whoever the offer is for may redeem it.
    let booking =
        Booking::new(request(&entry, &held), Caller { account_id: held.held_by, ..caller }, work.now)?;
    let appointment_id = work.new_id();
    let known = store::known(work.db, &booking.question(appointment_id, work.now), &[])?;
    booking.allowed(&known)?;
    let found = booking.redeem(&held, work.now)?;
    store::holds::release(work.db, held.id)?;
    let appointment = booking.confirm(found, appointment_id, work.now);
    if let Some(owner) = store::insert(work.db, &appointment).map_err(appointments::taken)? {
        return Err(owner.in_the_way(caller.reach).into());
    }
    settle(work, &entry, offer.id, &appointment)?;
    events::publish(work, &appointment, known.practitioner_name(), Fact::Status)?;
    appointments::audit(work, Action::Create, &appointment, "from the waitlist")?;
    let place = format!("/api/v1/appointments/{appointment_id}");
    Ok(Reply::created(&appointment)?.version(appointment.version).at(place))
}

fn settle(
    work: &mut Work<'_>,
    entry: &Entry,
    offer: hms_model::id::OfferId,
    appointment: &Appointment,
) -> Result<(), Problem> {
    let next = entry.become_status(EntryStatus::Booked, work.now)?;
    let next = Entry { appointment_id: Some(appointment.id), ..next };
    let settled = waitlist::close_offer(work.db, offer, OfferStatus::Accepted)?;
    if !settled || !waitlist::save(work.db, entry, &next)? {
        return Err(Code::PreconditionFailed.into());
    }
    audit(work, &next, "accepted")
}

fn request(entry: &Entry, held: &Hold) -> Request {
    Request {
        patient_id: entry.patient_id,
        practitioner_id: held.practitioner_id,
        department_id: held.department_id,
        start: held.start,
        end: held.end,
        status: InitialStatus::Booked,
        reason: None,
        description: None,
        identifiers: Vec::new(),
        appointment_type_id: held.appointment_type_id,
        resource_ids: Vec::new(),
        hold_id: Some(held.id),
        overbook: None,
    }
}
