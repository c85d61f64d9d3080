//! The languages in which HMS writes to people, and how days and times read in them.

use crate::{Coded as _, Zone, coded_enum};
use chrono::{DateTime, Datelike as _, NaiveDate, Utc};

coded_enum! {
    /// A language in which HMS writes to people (ISO 639-1).
    pub enum Language {
        /// German.
        De = "de",
        /// English.
        En = "en",
        /// Spanish.
        Es = "es",
        /// French.
        Fr = "fr",
    }
}

const DE: Words = Words {
    days: ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"],
    months: [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ],
    to: "bis",
};
const EN: Words = Words {
    days: ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
    months: [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    to: "to",
};
const ES: Words = Words {
    days: ["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"],
    months: [
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ],
    to: "a",
};
const FR: Words = Words {
    days: ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"],
    months: [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ],
    to: "à",
};

struct Words {
    days: [&'static str; 7],
    months: [&'static str; 12],
    to: &'static str,
}

impl Language {
    /// The language of a tag (BCP 47), whatever its region; none where HMS does not write in it.
    pub fn of_tag(tag: &str) -> Option<Self> {
        Self::from_code(&tag.split('-').next().unwrap_or_default().to_ascii_lowercase())
    }

    /// A date: `2 March 2026`, `2. März 2026`, `2 de marzo de 2026`, `2 mars 2026`.
    pub fn date(self, day: NaiveDate) -> String {
        let (month, number, year) = (named(&self.words().months, day.month0()), day.day(), day.year());
        match self {
            Self::De => format!("{number}. {month} {year}"),
            Self::En => format!("{number} {month} {year}"),
            Self::Es => format!("{number} de {month} de {year}"),
            // The first of a month alone is an ordinal.
            Self::Fr if number == 1 => format!("1er {month} {year}"),
            Self::Fr => format!("{number} {month} {year}"),
        }
    }

    /// A date with the name of the day: `Monday, 2 March 2026`.
    pub fn day(self, day: NaiveDate) -> String {
        let name = named(&self.words().days, day.weekday().num_days_from_monday());
        let comma = if self == Self::Fr { "" } else { "," };
        format!("{name}{comma} {}", self.date(day))
    }

    /// A moment, as clocks of the zone show it.
    pub fn moment(self, at: DateTime<Utc>, zone: Zone) -> String {
        format!("{} {}", self.clock(at, zone), zone.abbreviation(at))
    }

    /// From one moment to another.
    pub fn period(self, start: DateTime<Utc>, end: DateTime<Utc>, zone: Zone) -> String {
        let last = if zone.day(start) == zone.day(end) { time(end, zone) } else { self.clock(end, zone) };
        format!("{} {} {last} {}", self.clock(start, zone), self.words().to, zone.abbreviation(start))
    }

    fn clock(self, at: DateTime<Utc>, zone: Zone) -> String {
        format!("{}, {}", self.day(zone.day(at)), time(at, zone))
    }

    fn words(self) -> &'static Words {
        match self {
            Self::De => &DE,
            Self::En => &EN,
            Self::Es => &ES,
            Self::Fr => &FR,
        }
    }
}

fn named(names: &[&'static str], at: u32) -> &'static str {
    usize::try_from(at).ok().and_then(|at| names.get(at).copied()).unwrap_or_default()
}

fn time(at: DateTime<Utc>, zone: Zone) -> String {
    zone.local(at).format("%H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_times_read_as_people_write_them() {
        let (start, end) = ("2026-03-01T23:30:00Z".parse().unwrap(), "2026-03-02T00:15:00Z".parse().unwrap());
        let berlin = "Europe/Berlin".parse().unwrap();
        let cases = [
            (Language::En, "Monday, 2 March 2026, 00:30 to 01:15 CET", "Sunday, 1 March 2026, 23:30 UTC"),
            (Language::De, "Montag, 2. März 2026, 00:30 bis 01:15 CET", "Sonntag, 1. März 2026, 23:30 UTC"),
            (Language::Fr, "lundi 2 mars 2026, 00:30 à 01:15 CET", "dimanche 1er mars 2026, 23:30 UTC"),
            (
                Language::Es,
                "lunes, 2 de marzo de 2026, 00:30 a 01:15 CET",
                "domingo, 1 de marzo de 2026, 23:30 UTC",
            ),
        ];
        for (language, period, moment) in cases {
            assert_eq!(language.period(start, end, berlin), period);
            assert_eq!(language.moment(start, Zone::UTC), moment);
        }
        let over_midnight = Language::En.period(start, end, Zone::UTC);
        assert_eq!(over_midnight, "Sunday, 1 March 2026, 23:30 to Monday, 2 March 2026, 00:15 UTC");
    }

    #[test]
    fn the_first_of_a_month_is_an_ordinal_in_french_alone() {
        let (first, second): (NaiveDate, NaiveDate) =
            ("2026-03-01".parse().unwrap(), "2026-03-02".parse().unwrap());
        for (language, on_first, on_second) in [
            (Language::De, "1. März 2026", "2. März 2026"),
            (Language::En, "1 March 2026", "2 March 2026"),
            (Language::Es, "1 de marzo de 2026", "2 de marzo de 2026"),
            (Language::Fr, "1er mars 2026", "2 mars 2026"),
        ] {
            assert_eq!(
                (language.date(first).as_str(), language.date(second).as_str()),
                (on_first, on_second)
            );
        }
    }

    #[test]
    fn a_tag_is_read_without_its_region() {
        for (tag, expected) in [
            ("de", Some(Language::De)),
            ("DE-at", Some(Language::De)),
            ("es-419", Some(Language::Es)),
            ("pt-BR", None),
            ("", None),
        ] {
            assert_eq!(Language::of_tag(tag), expected, "{tag}");
        }
    }
}
