//! What a message tells, as the event that caused it had it.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use hms_model::event::{AppointmentFacts, InvoiceFacts, OfferFacts};
use hms_model::id::AppointmentId;
use hms_model::money::{Currency, Money};
use hms_model::{Language, Zone};
use serde::{Deserialize, Serialize};

use super::template::{Values, Variable, one_line};
use super::{Kind, Patient};

/// What a message tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum About {
    /// Of a time that is offered.
    Offer(Offer),
    /// Of an invoice.
    Bill(Bill),
    /// Of an appointment.
    Visit(Visit),
}

/// An appointment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    /// Which; none in messages of a former version of the service.
    #[serde(default)]
    pub appointment_id: Option<AppointmentId>,
    /// Its version.
    #[serde(default)]
    pub version: i64,
    /// With whom.
    pub practitioner_name: String,
    /// From.
    pub start: DateTime<Utc>,
    /// Up to, not including.
    pub end: DateTime<Utc>,
    /// The zone of the place.
    #[serde(default)]
    pub zone: Option<Zone>,
    /// The name of the department.
    #[serde(default)]
    pub place: Option<String>,
}

/// A time that is offered, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The time.
    pub visit: Visit,
    /// Until when it stands.
    pub expires_at: DateTime<Utc>,
}

/// An invoice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bill {
    /// The number that stands on it.
    pub number: String,
    /// All of it.
    pub total: Money,
    /// Until when it is to be paid.
    pub due_on: Option<NaiveDate>,
}

/// How the house writes to everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manner {
    /// What it is called.
    pub organisation: String,
    /// The zone in which times are shown where no schedule says.
    pub zone: Zone,
    /// The language of patients of whom none is known.
    pub language: Language,
}

impl About {
    /// When it is of no use any more.
    pub fn expires_at(&self, is_reminder: bool) -> Option<DateTime<Utc>> {
        match self {
            Self::Offer(offer) => Some(offer.expires_at),
            Self::Visit(visit) if is_reminder => Some(visit.start),
            Self::Visit(_) | Self::Bill(_) => None,
        }
    }

    /// What the variables of its words stand for. Where the patient is not known yet, the name is empty.
    pub fn values(&self, patient: Option<&Patient>, language: Language, manner: &Manner) -> Values {
        let mut values = Values::from([
            (Variable::PatientName, patient.map(|patient| one_line(&patient.name)).unwrap_or_default()),
            (Variable::Organisation, manner.organisation.clone()),
        ]);
        match self {
            Self::Visit(visit) => values.extend(visit.values(language, manner)),
            Self::Offer(Offer { visit, expires_at }) => {
                let zone = visit.zone.unwrap_or(manner.zone);
                values.extend(visit.values(language, manner));
                values.insert(Variable::ExpiresAt, language.moment(*expires_at, zone));
            }
            Self::Bill(bill) => values.extend([
                (Variable::InvoiceNumber, one_line(&bill.number)),
                (Variable::InvoiceTotal, format!("{} {}", bill.total.decimal(), bill.total.currency)),
                (Variable::DueOn, bill.due_on.map(|day| language.day(day)).unwrap_or_default()),
            ]),
        }
        values
    }

    /// The appointment, where it is about one.
    pub fn visit(&self) -> Option<&Visit> {
        match self {
            Self::Visit(visit) => Some(visit),
            Self::Offer(_) | Self::Bill(_) => None,
        }
    }

    /// What an example tells: for a look at words that nobody was sent yet.
    pub fn example(kind: Kind, now: DateTime<Utc>) -> Self {
        let start = now + TimeDelta::days(1);
        let visit = Visit {
            appointment_id: None,
            version: 1,
            practitioner_name: "Dr. Mia Chen".into(),
            start,
            end: start + TimeDelta::minutes(30),
            zone: None,
            place: Some("Cardiology".into()),
        };
        match kind {
            Kind::Offer => Self::Offer(Offer { visit, expires_at: now + TimeDelta::minutes(30) }),
            Kind::Invoice => Self::Bill(Bill {
                number: "2026-000042".into(),
                total: Money::new(11_900, Currency::EUR),
                due_on: Some((now + TimeDelta::days(14)).date_naive()),
            }),
            _ => Self::Visit(visit),
        }
    }
}

