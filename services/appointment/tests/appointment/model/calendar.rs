//! What the service should know, kept in the simplest way. Times are minutes of one day, as `at` has them.

use chrono::{DateTime, TimeDelta, Utc};

/// How long the service under test offers a time to one person, in minutes.
pub const OFFER_MINUTES: i64 = 4;

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum State {
    Booked,
    Arrived,
    Cancelled,
}

/// An appointment.
#[derive(Debug)]
pub struct Entry {
    pub route: String,
    pub start: i64,
    pub end: i64,
    pub state: State,
}

/// A slot that is held.
#[derive(Debug)]
pub struct Held {
    pub id: String,
    pub start: i64,
    pub end: i64,
    pub expires_at: DateTime<Utc>,
}

/// A time that became free, and who was asked already.
#[derive(Debug, Clone)]
pub struct Opening {
    pub start: i64,
    pub end: i64,
    asked: Vec<usize>,
}

/// What is offered to one person.
#[derive(Debug, Clone)]
pub struct Offer {
    pub opening: Opening,
    pub end: i64,
    pub expires_at: DateTime<Utc>,
}

#[derive(Debug)]
pub enum Waiting {
    Waits,
    Offered(Offer),
    /// With the route of the appointment.
    Booked(String),
    Withdrawn,
}

/// What somebody waits for.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    pub start: i64,
    pub end: i64,
    pub minutes: Option<i64>,
    /// Less comes first.
    pub priority: usize,
}

/// Somebody on the waitlist.
#[derive(Debug)]
pub struct Waiter {
    pub id: String,
    pub wish: Wish,
    pub state: Waiting,
}

impl Waiter {
    pub fn offer(&self) -> Option<&Offer> {
        match &self.state {
            Waiting::Offered(offer) => Some(offer),
            _ => None,
        }
    }

    /// Up to when they would take it; none where it will not do.
    fn end_of(&self, opening: &Opening) -> Option<i64> {
        let end = self.wish.minutes.map_or(opening.end, |minutes| opening.start + minutes);
        (self.wish.start <= opening.start && end <= opening.end && end <= self.wish.end).then_some(end)
    }
}

#[derive(Debug, Default)]
pub struct Calendar {
    pub entries: Vec<Entry>,
    pub held: Vec<Held>,
    /// Who waits longest comes first.
    pub line: Vec<Waiter>,
}

impl Calendar {
    /// No appointment but this one takes any of it, nobody holds it, and it is offered to nobody.
    pub fn is_open(&self, start: i64, end: i64, except: Option<usize>, now: DateTime<Utc>) -> bool {
        let others = self.entries.iter().enumerate().filter(|(index, _)| Some(*index) != except);
        let booked = others.map(|(_, entry)| entry).filter(|entry| entry.state != State::Cancelled);
        let held = self.held.iter().filter(|held| held.expires_at > now);
        let offered = self.line.iter().filter_map(Waiter::offer).filter(|offer| offer.expires_at > now);
        let mut taken = booked
            .map(|entry| (entry.start, entry.end))
            .chain(held.map(|held| (held.start, held.end)))
            .chain(offered.map(|offer| (offer.opening.start, offer.end)));
        taken.all(|(from, until)| until <= start || end <= from)
    }

    /// A time became free: it goes to the most pressing of those whom it suits and who can have it, or else is forgotten.
    pub fn free(&mut self, start: i64, end: i64, now: DateTime<Utc>) {
        self.offer(Opening { start, end, asked: Vec::new() }, now);
    }

    fn offer(&mut self, mut opening: Opening, now: DateTime<Utc>) {
        let waits = |who: &usize| matches!(self.line[*who].state, Waiting::Waits);
        let mut line: Vec<_> = (0..self.line.len())
            .filter(|who| !opening.asked.contains(who))
            .filter(waits)
            .filter_map(|who| Some((who, self.line[who].end_of(&opening)?)))
            .filter(|(_, end)| self.is_open(opening.start, *end, None, now))
            .collect();
        line.sort_by_key(|(who, _)| (self.line[*who].wish.priority, *who));
        let Some(&(first, end)) = line.first() else { return };
        opening.asked.push(first);
        let expires_at = now + TimeDelta::minutes(OFFER_MINUTES);
        self.line[first].state = Waiting::Offered(Offer { opening, end, expires_at });
    }

    /// What was offered to somebody goes on to the next, and they wait again or no more.
    pub fn pass_on(&mut self, who: usize, state: Waiting, now: DateTime<Utc>) {
        if let Waiting::Offered(offer) = std::mem::replace(&mut self.line[who].state, state) {
            self.offer(offer.opening, now);
        }
    }

    /// The next hold or offer that ends, and when.
    pub fn next_end(&self) -> Option<(DateTime<Utc>, Ending)> {
        let held = self.held.iter().enumerate().map(|(which, held)| (held.expires_at, Ending::Hold(which)));
        let offers = self.line.iter().enumerate();
        let offers =
            offers.filter_map(|(who, waiter)| Some((waiter.offer()?.expires_at, Ending::Offer(who))));
        held.chain(offers).min_by_key(|(at, _)| *at)
    }
}

/// What comes to its end by the clock.
#[derive(Debug, Clone, Copy)]
pub enum Ending {
    Hold(usize),
    Offer(usize),
}
