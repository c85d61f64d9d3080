//! Ports for one platform: a block that no other test has and nobody listens on.

use std::fs::{File, create_dir_all};
use std::net::TcpListener;

use hms_model::Clock;
use hms_model::id::Id;
use hms_model::service::{GATEWAY_PORT, SERVICES};

/// The first block begins above the ports that systems give to their own services.
const FIRST: u16 = 2_000;
/// Wider than from the first service to the gateway, so that no two blocks share a port.
const STEP: u16 = 100;
/// The last block ends below the ports that Linux gives to outgoing connections.
const BLOCKS: u16 = 240;

/// A value of `HMS_PORT_OFFSET` whose ports are free. Other tests keep away from it while this lives.
#[derive(Debug)]
pub struct Ports {
    /// The offset.
    pub offset: u16,
    _lock: File,
}

impl Ports {
    /// Finds one.
    pub fn reserve() -> Self {
        let some = u16::try_from(Id::<()>::new(Clock::system().now()).uuid().as_u128() % u128::from(BLOCKS))
            .unwrap();
        let blocks = (0..BLOCKS).map(|block| (some + block) % BLOCKS);
        blocks.filter_map(|block| Self::take(FIRST + block * STEP)).next().expect("a free block of ports")
    }

    fn take(offset: u16) -> Option<Self> {
        let folder = std::env::temp_dir().join("hms-test-ports");
        create_dir_all(&folder).unwrap();
        let lock = File::options().create(true).append(true).open(folder.join(offset.to_string())).unwrap();
        lock.try_lock().ok()?;
        let ports = SERVICES.iter().map(|entry| entry.port).chain([GATEWAY_PORT]);
        let mut ports = ports.map(|port| port + offset);
        ports
            .all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok())
            .then_some(Self { offset, _lock: lock })
    }

    /// The gateway's.
    pub fn gateway(&self) -> u16 {
        GATEWAY_PORT + self.offset
    }

    /// A service's.
    pub fn of(&self, service: &str) -> u16 {
        let entry = SERVICES.iter().find(|entry| entry.name == service);
        entry.unwrap_or_else(|| panic!("there is no service {service}")).port + self.offset
    }
}
