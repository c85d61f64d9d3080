//! Which messages a patient wants, by which ways, and when not.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveTime, TimeDelta, Timelike as _, Utc};
use hms_model::id::PatientId;
use hms_model::{Coded as _, Zone};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ChannelKind, Group, Lane, Patient};

/// What a patient has said about messages; all of it is empty where they have said nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wishes {
    /// Whose.
    pub patient_id: PatientId,
    /// Counts the changes; 0 where nothing was said.
    pub version: i64,
    /// The ways that are wanted for a group of messages; of one that is not there, those of the house.
    pub channels: BTreeMap<Group, BTreeSet<ChannelKind>>,
    /// When not to be disturbed.
    pub quiet: Option<QuietHours>,
}

/// The hours in which a patient is not disturbed. Only what is urgent comes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    /// From this local time, `HH:MM`.
    #[schema(value_type = String, pattern = "^[0-9]{2}:[0-9]{2}$", examples("22:00"))]
    #[serde(with = "minutes")]
    pub from: NaiveTime,
    /// Up to this one; when it is earlier, on the next day.
    #[schema(value_type = String, pattern = "^[0-9]{2}:[0-9]{2}$", examples("07:00"))]
    #[serde(with = "minutes")]
    pub to: NaiveTime,
    /// The zone in which the patient lives (IANA).
    pub zone: Zone,
}

/// By which ways a patient can be reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reachable {
    /// Mail that was sent to the address came back for good.
    pub dead_email: bool,
    /// Nobody has the telephone number.
    pub dead_phone: bool,
    /// A browser or a device has asked for messages.
    pub has_device: bool,
}

impl Wishes {
    /// Of somebody who has said nothing.
    pub fn none(patient_id: PatientId) -> Self {
        Self { patient_id, version: 0, channels: BTreeMap::new(), quiet: None }
    }

    /// The ways that messages of a group go to this patient, or why there is none.
    pub fn ways(
        &self,
        group: Group,
        house: &BTreeSet<ChannelKind>,
        (patient, reachable): (&Patient, Reachable),
    ) -> Result<Vec<ChannelKind>, &'static str> {
        if !patient.active {
            return Err("the record of the patient is not in use");
        }
        let wanted = self.channels.get(&group).unwrap_or(house);
        if wanted.is_empty() {
            return Err("the patient wants no such messages");
        }
        let has = |way: &ChannelKind| match way {
            ChannelKind::Email => patient.email.is_some() && !reachable.dead_email,
            ChannelKind::Sms => patient.phone.is_some() && !reachable.dead_phone,
            ChannelKind::Push => reachable.has_device,
            ChannelKind::InApp => patient.has_account,
        };
        let ways: Vec<_> = wanted.iter().copied().filter(has).collect();
        match ways.is_empty() {
            false => Ok(ways),
            true if !wanted.contains(&ChannelKind::Email) => {
                Err("the patient can be reached by none of the ways that are wanted")
            }
            true if patient.email.is_none() => Err("the patient has no e-mail address"),
            true => Err("mail does not reach the patient"),
        }
    }

    /// Until when a message of this lane waits, where it is not to be sent now.
    pub fn holds_back(&self, lane: Lane, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.quiet.filter(|_| lane != Lane::Urgent).and_then(|quiet| quiet.end(now))
    }
}

impl QuietHours {
    /// The end of the quiet hours that `now` lies in.
    pub fn end(self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let local = self.zone.local(now);
        let (time, day) = (local.time(), local.date());
        let is_quiet = match self.from <= self.to {
            true => (self.from..self.to).contains(&time),
            false => time >= self.from || time < self.to,
        };
        if !is_quiet {
            return None;
        }
        let last = if time < self.to { day } else { day.succ_opt()? };
        let end = self.zone.moment(last.and_time(self.to));
        // Where the clock is put back over the end, the same local time comes once more: it is over all the same.
        Some(if end > now { end } else { now + TimeDelta::minutes(1) })
    }

    /// Whether it ends at all.
    pub fn is_sound(self) -> bool {
        self.from != self.to && self.from.second() == 0 && self.to.second() == 0
    }
}

/// What is wanted of each group, of those that were said and of the others.
pub fn in_full(wishes: &Wishes, house: &BTreeSet<ChannelKind>) -> BTreeMap<Group, BTreeSet<ChannelKind>> {
    let each = Group::ALL.iter().map(|group| (*group, wishes.channels.get(group).unwrap_or(house).clone()));
    each.collect()
}

/// A time of day without seconds.
mod minutes {
    use chrono::NaiveTime;
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    const FORM: &str = "%H:%M";

    pub fn serialize<S: Serializer>(time: &NaiveTime, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&time.format(FORM))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveTime, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time = NaiveTime::parse_from_str(&text, FORM).ok().filter(|_| text.len() == 5);
        time.ok_or_else(|| D::Error::custom("must be a time of day, such as 22:00"))
    }
}

#[cfg(test)]
mod tests {
    use hms_model::id::Id;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn quiet(from: &str, to: &str, zone: &str) -> QuietHours {
        serde_json::from_value(serde_json::json!({"from": from, "to": to, "zone": zone})).unwrap()
    }

