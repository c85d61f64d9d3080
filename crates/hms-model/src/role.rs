//! Who may do what, as one table: a role gives scopes, a scope stands in a handler's signature.

mod sight;

use crate::id::{AccountId, DepartmentId, PatientId};
use crate::{Coded, coded_enum};

pub use sight::{RecordAccess, Relation, Viewer};

coded_enum! {
    /// What an account is. The order is the one in which a person of several roles is shown.
    pub enum Role {
        /// Runs the deployment.
        Admin = "admin",
        /// A physician, or another practitioner who treats.
        Doctor = "doctor",
        /// Nursing staff.
        Nurse = "nurse",
        /// The front desk.
        Receptionist = "receptionist",
        /// Dispenses medication.
        Pharmacist = "pharmacist",
        /// Works in the laboratory.
        LabTechnician = "lab_technician",
        /// Keeps the books.
        Accountant = "accountant",
        /// Any other staff.
        Staff = "staff",
        /// Receives care: sees only their own.
        Patient = "patient",
        /// Another service or a machine client.
        Service = "service",
        /// A device.
        Device = "device",
    }
}

impl Role {
    /// Whether this role works for the organisation; the others see only what is their own.
    pub fn is_staff(self) -> bool {
        !matches!(self, Role::Patient | Role::Service | Role::Device)
    }

    /// The scopes that this role gives.
    pub fn scopes(self) -> impl Iterator<Item = Scope> {
        self.groups().iter().flat_map(|group| group.iter().copied())
    }

    fn groups(self) -> &'static [&'static [Scope]] {
        match self {
            Role::Admin => &[Scope::ALL],
            Role::Doctor => {
                &[SEE, AUDIT, TREAT, LISTEN, COUNTER, EMERGENCY, FIGURES, &[Scope::AppointmentOverbook]]
            }
            Role::Nurse => &[SEE, AUDIT, TREAT, LISTEN, COUNTER, EMERGENCY],
            Role::Receptionist => &[
                SEE,
                AUDIT,
                TREAT,
                LISTEN,
                COUNTER,
                &[Scope::AppointmentRecord, Scope::ScheduleWrite, Scope::NotificationSend],
                BILLS,
                CASH_DESK,
            ],
            Role::Accountant => &[SEE, AUDIT, BILLS, CASH_DESK, BOOKS, FIGURES],
            Role::Pharmacist | Role::LabTechnician => &[SEE, AUDIT, EMERGENCY],
            Role::Staff => &[SEE, AUDIT],
            Role::Patient => &[SEE, TREAT, LISTEN, BILLS],
            Role::Service | Role::Device => &[],
        }
    }
}

/// What everyone sees; patients only their own of it.
const SEE: &[Scope] = &[
    Scope::PatientRead,
    Scope::PractitionerRead,
    Scope::DepartmentRead,
    Scope::AppointmentRead,
    Scope::NotificationRead,
    Scope::ScheduleRead,
    Scope::QueueRead,
];

/// To mark messages read, to say which are wanted and where push messages go; patients do it for themselves.
const LISTEN: &[Scope] = &[Scope::NotificationWrite];

/// All staff may ask who did what, and make API keys for themselves.
const AUDIT: &[Scope] = &[Scope::AuditRead, Scope::ApiKeyWrite];

/// What it takes to have a patient treated; patients do it for themselves.
const TREAT: &[Scope] = &[Scope::PatientWrite, Scope::AppointmentWrite];

/// To reach the record of a patient who is in nobody's care yet, with a reason.
const EMERGENCY: &[Scope] = &[Scope::PatientBreakGlass];

/// To run the queue at the counter.
const COUNTER: &[Scope] = &[Scope::QueueWrite];

/// To see invoices and payments; patients only their own.
const BILLS: &[Scope] = &[Scope::InvoiceRead, Scope::PaymentRead];

