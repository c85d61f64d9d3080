//! Which addresses a webhook may lead to. The rule is the same for an address that stands in the URL and for one that a
//! name resolves to at the time of the connection.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::IpNet;
use url::{Host, Url};

/// The longest URL that is taken.
const LONGEST_URL: usize = 2_000;
/// The ports that a webhook may have where only the public network is allowed.
const PORTS: [u16; 2] = [443, 8443];
/// The ports it may have without TLS.
const PLAIN_PORTS: [u16; 2] = [80, 8080];
/// Names that mean something inside only (RFC 6761, RFC 6762, RFC 8375, and what clouds and offices use).
const INSIDE: [&str; 9] =
    ["localhost", "local", "internal", "intranet", "lan", "home", "corp", "home.arpa", "private"];

/// IPv4 that is not the public network (IANA special-purpose registry, RFC 6890), and what clouds answer on.
const NOT_PUBLIC_V4: [(Ipv4Addr, u8); 20] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(168, 63, 129, 16), 32),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 31, 196, 0), 24),
    (Ipv4Addr::new(192, 52, 193, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(192, 175, 48, 0), 24),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
    (Ipv4Addr::new(255, 255, 255, 255), 32),
];

/// What of 2000::/3, the only public part of IPv6, is not: protocol assignments with Teredo (2001::/23), documentation,
/// 6to4, AS112, and the second documentation net.
const NOT_PUBLIC_V6: [(Ipv6Addr, u8); 5] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Why an address is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is no URL.
    #[error("must be an absolute URL, such as https://example.org/hook, of at most {LONGEST_URL} characters")]
    NoUrl,
    /// Not https.
    #[error("must begin with https://")]
    Scheme,
    /// A name or a password in it.
    #[error("must not hold a user name or a password")]
    UserInfo,
    /// A fragment, which no receiver sees.
    #[error("must not have a fragment")]
    Fragment,
    /// A port that no receiver of ours has.
    #[error("must have the port 443 or 8443 (80 or 8080 without TLS, where that is allowed)")]
    Port,
    /// A number that is written in another way than an address is.
    #[error("must have a name or an address in its usual form")]
    OddForm,
    /// A name that means something inside only.
    #[error("must lead to a name of the public network")]
    InsideName,
    /// An address that is not one of the public network.
    #[error("must lead to the public network")]
    NotPublic,
}

/// Where webhooks may lead to, beside the public network over https.
#[derive(Debug, Clone, Default)]
pub struct AddressRules {
    /// Whether http will do.
    pub allow_http: bool,
    /// Which of the other nets they may reach.
    pub private: Private,
}

/// Nets that are not the public one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Private {
    /// None of them.
    #[default]
    None,
    /// These.
    Nets(Vec<IpNet>),
    /// All of them.
    All,
}

impl FromStr for Private {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim() {
            "true" => Ok(Self::All),
            "false" => Ok(Self::None),
            nets => {
                let nets = nets.split(',').map(|net| net.trim().parse());
                let nets: Result<Vec<IpNet>, _> = nets.collect();
                nets.map(Self::Nets)
                    .map_err(|_| "must be true, false, or nets such as 10.20.0.0/16,fd00:1::/32")
            }
        }
    }
}

impl AddressRules {
    /// The URL, if a webhook may have it. A name is looked at only as a name here: what it resolves to is looked at when
    /// it is connected to.
    pub fn check(&self, text: &str) -> Result<Url, Refused> {
        let clean =
            text.len() <= LONGEST_URL && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        let url = clean.then(|| Url::parse(text).ok()).flatten().ok_or(Refused::NoUrl)?;
        match url.scheme() {
            "https" => {}
            "http" if self.allow_http => {}
            _ => return Err(Refused::Scheme),
        }
        if !url.username().is_empty() || url.password().is_some() || authority(text).contains('@') {
            return Err(Refused::UserInfo);
        }
        if url.fragment().is_some() {
            return Err(Refused::Fragment);
        }
        self.check_host(&url, authority(text))?;
        self.check_port(&url)?;
        Ok(url)
    }

    fn check_host(&self, url: &Url, written: &str) -> Result<(), Refused> {
        match url.host().ok_or(Refused::NoUrl)? {
            // `url` reads 0x7f.1 and 2130706433 as 127.0.0.1; nobody means well who writes it so.
            Host::Ipv4(address) if !is_host(written, &address.to_string()) => Err(Refused::OddForm),
            Host::Ipv4(address) => self.check_address(address.into()),
            Host::Ipv6(address) => self.check_address(address.into()),
            Host::Domain(name) => self.check_name(name),
        }
    }

