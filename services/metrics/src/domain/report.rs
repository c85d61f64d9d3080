//! From the parts of days to the answer: cut into periods, gathered into groups.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use hms_model::id::{DepartmentId, PractitionerId};
use hms_model::{Zone, coded_enum};
use serde::Serialize;
use utoipa::ToSchema;

use super::period::week;
use super::{Calendar, Cell, Days, Figures, Overflow, Period, Place, Sight, Span, Step, Tally};

coded_enum! {
    /// By what figures are told apart.
    pub enum GroupBy {
        /// Each department by itself.
        Department = "department",
        /// Each practitioner by themselves.
        Practitioner = "practitioner",
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selection {
    /// Which days.
    pub span: Span,
    /// How they are cut.
    pub step: Step,
    /// How they are told apart.
    pub group_by: Option<GroupBy>,
    /// What the caller sees.
    pub sight: Sight,
}

/// Whose figures they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    /// Of this department.
    pub department_id: Option<DepartmentId>,
    /// Of this practitioner.
    pub practitioner_id: Option<PractitionerId>,
}

/// What departments and practitioners are called.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// Departments.
    pub departments: BTreeMap<DepartmentId, String>,
    /// Practitioners.
    pub practitioners: BTreeMap<PractitionerId, String>,
}

/// The figures of a period and a group.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Row {
    /// The first day.
    pub from: NaiveDate,
    /// The last day.
    pub to: NaiveDate,
    /// The name of the week by ISO 8601, where it is one.
    #[schema(examples("2026-W05"))]
    pub week: Option<String>,
    /// The department that it is grouped by; null also for what belongs to none.
    pub department_id: Option<DepartmentId>,
    /// Its name, once it is known.
    #[schema(examples("Cardiology"))]
    pub department: Option<String>,
    /// The practitioner that it is grouped by; null also for what belongs to none.
    pub practitioner_id: Option<PractitionerId>,
    /// Their name, once it is known.
    #[schema(examples("Dr. Mia Chen"))]
    pub practitioner: Option<String>,
    /// The figures.
    #[serde(flatten)]
    #[schema(inline)]
    pub figures: Figures,
}

/// Days, weeks or the whole, each with its figures.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Report {
    /// The IANA zone in which days begin and end.
    #[schema(examples("Europe/Berlin"))]
    pub zone: String,
    /// The first day.
    pub from: NaiveDate,
    /// The last day.
    pub to: NaiveDate,
    /// By what the rows are told apart beside their period.
    pub group_by: Option<GroupBy>,
    /// In the order of the periods, then of the groups. Without a group every period has its row, and one in which nothing
    /// was counted has zeros; with one, only the groups of which there is something to tell.
    pub results: Vec<Row>,
}

/// The report of what is asked for.
pub fn report(
    days: &Days,
    calendar: &Calendar,
    names: &Names,
    selection: Selection,
    (zone, now): (Zone, DateTime<Utc>),
) -> Result<Report, Overflow> {
    let mut tallies = Tallies { all: BTreeMap::new(), selection };
    for day in selection.span.days() {
        tallies.add(day, days, &calendar.open(day, zone), (day == zone.day(now)).then(|| now.timestamp()))?;
    }
    let sight = selection.sight;
    let row = |((period, group), tally): (&(Period, Group), &Tally)| {
        let figures =
            tally.figures(Sight { patients: patients(sight, selection.group_by, *group), ..sight })?;
        Ok(Row {
            from: period.from,
            to: period.to,
            week: (selection.step == Step::Week).then(|| week(period.from)),
            department_id: group.department_id,
            department: group.department_id.and_then(|id| names.departments.get(&id).cloned()),
            practitioner_id: group.practitioner_id,
            practitioner: group.practitioner_id.and_then(|id| names.practitioners.get(&id).cloned()),
            figures,
        })
    };
    let results = tallies.all.iter().map(row).collect::<Result<_, _>>()?;
    let Span { from, to } = selection.span;
    Ok(Report { zone: zone.to_string(), from, to, group_by: selection.group_by, results })
}

/// Patients are registered with the organisation: of a department or a practitioner it is not known.
fn patients(sight: Sight, group_by: Option<GroupBy>, group: Group) -> bool {
    sight.patients && sight.is_whole() && (group_by.is_none() || group == Group::default())
}

struct Tallies {
    all: BTreeMap<(Period, Group), Tally>,
    selection: Selection,
}

impl Tallies {
    fn of(&mut self, period: Period, group: Group) -> &mut Tally {
        self.all.entry((period, group)).or_default()
    }

    fn add(
        &mut self,
        day: NaiveDate,
        days: &Days,
        open: &BTreeMap<Place, i64>,
        now: Option<i64>,
    ) -> Result<(), Overflow> {
        let Selection { span, step, group_by, sight } = self.selection;
        let period = step.of(day, span);
        if group_by.is_none() {
            self.of(period, Group::default());
        }
        let seen = || days.get(&day).into_iter().flatten().filter(|(place, _)| sight.covers(**place));
        let mut groups: BTreeMap<Group, (Place, Cell)> = BTreeMap::new();
        for (place, cell) in seen() {
            let (_, sum) = groups.entry(Group::of(*place, group_by)).or_insert((*place, Cell::default()));
            sum.merge(cell)?;
        }
        for (place, cell) in groups.into_values() {
            self.of(period, Group::of(place, group_by)).add(&cell, now)?;
        }
        // Against the open hours stands what was booked with those who had any that day, at whatever place.
        let with_hours: BTreeSet<_> = open.keys().map(|place| place.practitioner_id).collect();
        for (place, minutes) in open.iter().filter(|(place, _)| sight.covers(**place)) {
            self.of(period, Group::of(*place, group_by)).measure(0, *minutes);
        }
        for (place, cell) in seen().filter(|(place, _)| with_hours.contains(&place.practitioner_id)) {
            if cell.booked_minutes > 0 {
                self.of(period, Group::of(*place, group_by)).measure(cell.booked_minutes, 0);
            }
        }
        Ok(())
    }
}

impl Group {
    fn of(place: Place, group_by: Option<GroupBy>) -> Self {
        let Place { department_id, practitioner_id } = place;
        match group_by {
            None => Self::default(),
            Some(GroupBy::Department) => Self { department_id, practitioner_id: None },
            Some(GroupBy::Practitioner) => Self { department_id: None, practitioner_id },
        }
    }
}
