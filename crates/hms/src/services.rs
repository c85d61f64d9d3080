//! The services that this command can run, from the one list in `hms_model::service`.

use hms_model::with_services;
use hms_service::Program;
use pastey::paste;

macro_rules! programs {
    ($($name:ident $port:literal [$($resource:literal),* $(,)?]),+ $(,)?) => {
        paste! { [$(&[<hms_ $name>]::PROGRAM),+] }
    };
}

/// Every service of the list.
pub(crate) static PROGRAMS: &[&Program] = &with_services!(programs);