impl Visit {
    /// The appointment of these facts, in the department of this name.
    pub fn of(facts: &AppointmentFacts, place: Option<String>) -> Self {
        Self {
            appointment_id: Some(facts.appointment_id),
            version: facts.version,
            practitioner_name: facts.practitioner_name.clone(),
            start: facts.start,
            end: facts.end,
            zone: facts.zone.as_deref().and_then(|zone| zone.parse().ok()),
            place,
        }
    }

    fn values(&self, language: Language, manner: &Manner) -> [(Variable, String); 4] {
        let zone = self.zone.unwrap_or(manner.zone);
        [
            (Variable::PractitionerName, one_line(&self.practitioner_name)),
            (Variable::Start, language.moment(self.start, zone)),
            (Variable::Period, language.period(self.start, self.end, zone)),
            (Variable::Department, self.place.as_deref().map(one_line).unwrap_or_default()),
        ]
    }
}

impl Offer {
    /// The offer of these facts, in the department of this name.
    pub fn of(facts: &OfferFacts, place: Option<String>) -> Self {
        let visit = Visit {
            appointment_id: None,
            version: facts.version,
            practitioner_name: facts.practitioner_name.clone(),
            start: facts.start,
            end: facts.end,
            zone: facts.zone.as_deref().and_then(|zone| zone.parse().ok()),
            place,
        };
        Self { visit, expires_at: facts.expires_at }
    }
}

impl Bill {
    /// The invoice of these facts; none of a credit note, which asks for nothing.
    pub fn of(facts: &InvoiceFacts) -> Option<Self> {
        let InvoiceFacts { number, kind, total, due_on, .. } = facts;
        (kind == "invoice").then(|| Self { number: number.clone(), total: *total, due_on: *due_on })
    }
}

#[cfg(test)]
mod tests {
    use hms_model::Coded as _;

    use super::*;
    use crate::domain::{ChannelKind, TemplateKey, Words};

    fn now() -> DateTime<Utc> {
        "2026-03-02T08:00:00Z".parse().unwrap()
    }

    fn manner() -> Manner {
        Manner {
            organisation: "Clinic North".into(),
            zone: "Europe/Berlin".parse().unwrap(),
            language: Language::En,
        }
    }

    #[test]
    fn every_variable_of_a_kind_has_a_value() {
        for kind in Kind::ALL {
            let about = About::example(*kind, now());
            for language in Language::ALL {
                let values = about.values(None, *language, &manner());
                let mut found: Vec<_> = values.keys().copied().collect();
                let mut expected = Variable::of(*kind).to_vec();
                found.sort_unstable();
                expected.sort_unstable();
                assert_eq!(found, expected, "{kind}");
            }
        }
    }

    #[test]
    fn what_is_kept_reads_back_as_what_it_was_and_so_does_what_was_kept_before() {
        for kind in Kind::ALL {
            let about = About::example(*kind, now());
            let kept = serde_json::to_value(&about).unwrap();
            assert_eq!(serde_json::from_value::<About>(kept).unwrap(), about);
        }
        let old = serde_json::json!({"practitioner_name": "Dr. Mia Chen", "start": now(), "end": now()});
        let About::Visit(visit) = serde_json::from_value(old).unwrap() else { panic!("a visit") };
        assert_eq!((visit.appointment_id, visit.version, visit.start), (None, 0, now()));
    }

    #[test]
    fn times_are_those_of_the_place_and_of_the_house_where_it_has_none() {
        let About::Visit(visit) = About::example(Kind::Reminder, now()) else { panic!("a visit") };
        let read = |zone: Option<&str>| {
            let about = About::Visit(Visit { zone: zone.map(|zone| zone.parse().unwrap()), ..visit.clone() });
            let key = TemplateKey { kind: Kind::Reminder, channel: ChannelKind::Sms, language: Language::De };
            Words::built_in(key).fill(&about.values(None, Language::De, &manner())).body
        };
        assert_eq!(read(None), "Erinnerung: Ihr Termin ist am Dienstag, 3. März 2026, 09:00 CET.");
        assert_eq!(
            read(Some("Asia/Tokyo")),
            "Erinnerung: Ihr Termin ist am Dienstag, 3. März 2026, 17:00 JST."
        );
    }
}