    #[test]
    fn quiet_hours_end_by_the_clock_of_the_patient() {
        let night = |zone| quiet("22:00", "07:00", zone);
        let cases = [
            (night("UTC"), "2026-03-02T21:59:59Z", None, "before"),
            (night("UTC"), "2026-03-02T22:00:00Z", Some("2026-03-03T07:00:00Z"), "from the first moment"),
            (night("UTC"), "2026-03-03T06:59:59Z", Some("2026-03-03T07:00:00Z"), "after midnight"),
            (night("UTC"), "2026-03-03T07:00:00Z", None, "the end is not in it"),
            (night("America/New_York"), "2026-03-03T02:59:00Z", None, "21:59 there"),
            (night("America/New_York"), "2026-03-03T03:00:00Z", Some("2026-03-03T12:00:00Z"), "22:00 there"),
            (quiet("12:00", "14:00", "UTC"), "2026-03-02T13:00:00Z", Some("2026-03-02T14:00:00Z"), "at noon"),
            (quiet("12:00", "14:00", "UTC"), "2026-03-02T15:00:00Z", None, "after noon"),
            // On this night the clocks of New York go from 2 to 3: the end does not exist.
            (
                quiet("22:00", "02:30", "America/New_York"),
                "2026-03-08T04:00:00Z",
                Some("2026-03-08T07:30:00Z"),
                "a gap",
            ),
            // On this one 1:30 comes twice: the first is the end.
            (
                quiet("22:00", "01:30", "America/New_York"),
                "2026-11-01T04:00:00Z",
                Some("2026-11-01T05:30:00Z"),
                "twice",
            ),
        ];
        for (hours, now, end, case) in cases {
            assert_eq!(hours.end(at(now)), end.map(at), "{case}");
        }
    }

    #[test]
    fn the_end_of_the_quiet_hours_always_comes() {
        for zone in ["America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "UTC"] {
            for (from, to) in [("22:00", "07:00"), ("00:30", "01:45"), ("01:30", "02:15"), ("23:59", "00:00")]
            {
                let hours = quiet(from, to, zone);
                // A year by steps that meet every quarter of an hour in turn.
                for step in 0..8_000 {
                    let now = at("2026-01-01T00:00:00Z") + TimeDelta::minutes(step * 67);
                    if let Some(end) = hours.end(now) {
                        assert!(
                            end > now && end - now <= TimeDelta::hours(25),
                            "{zone} {from}-{to}: {now} {end}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn a_time_of_day_has_hours_and_minutes() {
        for wrong in ["7:00", "24:00", "22:00:00", "22", "", "ten"] {
            let read = serde_json::json!({"from": wrong, "to": "07:00", "zone": "UTC"});
            assert!(serde_json::from_value::<QuietHours>(read).is_err(), "{wrong}");
        }
        assert!(!quiet("07:00", "07:00", "UTC").is_sound());
        assert!(quiet("22:00", "07:00", "UTC").is_sound());
    }

    #[test]
    fn messages_go_by_the_ways_that_are_wanted_and_there() {
        use ChannelKind::{Email, InApp, Push, Sms};
        let id = Id::new(DateTime::UNIX_EPOCH);
        let all = Patient {
            id,
            version: 1,
            name: "Ann Lee".into(),
            email: Some("ann@example.org".into()),
            phone: Some("+4930123456".into()),
            language: None,
            has_account: true,
            active: true,
        };
        let bare = Patient { email: None, phone: None, has_account: false, ..all.clone() };
        let gone = Patient { active: false, ..all.clone() };
        let device = Reachable { has_device: true, ..Reachable::default() };
        let dead = Reachable { dead_email: true, dead_phone: true, has_device: false };
        let (silent, none) = (Wishes::none(id), Reachable::default());
        let wants = |ways: &[ChannelKind]| Wishes {
            channels: [(Group::Reminder, ways.iter().copied().collect())].into(),
            ..Wishes::none(id)
        };
        let cases = [
            (&silent, &all, none, Ok(vec![Email, InApp]), "the house's ways"),
            (&silent, &all, device, Ok(vec![Email, Push, InApp]), "a device"),
            (&silent, &all, dead, Ok(vec![InApp]), "a dead address"),
            (&silent, &bare, none, Err("the patient has no e-mail address"), "nothing"),
            (&silent, &bare, device, Ok(vec![Push]), "only a device"),
            (&silent, &gone, device, Err("the record of the patient is not in use"), "not in use"),
            (&wants(&[Sms]), &all, device, Ok(vec![Sms]), "only text messages"),
            (
                &wants(&[Sms]),
                &all,
                dead,
                Err("the patient can be reached by none of the ways that are wanted"),
                "a dead number",
            ),
            (&wants(&[Email]), &all, dead, Err("mail does not reach the patient"), "dead mail"),
            (&wants(&[]), &all, device, Err("the patient wants no such messages"), "opted out"),
        ];
        let house = BTreeSet::from([Email, Push, InApp]);
        for (wishes, patient, reachable, expected, case) in cases {
            assert_eq!(wishes.ways(Group::Reminder, &house, (patient, reachable)), expected, "{case}");
        }
        let other = wants(&[]).ways(Group::Billing, &house, (&all, none));
        assert_eq!(other, Ok(vec![Email, InApp]), "another group");
    }

    #[test]
    fn only_what_is_urgent_comes_through_the_quiet_hours() {
        let quiet = Some(quiet("22:00", "07:00", "UTC"));
        let wishes = Wishes { quiet, ..Wishes::none(Id::new(DateTime::UNIX_EPOCH)) };
        let night = at("2026-03-02T23:00:00Z");
        let end = Some(at("2026-03-03T07:00:00Z"));
        for (lane, expected) in [(Lane::Urgent, None), (Lane::Normal, end), (Lane::Bulk, end)] {
            assert_eq!(wishes.holds_back(lane, night), expected, "{lane:?}");
        }
    }
}