/// To prepare invoices and to take money.
const CASH_DESK: &[Scope] = &[
    Scope::InvoiceWrite,
    Scope::PaymentWrite,
    Scope::CatalogueRead,
    Scope::CoverageRead,
    Scope::CoverageWrite,
];

/// To read figures. Money is among them for those who also read invoices; whoever only treats sees their own.
const FIGURES: &[Scope] = &[Scope::AnalyticsRead];

/// To issue and take back invoices, to give money back, to name prices, to keep the ledger.
const BOOKS: &[Scope] = &[
    Scope::InvoiceIssue,
    Scope::PaymentRefund,
    Scope::CatalogueWrite,
    Scope::LedgerRead,
    Scope::LedgerWrite,
];

/// What belongs to the organisation as a whole and to none of its departments: whoever is bound to one has none of it.
const OF_THE_WHOLE: &[Scope] = &[
    Scope::PatientBreakGlass,
    Scope::BreakGlassRead,
    Scope::PractitionerWrite,
    Scope::DepartmentWrite,
    Scope::TemplateWrite,
    Scope::AuditRead,
    Scope::AccountWrite,
    Scope::OperationRead,
    Scope::OperationWrite,
    Scope::ClientWrite,
    Scope::SigningKeyWrite,
    Scope::CatalogueWrite,
    Scope::CoverageRead,
    Scope::CoverageWrite,
    Scope::LedgerRead,
    Scope::LedgerWrite,
];

impl Scope {
    /// Whether it is about the organisation as a whole, so that an API key or a client of one department does not have it.
    pub fn is_of_the_whole(self) -> bool {
        OF_THE_WHOLE.contains(&self)
    }
}

