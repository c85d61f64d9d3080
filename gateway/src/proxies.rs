//! Whose word counts about the client. What `X-Forwarded-For`, `X-Forwarded-Proto` and `Forwarded` say is
//! believed only where the other end of the connection is a configured proxy, and only as far as the chain of
//! configured proxies reaches: it is walked from the right, and the first address that is not one of them is
//! the client.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use actix_http::{HttpMessage as _, Request};
use actix_web::http::header::{HeaderMap, HeaderName};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED: HeaderName = HeaderName::from_static("forwarded");

/// The proxies before this gateway, and the header in which they tell where a request came from. There is
/// one header only: a proxy that writes the one passes the other on as the client made it up.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    networks: Vec<IpNet>,
    header: ForwardedHeader,
}

/// The header that the proxies write.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For` and `X-Forwarded-Proto`: what nearly all of them write.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// Where a request came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// The address of the client, as far as proxies that are trusted tell it.
    pub client: IpAddr,
    /// Whether the client's own connection was encrypted.
    pub secure: bool,
    /// Whether the other end of the connection is a trusted proxy.
    pub proxied: bool,
}

/// What one proxy tells of the one before it.
struct Hop {
    address: Option<IpAddr>,
    secure: Option<bool>,
}

impl Proxies {
    /// Proxies in these networks that write this header.
    pub fn new(networks: Vec<IpNet>, header: ForwardedHeader) -> Self {
        Self { networks, header }
    }

    /// The networks of a list such as `10.0.0.0/8, 2001:db8::/32, 192.0.2.7`.
    pub fn networks(list: &str) -> Result<Vec<IpNet>, String> {
        list.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(network).collect()
    }

    /// Where a request came from, over a connection that is encrypted or not.
    pub fn origin(&self, request: &Request, secure: bool) -> Origin {
        let peer = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
        self.origin_of(peer.to_canonical(), secure, request.headers())
    }

    fn origin_of(&self, peer: IpAddr, secure: bool, headers: &HeaderMap) -> Origin {
        if !self.trusts(peer) {
            return Origin { client: peer, secure, proxied: false };
        }
        let mut origin = Origin { client: peer, secure, proxied: true };
        for hop in self.hops(headers) {
            if let Some(secure) = hop.secure {
                origin.secure = secure;
            }
            // An address that cannot be read ends the chain: nobody stands for what is left of it.
            let Some(address) = hop.address else { break };
            origin.client = address;
            if !self.trusts(address) {
                break;
            }
        }
        origin
    }

    /// Whether this is the address of one of them.
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }

    /// What the proxies tell, the nearest one first.
    fn hops(&self, headers: &HeaderMap) -> Vec<Hop> {
        match self.header {
            ForwardedHeader::Forwarded => {
                elements(headers, &FORWARDED).iter().rev().map(|element| forwarded_hop(element)).collect()
            }
            ForwardedHeader::XForwardedFor => {
                let addresses = elements(headers, &X_FORWARDED_FOR);
                let schemes = elements(headers, &X_FORWARDED_PROTO);
                // A proxy that replaces the scheme leaves one for the whole chain.
                let mut schemes = schemes.iter().rev().map(|scheme| scheme_is_secure(scheme));
                let hop = |address: &&str| Hop { address: node(address), secure: schemes.next().flatten() };
                addresses.iter().rev().map(hop).collect()
            }
        }
    }
}

impl FromStr for ForwardedHeader {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        if name.eq_ignore_ascii_case(X_FORWARDED_FOR.as_str()) {
            Ok(Self::XForwardedFor)
        } else if name.eq_ignore_ascii_case(FORWARDED.as_str()) {
            Ok(Self::Forwarded)
        } else {
            Err("must be X-Forwarded-For or Forwarded")
        }
    }
}

fn network(entry: &str) -> Result<IpNet, String> {
    let parsed = entry.parse().or_else(|_| entry.parse::<IpAddr>().map(IpNet::from));
    parsed.map_err(|_| format!("{entry:?} is no network such as 10.0.0.0/8 and no address"))
}

/// The elements of all headers of a name, in the order in which they were added.
fn elements<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Vec<&'a str> {
    let values = headers.get_all(name).map(|value| value.to_str().unwrap_or("?"));
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|element| !element.is_empty()).collect()
}

/// RFC 7239, 4: `for=192.0.2.43;proto=https;by=203.0.113.43`, names in any case.
fn forwarded_hop(element: &str) -> Hop {
    let mut hop = Hop { address: None, secure: None };
    for pair in element.split(';') {
        let Some((name, value)) = pair.trim().split_once('=') else { continue };
        let value = value.trim_matches('"');
        if name.eq_ignore_ascii_case("for") {
            hop.address = node(value);
        } else if name.eq_ignore_ascii_case("proto") {
            hop.secure = scheme_is_secure(value);
        }
    }
    hop
}

