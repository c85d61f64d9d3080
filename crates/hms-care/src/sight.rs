//! Who asks, and by which rule.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use hms_access::Claims;
use hms_db::{At, Db, Key};
use hms_model::id::PatientId;
use hms_model::role::{Reach, RecordAccess, Relation, Viewer};
use hms_problem::{Code, Problem};

use crate::store::{bound, placed};

/// Who asks for records, and whose they see at the most.
#[derive(Debug, Clone)]
pub struct Sight {
    viewer: Viewer,
    access: RecordAccess,
    own: Option<PatientId>,
}

/// Somebody who treats, and sees only patients in their care.
#[derive(Debug, Clone)]
pub struct Carer {
    viewer: Viewer,
    access: RecordAccess,
    own: Option<PatientId>,
}

/// The caller treats, and the patient is in nobody's care of theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("This patient is neither in your care nor in that of your department.")]
pub struct NotInCare;

impl From<NotInCare> for Problem {
    /// Whoever treats must learn that there is a way.
    fn from(refusal: NotInCare) -> Self {
        Problem::new(Code::Forbidden).message(refusal.to_string()).detail("break_glass", true)
    }
}

impl Sight {
    /// The one whose token this is; `reach` is what it reaches for the scope that the handler asks.
    pub fn new(claims: &Claims, reach: Reach, access: RecordAccess) -> Self {
        let viewer = Viewer {
            account_id: claims.sub,
            roles: claims.roles.clone(),
            reach,
            practitioner_id: claims.practitioner_id,
            department_id: None,
        };
        Self { viewer, access, own: claims.patient_id }
    }

    /// What the token reaches at the most.
    pub fn reach(&self) -> Reach {
        self.viewer.reach
    }

    /// Whether it is somebody who sees only those in their care.
    pub fn is_held_to_care(&self) -> bool {
        self.viewer.is_held_to_care(self.access)
    }

    /// The one who asks, when it is somebody who sees only those in their care; nothing is read for anybody else.
    pub fn carer(&self, db: &mut Db) -> hms_db::Result<Option<Carer>> {
        if !self.is_held_to_care() {
            return Ok(None);
        }
        let viewer = placed(db, self.viewer.clone())?;
        Ok(Some(Carer { viewer, access: self.access, own: self.own }))
    }

    /// Refuses a patient who is not in the care of somebody who is held to it. It says nothing of anybody else: what they
    /// reach is asked of [`Reach`].
    pub fn check(&self, db: &mut Db, patient: PatientId, now: DateTime<Utc>) -> Result<(), Problem> {
        let Some(carer) = self.carer(db)? else { return Ok(()) };
        if carer.sees(db, patient, false, now)? { Ok(()) } else { Err(NotInCare.into()) }
    }
}

/// The values of the condition of a list.
#[doc(hidden)]
#[derive(Debug)]
pub struct Keys {
    pub practitioner: Option<Key>,
    pub department: Option<Key>,
    pub account: Key,
    pub own: Option<Key>,
    pub now: At,
}

impl Carer {
    /// The account.
    pub fn account_id(&self) -> hms_model::id::AccountId {
        self.viewer.account_id
    }

    /// Whether they see this patient; `own` where a service knows that the record is their own by more than the token.
    pub fn sees(
        &self,
        db: &mut Db,
        patient: PatientId,
        own: bool,
        now: DateTime<Utc>,
    ) -> hms_db::Result<bool> {
        if own {
            return Ok(true);
        }
        Ok(!self.seen_of(db, &[patient], now)?.is_empty())
    }

    /// Those of these patients whom they see.
    pub fn seen_of(
        &self,
        db: &mut Db,
        patients: &[PatientId],
        now: DateTime<Utc>,
    ) -> hms_db::Result<BTreeSet<PatientId>> {
        let bound = bound(db, &self.viewer, patients, now)?;
        let seen = |patient: &PatientId| {
            let relation = Relation {
                own: self.own == Some(*patient),
                care: bound.care.contains(patient),
                department: bound.department.contains(patient),
                broken_glass: bound.broken_glass.contains(patient),
            };
            self.viewer.sees(self.access, *patient, relation)
        };
        Ok(patients.iter().copied().filter(seen).collect())
    }

    #[doc(hidden)]
    pub fn keys(&self, now: DateTime<Utc>) -> Keys {
        Keys {
            practitioner: self.viewer.practitioner_id.map(Key::from),
            department: self.viewer.department_id.map(Key::from),
            account: self.viewer.account_id.into(),
            own: self.own.map(Key::from),
            now: At(now),
        }
    }
}

/// The condition of a list: the patient in `$column` is one whom the [`Carer`] sees. It says for many what
/// [`Carer::seen_of`] says for some. The table of the column is one of [`held_to_care`](crate::held_to_care).
#[macro_export]
macro_rules! in_care {
    ($column:expr, $carer:expr, $now:expr) => {{
        use $crate::schema::{broken_glass, care_relations};
        let carer: &$crate::Carer = $carer;
        let keys = carer.keys($now);
        let mine = care_relations::practitioner_id.nullable().eq(keys.practitioner);
        let here = care_relations::department_id.eq(keys.department);
        let related = care_relations::table
            .filter(care_relations::binding.eq(true))
            .filter(mine.or(here))
            .select(care_relations::patient_id);
        let opened = broken_glass::table
            .filter(broken_glass::account_id.eq(keys.account))
            .filter(broken_glass::until.gt(keys.now))
            .select(broken_glass::patient_id);
        $column.eq_any(related).or($column.eq_any(opened)).or($column.nullable().eq(keys.own))
    }};
}
