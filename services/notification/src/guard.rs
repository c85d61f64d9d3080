//! Connections to addresses that strangers name: webhooks, and subscriptions of browsers. What was checked is what is
//! connected to: the addresses that are handed on are those that were looked at, and nothing asks for the name again.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder};

use crate::domain::webhook::{AddressRules, Refused};

type Found = Pin<Box<dyn Future<Output = std::io::Result<Vec<SocketAddr>>> + Send>>;

/// A client that connects to what the rules allow, by names that `lookup` finds. The URL itself is to be checked before
/// each request: an address in it is never resolved.
pub fn client(
    rules: &AddressRules,
    lookup: &Arc<dyn Lookup>,
    user_agent: &str,
    trusted: &[Certificate],
) -> anyhow::Result<Client> {
    let builder = || {
        Client::builder()
            .user_agent(user_agent)
            .dns_resolver(Arc::new(Guarded::new(Arc::clone(lookup), rules.clone())))
            .redirect(Policy::none())
            // A proxy would resolve the name again, and from inside.
            .no_proxy()
            .referer(false)
    };
    trusting(builder, trusted)
}

/// A client that trusts these beside those whom the machine trusts. A machine without certificates must not keep the
/// whole service from starting: there these alone are trusted.
pub fn trusting(builder: impl Fn() -> ClientBuilder, trusted: &[Certificate]) -> anyhow::Result<Client> {
    let client = builder().tls_certs_merge(trusted.to_vec()).build().or_else(|error| {
        tracing::warn!(%error, "no certificates to trust: what goes to https will fail");
        builder().tls_certs_only(trusted.to_vec()).build()
    });
    Ok(client?)
}

/// Asks for the addresses of a name.
pub trait Lookup: Send + Sync + 'static {
    /// All of them.
    fn look_up(&self, name: &str) -> Found;
}

/// The resolver of this machine.
pub struct OfTheMachine;

impl Lookup for OfTheMachine {
    fn look_up(&self, name: &str) -> Found {
        let name = name.to_owned();
        Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) })
    }
}

/// Lets through names whose addresses are all allowed. One address that is not refuses the name: who puts it beside a good
/// one does not mean well.
pub struct Guarded {
    lookup: Arc<dyn Lookup>,
    rules: AddressRules,
}

impl Guarded {
    /// Names that `lookup` finds, by these rules.
    pub fn new(lookup: Arc<dyn Lookup>, rules: AddressRules) -> Self {
        Self { lookup, rules }
    }
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let (found, rules) = (self.lookup.look_up(name.as_str()), self.rules.clone());
        Box::pin(async move {
            let found = found.await?;
            let refused = found.iter().find_map(|address| rules.check_address(address.ip()).err());
            if let Some(refused) = refused {
                return Err(refused.into());
            }
            let addresses: Addrs = Box::new(found.into_iter());
            Ok(addresses)
        })
    }
}

/// Whether an address was refused, somewhere in the causes of this error.
pub fn refusal<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a Refused> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(refused) = error.downcast_ref::<Refused>() {
            return Some(refused);
        }
        cause = error.source();
    }
    None
}
