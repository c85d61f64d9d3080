//! From where a session is used, as its holder sees it: enough to tell a stranger, too little to follow anyone.

use std::net::IpAddr;

/// The most characters of a `User-Agent` that are kept.
const LONGEST_DEVICE: usize = 200;

/// Device and place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// What the client says it is (`User-Agent`).
    pub device: Option<String>,
    /// The network that the request came from.
    pub network: Option<String>,
}

impl Place {
    /// What is kept of a request.
    pub fn of(user_agent: Option<&str>, address: Option<IpAddr>) -> Self {
        let device = user_agent.map(|text| {
            text.chars()
                .filter(|c| !c.is_control())
                .take(LONGEST_DEVICE)
                .collect::<String>()
                .trim()
                .to_owned()
        });
        Self { device: device.filter(|text| !text.is_empty()), network: address.map(network) }
    }
}

/// The first 24 bits of an IPv4 address, the first 48 of an IPv6 one.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            format!("{}/48", std::net::Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_cut_to_its_network() {
        let cases = [
            ("203.0.113.77", "203.0.113.0/24"),
            ("::ffff:203.0.113.77", "203.0.113.0/24"),
            ("2001:db8:12:34::5", "2001:db8:12::/48"),
            ("::1", "::/48"),
        ];
        for (address, expected) in cases {
            assert_eq!(Place::of(None, Some(address.parse().unwrap())).network.unwrap(), expected);
        }
    }

    #[test]
    fn a_device_is_short_plain_text() {
        let long = "x".repeat(500);
        assert_eq!(Place::of(Some(&long), None).device.unwrap().len(), LONGEST_DEVICE);
        assert_eq!(Place::of(Some(" Firefox\t\u{7} 140 "), None).device.unwrap(), "Firefox 140");
        assert_eq!(Place::of(Some("  "), None), Place::default());
    }
}