/// Declares the scopes and, for each, a marker type by which a handler names it in its signature.
macro_rules! scopes {
    ($($(#[$doc:meta])* $name:ident = $code:literal),+ $(,)?) => {
        coded_enum! {
            /// What a token allows: `resource:verb`.
            pub enum Scope { $($(#[$doc])* $name = $code),+ }
        }

        /// The scopes as types, for handler signatures: `Call<scope::PatientRead>`.
        pub mod scope {
            use super::{Requirement, Requires, Scope};
            $($(#[$doc])* #[derive(Debug, Clone, Copy)] pub struct $name;
            impl Requires for $name { const REQUIREMENT: Requirement = Requirement::Scope(Scope::$name); })+

            /// Anyone, signed in or not.
            #[derive(Debug, Clone, Copy)]
            pub struct Anyone;
            impl Requires for Anyone { const REQUIREMENT: Requirement = Requirement::Nothing; }

            /// Whoever is signed in.
            #[derive(Debug, Clone, Copy)]
            pub struct SignedIn;
            impl Requires for SignedIn { const REQUIREMENT: Requirement = Requirement::SignedIn; }

            /// Whoever signed in as a person, and not a program that acts for somebody.
            #[derive(Debug, Clone, Copy)]
            pub struct InPerson;
            impl Requires for InPerson { const REQUIREMENT: Requirement = Requirement::InPerson; }

            /// The same, and also who has signed in without the second factor that they must have.
            #[derive(Debug, Clone, Copy)]
            pub struct Enrolling;
            impl Requires for Enrolling { const REQUIREMENT: Requirement = Requirement::Enrolling; }

            /// Another service of the platform, on a route that is no part of the API.
            #[derive(Debug, Clone, Copy)]
            pub struct Internal;
            impl Requires for Internal { const REQUIREMENT: Requirement = Requirement::Internal; }
        }
    };
}

scopes! {
    /// Read patients.
    PatientRead = "patient:read",
    /// Register and change patients.
    PatientWrite = "patient:write",
    /// Reach the record of any patient for a time, with a reason.
    PatientBreakGlass = "patient:break_glass",
    /// See who has done so, and why.
    BreakGlassRead = "break_glass:read",
    /// Read practitioners.
    PractitionerRead = "practitioner:read",
    /// Register and change practitioners.
    PractitionerWrite = "practitioner:write",
    /// Read departments.
    DepartmentRead = "department:read",
    /// Make and change departments.
    DepartmentWrite = "department:write",
    /// Read appointments.
    AppointmentRead = "appointment:read",
    /// Book, move and cancel appointments.
    AppointmentWrite = "appointment:write",
    /// Record appointments that took place, with their outcome.
    AppointmentRecord = "appointment:record",
    /// Book beside what is booked already, with a reason.
    AppointmentOverbook = "appointment:overbook",
    /// Read schedules, free slots, appointment types, rooms and equipment, holidays.
    ScheduleRead = "schedule:read",
    /// Make and change schedules, appointment types, rooms and equipment, holidays.
    ScheduleWrite = "schedule:write",
    /// Read the queue at the counter as a screen shows it: ticket numbers and desks, no names.
    QueueRead = "queue:read",
    /// Run the queue: check in, call, move, skip; see whose the tickets are.
    QueueWrite = "queue:write",
    /// Read messages that were sent.
    NotificationRead = "notification:read",
    /// Mark messages read, say which messages are wanted, and where push messages go.
    NotificationWrite = "notification:write",
    /// Send messages again.
    NotificationSend = "notification:send",
    /// Read the words of messages.
    TemplateRead = "template:read",
    /// Change the words of messages.
    TemplateWrite = "template:write",
    /// Read the audit.
    AuditRead = "audit:read",
    /// Make and change accounts of other people.
    AccountWrite = "account:write",
    /// See how the deployment fares: its dead letters.
    OperationRead = "operation:read",
    /// Repair it: send dead letters again, drop them.
    OperationWrite = "operation:write",
    /// Make and change one's own API keys.
    ApiKeyWrite = "api_key:write",
    /// Register programs as OAuth clients, and change them.
    ClientWrite = "client:write",
    /// Rotate the keys that tokens and the checkpoints of the audit are signed with.
    SigningKeyWrite = "signing_key:write",
    /// Read invoices.
    InvoiceRead = "invoice:read",
    /// Draft invoices.
    InvoiceWrite = "invoice:write",
    /// Issue invoices, credit them, call them void, write them off.
    InvoiceIssue = "invoice:issue",
    /// Read payments.
    PaymentRead = "payment:read",
    /// Take payments.
    PaymentWrite = "payment:write",
    /// Give payments back.
    PaymentRefund = "payment:refund",
    /// Read the catalogue of services and its prices.
    CatalogueRead = "catalogue:read",
    /// Change the catalogue and its prices.
    CatalogueWrite = "catalogue:write",
    /// Read payers, coverages and claims.
    CoverageRead = "coverage:read",
    /// Change payers, coverages and claims.
    CoverageWrite = "coverage:write",
    /// Read the ledger and its reports.
    LedgerRead = "ledger:read",
    /// Write to the ledger by hand, reverse its entries, close its periods.
    LedgerWrite = "ledger:write",
    /// Read the figures: of the whole for those who run it or keep the books, of themselves for those who treat.
    AnalyticsRead = "analytics:read",
    /// Read webhooks and what became of their deliveries, with the data that was sent.
    WebhookRead = "webhook:read",
    /// Make and change webhooks, send again.
    WebhookWrite = "webhook:write",
}

/// What a handler asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requirement {
    /// Nothing: the route is public.
    Nothing,
    /// A valid token, whatever its scopes.
    SignedIn,
    /// The token of a person's own sign-in: none of an API key, an OAuth client or a service.
    InPerson,
    /// The same, and also a token that is good for setting up a second factor and for nothing else.
    Enrolling,
    /// A valid token with this scope.
    Scope(Scope),
    /// The token of a service of the platform, which is good for nothing else.
    Internal,
}

/// A type that names a [`Requirement`].
pub trait Requires: 'static {
    /// What it asks.
    const REQUIREMENT: Requirement;
}

/// Whose records a caller may touch: the rule on objects that stands beside the scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Everyone's: staff.
    Everyone,
    /// Only what is their own.
    Own {
        /// Their account.
        account_id: AccountId,
        /// The patient they are, once that is known.
        patient_id: Option<PatientId>,
    },
    /// Only what belongs to one department: an API key or a client that is bound to it.
    Department {
        /// That department.
        department_id: DepartmentId,
    },
}

impl Reach {
    /// Whether it takes in this patient's records, whatever their department. A record that belongs to a department is
    /// asked about with [`Reach::covers_in`].
    pub fn covers(self, patient: PatientId) -> bool {
        self.covers_in(patient, None)
    }

    /// Whether it takes in a record of this patient that belongs to this department, or to none.
    pub fn covers_in(self, patient: PatientId, department: Option<DepartmentId>) -> bool {
        match self {
            Reach::Everyone => true,
            Reach::Own { patient_id, .. } => patient_id == Some(patient),
            Reach::Department { department_id } => department == Some(department_id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_admin_may_all_and_a_device_nothing() {
        assert!(Role::Admin.scopes().eq(Scope::ALL.iter().copied()));
        assert_eq!(Role::Device.scopes().count(), 0);
    }

    #[test]
    fn whoever_is_bound_to_a_department_reaches_no_other() {
        let now = chrono::DateTime::UNIX_EPOCH;
        let (patient, other) = (crate::id::Id::new(now), crate::id::Id::new(now));
        let (here, there) = (crate::id::Id::new(now), crate::id::Id::new(now));
        let own = |patient_id| Reach::Own { account_id: crate::id::Id::new(now), patient_id };
        let bound = Reach::Department { department_id: here };
        let cases = [
            (Reach::Everyone, None, true),
            (Reach::Everyone, Some(there), true),
            (own(Some(patient)), None, true),
            (own(Some(patient)), Some(there), true),
            (own(Some(other)), Some(here), false),
            (own(None), None, false),
            (bound, Some(here), true),
            (bound, Some(there), false),
            (bound, None, false),
        ];
        for (reach, department, covered) in cases {
            assert_eq!(reach.covers_in(patient, department), covered, "{reach:?} {department:?}");
        }
        assert!(!bound.covers(patient));
    }

    /// By any of these it would get at other departments: through an account or a client that it makes, through what the audit
    /// and dead letters tell of patients, or by closing them.
    #[test]
    fn what_is_bound_to_a_department_keeps_the_scopes_whose_objects_have_one() {
        let kept = [
            "patient:read patient:write practitioner:read department:read appointment:read appointment:write",
            "appointment:record appointment:overbook schedule:read schedule:write queue:read queue:write",
            "notification:read notification:write notification:send template:read api_key:write",
            "invoice:read invoice:write invoice:issue payment:read payment:write payment:refund",
            "catalogue:read analytics:read webhook:read webhook:write",
        ];
        let found = Scope::ALL.iter().filter(|scope| !scope.is_of_the_whole()).map(|scope| scope.code());
        assert_eq!(found.collect::<Vec<_>>().join(" "), kept.join(" "));
    }

    /// So that billing needs no rule on whose care a patient is in: those who are held to it see no invoice at all.
    #[test]
    fn no_role_that_treats_sees_what_is_billed() {
        let billed = [Scope::InvoiceRead, Scope::PaymentRead, Scope::CoverageRead, Scope::LedgerRead];
        for role in Role::ALL.iter().filter(|role| role.is_clinical()) {
            assert!(role.scopes().all(|given| !billed.contains(&given)), "{role}");
        }
    }

    #[test]
    fn no_role_but_admin_makes_accounts_or_runs_the_deployment() {
        for role in Role::ALL.iter().filter(|role| **role != Role::Admin) {
            for scope in [Scope::AccountWrite, Scope::OperationRead, Scope::OperationWrite] {
                assert!(role.scopes().all(|given| given != scope), "{role}: {scope}");
            }
        }
    }
}
