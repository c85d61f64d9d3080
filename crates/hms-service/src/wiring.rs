//! What a service gets from the process it runs in.

use std::net::TcpListener;

use hms_access::Verifier;
use hms_bus::InProcess;
use hms_model::Clock;

/// What the process lends to a service; the default is that of a service that runs alone.
#[derive(Default)]
pub struct Wiring {
    /// The clock.
    pub clock: Clock,
    /// The broker of a process that runs the whole platform.
    pub broker: Option<InProcess>,
    /// Another verifier than the one of the settings.
    pub verifier: Option<Verifier>,
    /// A socket that is bound already, instead of the port of the settings.
    pub listener: Option<TcpListener>,
}