    fn check_name(&self, name: &str) -> Result<(), Refused> {
        if self.private != Private::None {
            return Ok(());
        }
        let name = name.trim_end_matches('.');
        let within = |suffix: &str| name == suffix || name.ends_with(&format!(".{suffix}"));
        if INSIDE.iter().any(|suffix| within(suffix)) || !name.contains('.') {
            return Err(Refused::InsideName);
        }
        Ok(())
    }

    fn check_port(&self, url: &Url) -> Result<(), Refused> {
        let port = url.port_or_known_default().ok_or(Refused::Port)?;
        let plain = url.scheme() == "http" && PLAIN_PORTS.contains(&port);
        match self.private == Private::None && !PORTS.contains(&port) && !plain {
            true => Err(Refused::Port),
            false => Ok(()),
        }
    }

    /// Whether this address may be connected to.
    pub fn check_address(&self, address: IpAddr) -> Result<(), Refused> {
        let allowed = match &self.private {
            Private::All => true,
            Private::Nets(nets) => nets.iter().any(|net| net.contains(&address)),
            Private::None => false,
        };
        if allowed || is_public(address) { Ok(()) } else { Err(Refused::NotPublic) }
    }
}

/// What stands between `//` and the path, as it was written.
fn authority(text: &str) -> &str {
    let rest = text.split_once("//").map_or("", |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

fn is_host(authority: &str, host: &str) -> bool {
    authority.strip_prefix(host).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
}

/// Whether an address belongs to the public network. What carries another address in it (mapped, compatible, NAT64, 6to4,
/// Teredo) does not, whatever that address is.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => NOT_PUBLIC_V4.iter().all(|(net, bits)| {
            let mask = u32::MAX << (32 - u32::from(*bits));
            address.to_bits() & mask != net.to_bits()
        }),
        IpAddr::V6(address) => {
            let global = address.to_bits() >> 125 == 0b001;
            let special = NOT_PUBLIC_V6.iter().any(|(net, bits)| {
                let mask = u128::MAX << (128 - u32::from(*bits));
                address.to_bits() & mask == net.to_bits()
            });
            global && !special
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(rules: &AddressRules, url: &str) -> Option<Refused> {
        rules.check(url).err()
    }

    #[test]
    fn hostile_addresses_are_refused() {
        use Refused::{Fragment, InsideName, NoUrl, NotPublic, OddForm, Port, Scheme, UserInfo};
        let cases = [
            ("http://example.org/hook", Scheme),
            ("ftp://example.org/", Scheme),
            ("file:///etc/passwd", Scheme),
            ("gopher://example.org/", Scheme),
            ("javascript:alert(1)", Scheme),
            ("unix:/var/run/docker.sock", Scheme),
            ("example.org/hook", NoUrl),
            ("//example.org/hook", NoUrl),
            ("https://", NoUrl),
            ("https://exam ple.org/", NoUrl),
            ("https://example.org\\@127.0.0.1/", NoUrl),
            ("https://example.org/\r\nHost:%20inside", NoUrl),
            ("https://user@example.org/", UserInfo),
            ("https://user:password@example.org/", UserInfo),
            ("https://@example.org/", UserInfo),
            ("https://example.org@127.0.0.1/", UserInfo),
            ("https://example.org/#fragment", Fragment),
            ("https://example.org:22/", Port),
            ("https://example.org:25/", Port),
            ("https://example.org:80/", Port),
            ("https://example.org:5432/", Port),
            ("https://example.org:6379/", Port),
            ("https://localhost/", InsideName),
            ("https://LOCALHOST./", InsideName),
            ("https://db.localhost/", InsideName),
            ("https://printer.local/", InsideName),
            ("https://metadata.google.internal/computeMetadata/v1/", InsideName),
            ("https://router.home.arpa/", InsideName),
            ("https://postgres/", InsideName),
            ("https://127.0.0.1/", NotPublic),
            ("https://127.8.9.10/", NotPublic),
            ("https://0.0.0.0/", NotPublic),
            ("https://10.1.2.3/", NotPublic),
            ("https://172.16.0.1/", NotPublic),
            ("https://172.31.255.255/", NotPublic),
            ("https://192.168.1.1/", NotPublic),
            ("https://169.254.169.254/latest/meta-data/", NotPublic),
            ("https://100.64.0.1/", NotPublic),
            ("https://100.100.100.200/latest/meta-data/", NotPublic),
            ("https://168.63.129.16/metadata", NotPublic),
            ("https://192.0.0.192/opc/v2/", NotPublic),
            ("https://192.0.2.1/", NotPublic),
            ("https://198.51.100.7/", NotPublic),
            ("https://203.0.113.7/", NotPublic),
            ("https://198.18.0.1/", NotPublic),
            ("https://192.88.99.1/", NotPublic),
            ("https://224.0.0.1/", NotPublic),
            ("https://239.255.255.250/", NotPublic),
            ("https://240.0.0.1/", NotPublic),
            ("https://255.255.255.255/", NotPublic),
            ("https://2130706433/", OddForm),
            ("https://0x7f.1/", OddForm),
            ("https://0x7f000001/", OddForm),
            ("https://0177.0.0.1/", OddForm),
            ("https://127.1/", OddForm),
            ("https://127.0.0.1./", OddForm),
            ("https://134744072/", OddForm),
            ("https://%31%32%37.0.0.1/", OddForm),
            ("https://[::1]/", NotPublic),
            ("https://[::]/", NotPublic),
            ("https://[::ffff:127.0.0.1]/", NotPublic),
            ("https://[::ffff:8.8.8.8]/", NotPublic),
            ("https://[::127.0.0.1]/", NotPublic),
            ("https://[::ffff:0:127.0.0.1]/", NotPublic),
            ("https://[64:ff9b::7f00:1]/", NotPublic),
            ("https://[64:ff9b:1::a9fe:a9fe]/", NotPublic),
            ("https://[2002:7f00:1::]/", NotPublic),
            ("https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/", NotPublic),
            ("https://[2001:db8::1]/", NotPublic),
            ("https://[3fff::1]/", NotPublic),
            ("https://[fc00::1]/", NotPublic),
            ("https://[fd00:ec2::254]/latest/meta-data/", NotPublic),
            ("https://[fe80::1]/", NotPublic),
            ("https://[fec0::1]/", NotPublic),
            ("https://[ff02::1]/", NotPublic),
            ("https://[100::1]/", NotPublic),
            ("https://[5f00::1]/", NotPublic),
        ];
        for (url, expected) in cases {
            assert_eq!(refusal(&AddressRules::default(), url), Some(expected), "{url}");
        }
        let long = format!("https://example.org/{}", "a".repeat(LONGEST_URL));
        assert_eq!(refusal(&AddressRules::default(), &long), Some(NoUrl));
    }

    #[test]
    fn ordinary_addresses_are_taken() {
        for url in [
            "https://example.org",
            "https://hooks.example.org/hms?clinic=7",
            "https://example.org:8443/hook",
            "https://8.8.8.8/hook",
            "https://[2606:4700:4700::1111]/hook",
            "https://b%C3%BCcher.example/hook",
            "https://internal.example.org/",
            "https://172.32.0.1/",
            "https://100.128.0.1/",
        ] {
            assert_eq!(refusal(&AddressRules::default(), url), None, "{url}");
        }
    }

    #[test]
    fn settings_open_http_and_nets() {
        let http = AddressRules { allow_http: true, ..AddressRules::default() };
        assert_eq!(refusal(&http, "http://example.org/"), None);
        assert_eq!(refusal(&http, "http://example.org:6379/"), Some(Refused::Port));
        assert_eq!(refusal(&http, "http://127.0.0.1/"), Some(Refused::NotPublic));
        let net = AddressRules { private: "10.20.0.0/16, fd00:1::/32".parse().unwrap(), ..http.clone() };
        assert_eq!(refusal(&net, "https://10.20.3.4:9000/"), None);
        assert_eq!(refusal(&net, "https://[fd00:1::5]/"), None);
        assert_eq!(refusal(&net, "https://10.21.3.4/"), Some(Refused::NotPublic));
        let all = AddressRules { private: "true".parse().unwrap(), ..http };
        assert_eq!(refusal(&all, "http://127.0.0.1:4000/"), None);
        assert_eq!(refusal(&all, "http://0x7f.1:4000/"), Some(Refused::OddForm));
        assert_eq!("false".parse::<Private>(), Ok(Private::None));
        assert!("yes".parse::<Private>().is_err());
    }
}
