//! The connections of clients: how many there may be, from one address and in all, and how long one may be open
//! without a request in flight.
//!
//! actix ends a first request whose head does not come (408), but would wait for ever for the rest of a second one,
//! and write for ever to a client that does not read. Both are bounded here: the stream of a connection without a
//! request in flight ends after a time, whatever came of a next head, and the kernel drops one whose client takes
//! nothing (`TCP_USER_TIMEOUT`). With HTTP/2 a client can read from the connection and yet take nothing of one
//! answer, so that each answer is watched there.

mod stream;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hms_telemetry::{IntCounter, IntGauge, Metrics};
use parking_lot::Mutex;
use socket2::SockRef;
use tokio::net::TcpStream;

use crate::Proxies;
pub use stream::Watched;

/// How many connections, and how slow their clients may be.
#[derive(Debug, Clone, Copy)]
pub struct Clients {
    /// Connections in all.
    pub connections: u32,
    /// Connections from one address (IPv6: from one /64). Trusted proxies bring many clients and are not counted.
    pub per_address: u32,
    /// How long the head of the first request may take.
    pub head: Duration,
    /// How long a connection may be open without a request in flight.
    pub idle: Duration,
    /// How long a client may take nothing of an answer that waits for it.
    pub write: Duration,
}

impl Default for Clients {
    fn default() -> Self {
        Self {
            connections: 20_000,
            per_address: 1_000,
            head: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            write: Duration::from_secs(30),
        }
    }
}

/// How long a connection that is one too many stays, to be told so.
const TURNED_AWAY: Duration = Duration::from_secs(2);

/// All connections of clients; shared by the workers.
pub struct Connections {
    clients: Clients,
    proxies: Proxies,
    open: IntGauge,
    refused: IntCounter,
    addresses: Mutex<HashMap<IpAddr, u32>>,
}

/// One connection, as its requests know it; it is counted until this is dropped.
pub struct Connection {
    all: Arc<Connections>,
    counted: Option<IpAddr>,
    welcome: bool,
    in_flight: Cell<u32>,
    /// Whether an answer has ended that may not have been written to the socket yet.
    unwritten: Cell<bool>,
    idle_since: Cell<Instant>,
    writing: RefCell<Vec<Weak<Writing>>>,
}

/// How far an answer is with its client.
#[derive(Default)]
pub struct Writing(Cell<Option<Instant>>);

impl Writing {
    /// Notes that a part of the answer is there for the client to take.
    pub fn handed(&self) {
        self.0.set(Some(Instant::now()));
    }

    /// Notes that the client has taken all that there was.
    pub fn taken(&self) {
        self.0.set(None);
    }
}

impl Connections {
    /// None yet.
    pub fn new(clients: Clients, proxies: Proxies, metrics: &Metrics) -> anyhow::Result<Self> {
        Ok(Self {
            clients,
            proxies,
            open: metrics.gauge("gateway_connections", "Connections of clients that are open.")?,
            refused: metrics
                .counter("gateway_connections_refused_total", "Connections that were one too many.")?,
            addresses: Mutex::default(),
        })
    }

    /// Notes a new connection.
    pub fn admit(self: &Arc<Self>, socket: &TcpStream) -> Rc<Connection> {
        // What is written is a whole answer, or a part of a stream that somebody waits for.
        let _gone = socket.set_nodelay(true);
        // Where the kernel does not know the option, the client's own end is all that is left.
        let _unknown = SockRef::from(socket).set_tcp_user_timeout(Some(self.clients.write));
        let peer = socket.peer_addr().ok().map(|peer| peer.ip().to_canonical());
        Rc::new(self.count(peer.filter(|peer| !self.proxies.trusts(*peer)).map(network_of)))
    }

    fn count(self: &Arc<Self>, counted: Option<IpAddr>) -> Connection {
        self.open.inc();
        let of_one = counted.map_or(0, |address| {
            let mut addresses = self.addresses.lock();
            let count = addresses.entry(address).or_default();
            *count = count.saturating_add(1);
            *count
        });
        let welcome =
            self.open.get() <= i64::from(self.clients.connections) && of_one <= self.clients.per_address;
        if !welcome {
            self.refused.inc();
        }
        Connection {
            all: Arc::clone(self),
            counted,
            welcome,
            in_flight: Cell::new(0),
            unwritten: Cell::new(false),
            idle_since: Cell::new(Instant::now()),
            writing: RefCell::default(),
        }
    }
}

impl Connection {
    /// Whether it is within the limits.
    pub fn is_welcome(&self) -> bool {
        self.welcome
    }

    /// Notes that a request has come.
    pub fn begin(&self) {
        self.in_flight.set(self.in_flight.get().saturating_add(1));
    }

    /// Notes that the last byte of a request's answer has been handed to the protocol.
    pub fn end(&self) {
        self.in_flight.set(self.in_flight.get().saturating_sub(1));
        self.unwritten.set(true);
        self.idle_since.set(Instant::now());
    }

    /// Watches over one answer of several that share the connection.
    pub fn watch_answer(&self) -> Rc<Writing> {
        let writing = Rc::new(Writing::default());
        self.writing.borrow_mut().push(Rc::downgrade(&writing));
        writing
    }

    /// When it must end if nothing happens.
    fn due(&self) -> Instant {
        let clients = &self.all.clients;
        if self.in_flight.get() == 0 {
            let limit = if self.welcome { clients.idle } else { TURNED_AWAY };
            return self.idle_since.get() + limit;
        }
        let mut writing = self.writing.borrow_mut();
        writing.retain(|answer| answer.strong_count() > 0);
        let handed = writing.iter().filter_map(|answer| answer.upgrade()?.0.get()).min();
        handed.unwrap_or_else(Instant::now) + clients.write
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.all.open.dec();
        if let Some(address) = self.counted {
            let mut addresses = self.all.addresses.lock();
            if let Some(count) = addresses.get_mut(&address) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    addresses.remove(&address);
                }
            }
        }
    }
}

/// A client with IPv6 has a /64 to itself.
fn network_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections(in_all: u32, per_address: u32) -> Arc<Connections> {
        let clients = Clients { connections: in_all, per_address, ..Clients::default() };
        Arc::new(Connections::new(clients, Proxies::default(), &Metrics::new()).unwrap())
    }

    #[test]
    fn an_address_has_its_share_and_gets_it_back() {
        let all = connections(100, 2);
        let address = Some("192.0.2.1".parse().unwrap());
        let first = all.count(address);
        let second = all.count(address);
        assert!(first.is_welcome() && second.is_welcome());
        assert!(!all.count(address).is_welcome());
        assert!(all.count(Some("192.0.2.2".parse().unwrap())).is_welcome());
        assert!(all.count(None).is_welcome());
        drop(first);
        assert!(all.count(address).is_welcome());
        drop(second);
        assert!(all.addresses.lock().is_empty());
        assert_eq!((all.open.get(), all.refused.get()), (0, 1));
    }

    #[test]
    fn there_is_a_limit_over_all_addresses() {
        let all = connections(2, 10);
        let open: Vec<_> = (0..3).map(|_| all.count(None)).collect();
        assert_eq!(open.iter().map(Connection::is_welcome).collect::<Vec<_>>(), [true, true, false]);
    }

    #[test]
    fn the_addresses_of_one_network_count_together() {
        let of = |text: &str| network_of(text.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(of("192.0.2.7"), "192.0.2.7");
    }
}