/// An address with or without a port, IPv6 with or without brackets (RFC 7239, 6; and what proxies write into
/// `X-Forwarded-For`).
fn node(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse::<IpAddr>().ok();
    address.or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip())).map(|ip| ip.to_canonical())
}

fn scheme_is_secure(scheme: &str) -> Option<bool> {
    match scheme {
        _ if scheme.eq_ignore_ascii_case("https") => Some(true),
        _ if scheme.eq_ignore_ascii_case("http") => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    type Headers<'a> = &'a [(&'a str, &'a str)];

    fn proxies(header: ForwardedHeader) -> Proxies {
        Proxies::new(Proxies::networks("10.0.0.0/8, 2001:db8:1::/48,192.0.2.7").unwrap(), header)
    }

    fn origin(header: ForwardedHeader, peer: &str, given: Headers) -> (String, bool) {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            headers.append(name.parse().unwrap(), HeaderValue::from_str(value).unwrap());
        }
        let origin = proxies(header).origin_of(peer.parse().unwrap(), false, &headers);
        (origin.client.to_string(), origin.secure)
    }

    #[test]
    fn the_chain_is_walked_from_the_right_as_far_as_it_is_trusted() {
        let (xff, proto) = ("x-forwarded-for", "x-forwarded-proto");
        let cases: [(&str, Headers, &str, bool); _] = [
            ("203.0.113.9", &[(xff, "198.51.100.1"), (proto, "https")], "203.0.113.9", false),
            ("10.0.0.1", &[], "10.0.0.1", false),
            ("10.0.0.1", &[(xff, "198.51.100.1"), (proto, "https")], "198.51.100.1", true),
            ("10.0.0.1", &[(xff, "6.6.6.6, 198.51.100.1")], "198.51.100.1", false),
            ("10.0.0.1", &[(xff, "6.6.6.6"), (xff, "198.51.100.1")], "198.51.100.1", false),
            (
                "10.0.0.1",
                &[(xff, "198.51.100.1,10.9.9.9, 192.0.2.7"), (proto, "https")],
                "198.51.100.1",
                true,
            ),
            ("10.0.0.1", &[(xff, "198.51.100.1, 10.9.9.9"), (proto, "https, http")], "198.51.100.1", true),
            ("10.0.0.1", &[(xff, "198.51.100.1, nonsense, 10.9.9.9")], "10.9.9.9", false),
            ("10.0.0.1", &[(xff, "198.51.100.1:4711")], "198.51.100.1", false),
            ("10.0.0.1", &[(xff, "[2001:db8::7]:443")], "2001:db8::7", false),
            ("2001:db8:1::5", &[(xff, "2001:db8::7")], "2001:db8::7", false),
            ("10.0.0.1", &[(xff, "::ffff:198.51.100.1")], "198.51.100.1", false),
            ("10.0.0.1", &[(xff, "10.0.0.2")], "10.0.0.2", false),
            ("10.0.0.1", &[("forwarded", "for=6.6.6.6;proto=https")], "10.0.0.1", false),
        ];
        for (peer, given, client, secure) in cases {
            let found = origin(ForwardedHeader::XForwardedFor, peer, given);
            assert_eq!(found, (client.to_owned(), secure), "{peer} {given:?}");
        }
    }

    #[test]
    fn forwarded_is_read_where_the_proxies_write_it() {
        let name = "forwarded";
        let cases: [(Headers, &str, bool); _] = [
            (&[(name, "for=198.51.100.1;proto=https;by=10.0.0.1")], "198.51.100.1", true),
            (&[(name, "For=\"[2001:db8::7]:4711\"")], "2001:db8::7", false),
            (
                &[(name, "for=6.6.6.6, for=198.51.100.1;proto=https, for=10.1.1.1;proto=http")],
                "198.51.100.1",
                true,
            ),
            (&[(name, "for=6.6.6.6, for=_hidden")], "10.0.0.1", false),
            (&[(name, "for=unknown;proto=https")], "10.0.0.1", true),
            (&[("x-forwarded-for", "6.6.6.6")], "10.0.0.1", false),
        ];
        for (given, client, secure) in cases {
            let found = origin(ForwardedHeader::Forwarded, "10.0.0.1", given);
            assert_eq!(found, (client.to_owned(), secure), "{given:?}");
        }
    }

    #[test]
    fn a_list_of_networks_is_checked() {
        assert_eq!(Proxies::networks("").unwrap(), []);
        for bad in ["10.0.0.0/33", "all", "10.0.0.0-10.0.0.9"] {
            assert!(Proxies::networks(bad).is_err(), "{bad}");
        }
    }
}
