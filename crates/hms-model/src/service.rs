//! The list of services: the one place where a new one is added.

/// What the platform knows of a service before it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceEntry {
    /// Its name: package `hms-<name>`, database `<name>_db`, bus queue `hms.<name>`.
    pub name: &'static str,
    /// Its port, before `HMS_PORT_OFFSET`.
    pub port: u16,
    /// The resources under `/api/v1` that it answers, such as `patients`; `*` stands for one part of the path.
    pub resources: &'static [&'static str],
}

/// Calls the macro `$with` with the list of services: `name port [resources]`.
///
/// The gateway makes its default routes of it, `hms up` starts what it names (package `hms-<name>`, library
/// `hms_<name>`, type `Service`), and the tests walk over it.
#[macro_export]
macro_rules! with_services {
    ($with:ident) => {
        $with! {
            auth 8000 ["auth", "accounts", "api-keys", "oauth"],
            user 8001 ["patients", "practitioners", "departments", "break-glass"],
            appointment 8002 [
                "appointments", "slots", "schedules", "appointment-types", "resources", "holidays", "waitlist", "queue",
                "practitioners/*/calendar.ics",
            ],
            notification 8003 [
                "notifications", "notification-templates", "notification-preferences", "push-subscriptions", "webhooks",
            ],
            metrics 8005 ["analytics"],
            billing 8006 ["billing", "accounting"],
            audit 8007 ["audit"],
        }
    };
}

macro_rules! entries {
    ($($name:ident $port:literal [$($resource:literal),* $(,)?]),+ $(,)?) => {
        &[$(ServiceEntry { name: stringify!($name), port: $port, resources: &[$($resource),*] }),+]
    };
}

/// All services, in the order of the list.
pub const SERVICES: &[ServiceEntry] = with_services!(entries);

/// The gateway's port, before `HMS_PORT_OFFSET`.
pub const GATEWAY_PORT: u16 = 8080;

impl ServiceEntry {
    /// The service of this name.
    pub fn find(name: &str) -> Option<&'static ServiceEntry> {
        SERVICES.iter().find(|service| service.name == name)
    }

    /// The name of its database: `appointment_db`.
    pub fn database(&self) -> String {
        format!("{}_db", self.name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_services_share_a_port_or_a_resource() {
        let ports: HashSet<_> = SERVICES.iter().map(|service| service.port).collect();
        assert_eq!(ports.len(), SERVICES.len());
        let resources: Vec<_> = SERVICES.iter().flat_map(|service| service.resources).collect();
        assert_eq!(resources.iter().collect::<HashSet<_>>().len(), resources.len());
    }
}
