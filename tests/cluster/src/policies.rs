//! NetworkPolicies as rules of nftables: what a network plugin of a cluster makes of them.
//!
//! A pod that a policy selects is closed in the directions which that policy names, but for what the rules of all its
//! policies let through. A connection needs both: its source must be let out, its target must let it in.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::Ipv4Addr;

use serde_json::Value;

/// The labels of a pod or a namespace.
pub type Labels = BTreeMap<String, String>;

/// A pod, as policies see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Where it is.
    pub address: Ipv4Addr,
    /// What it is.
    pub labels: Labels,
    /// Its ports by their names.
    pub ports: BTreeMap<String, u16>,
}

/// One of the two ways.
#[derive(Clone, Copy)]
enum Direction {
    Into,
    OutOf,
}

/// The chain `forward` of the node and those that it calls.
pub fn chains(policies: &[Value], pods: &[Peer]) -> String {
    let (mut chains, mut jumps) = (String::new(), String::new());
    for direction in [Direction::OutOf, Direction::Into] {
        for pod in pods {
            let Some(rules) = rules(policies, pods, pod, direction) else { continue };
            let chain = format!("{}_{}", direction.chain(), pod.address.to_string().replace('.', "_"));
            let own = direction.own();
            writeln!(jumps, "    ip {own} {} jump {chain}", pod.address).unwrap();
            write!(chains, "  chain {chain} {{\n{rules}    reject with icmp type admin-prohibited\n  }}\n")
                .unwrap();
        }
    }
    format!(
        "{chains}  chain forward {{\n    type filter hook forward priority filter; policy accept;\n    \
         ct state established,related accept\n{jumps}  }}\n"
    )
}

/// What is let through, as lines; none where no policy closes the pod in this direction.
fn rules(policies: &[Value], pods: &[Peer], pod: &Peer, direction: Direction) -> Option<String> {
    let specs = policies.iter().map(|policy| &policy["spec"]);
    let own: Vec<&Value> = specs
        .filter(|spec| {
            let types = spec["policyTypes"].as_array().expect("a policy names its directions");
            types.iter().any(|named| named == direction.kind()) && selects(&spec["podSelector"], &pod.labels)
        })
        .collect();
    if own.is_empty() {
        return None;
    }
    let rules = own.iter().filter_map(|spec| spec[direction.rules()].as_array()).flatten();
    Some(rules.flat_map(|rule| lines(rule, pods, pod, direction)).collect())
}

/// One rule: for each place that it names, each port.
fn lines(rule: &Value, pods: &[Peer], pod: &Peer, direction: Direction) -> Vec<String> {
    let Some(peers) = rule[direction.peers()].as_array() else {
        return ports(rule, Some(pod)).into_iter().map(|port| format!("    {port}return\n")).collect();
    };
    let other = direction.other();
    let mut lines = Vec::new();
    for peer in peers {
        if let Some(block) = peer.get("ipBlock") {
            let place = outside(block, other);
            lines.extend(
                place
                    .iter()
                    .flat_map(|place| ports(rule, None).into_iter().map(move |port| (place.clone(), port))),
            );
            continue;
        }
        // Pods of other namespaces (the resolver, Prometheus) are not here.
        if peer.get("namespaceSelector").is_some() {
            continue;
        }
        for found in pods.iter().filter(|other| selects(&peer["podSelector"], &other.labels)) {
            // A named port is that of the pod that is reached.
            let target = if matches!(direction, Direction::Into) { pod } else { found };
            let place = format!("ip {other} {} ", found.address);
            lines.extend(ports(rule, Some(target)).into_iter().map(|port| (place.clone(), port)));
        }
    }
    lines.into_iter().map(|(place, port)| format!("    {place}{port}return\n")).collect()
}

/// Addresses outside of the cluster; none for those of IPv6, which this cluster does not have.
fn outside(block: &Value, other: &str) -> Option<String> {
    let cidr = block["cidr"].as_str().unwrap();
    if cidr.contains(':') {
        return None;
    }
    let mut place = if cidr == "0.0.0.0/0" { String::new() } else { format!("ip {other} {cidr} ") };
    let except: Vec<_> =
        block["except"].as_array().into_iter().flatten().map(|except| except.as_str().unwrap()).collect();
    if !except.is_empty() {
        write!(place, "ip {other} != {{ {} }} ", except.join(", ")).unwrap();
    }
    Some(place)
}

/// The ports of a rule as conditions; one that is always true where it names none.
fn ports(rule: &Value, target: Option<&Peer>) -> Vec<String> {
    let Some(ports) = rule["ports"].as_array() else { return vec![String::new()] };
    ports
        .iter()
        .filter_map(|port| {
            let protocol = port["protocol"].as_str().unwrap_or("TCP").to_lowercase();
            let number = match &port["port"] {
                Value::String(name) => u64::from(*target?.ports.get(name)?),
                number => number.as_u64().unwrap(),
            };
            Some(format!("{protocol} dport {number} "))
        })
        .collect()
}

/// Whether a selector finds these labels.
pub fn selects(selector: &Value, labels: &Labels) -> bool {
    let has = |key: &str, wanted: &str| labels.get(key).is_some_and(|value| value == wanted);
    let named = selector["matchLabels"].as_object().into_iter().flatten();
    let expressions = selector["matchExpressions"].as_array().into_iter().flatten();
    named.into_iter().all(|(key, value)| has(key, value.as_str().unwrap()))
        && expressions.into_iter().all(|expression| {
            assert_eq!(expression["operator"], "In", "{expression}");
            let (key, values) =
                (expression["key"].as_str().unwrap(), expression["values"].as_array().unwrap());
            values.iter().any(|value| has(key, value.as_str().unwrap()))
        })
}

impl Direction {
    fn kind(self) -> &'static str {
        match self {
            Self::Into => "Ingress",
            Self::OutOf => "Egress",
        }
    }

    fn rules(self) -> &'static str {
        match self {
            Self::Into => "ingress",
            Self::OutOf => "egress",
        }
    }

    fn peers(self) -> &'static str {
        match self {
            Self::Into => "from",
            Self::OutOf => "to",
        }
    }

    fn chain(self) -> &'static str {
        match self {
            Self::Into => "into",
            Self::OutOf => "out_of",
        }
    }

    /// Where the pod's own address stands in a packet that opens a connection.
    fn own(self) -> &'static str {
        match self {
            Self::Into => "daddr",
            Self::OutOf => "saddr",
        }
    }

    /// And that of the other.
    fn other(self) -> &'static str {
        match self {
            Self::Into => "saddr",
            Self::OutOf => "daddr",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(last: u8, name: &str, port: u16) -> Peer {
        Peer {
            address: Ipv4Addr::new(10, 244, 0, last),
            labels: BTreeMap::from([("app".to_owned(), name.to_owned())]),
            ports: BTreeMap::from([("http".to_owned(), port)]),
        }
    }

    fn closed(name: &str, types: &Value, ingress: &Value, egress: &Value) -> Value {
        json!({"spec": {
            "podSelector": {"matchLabels": {"app": name}}, "policyTypes": types, "ingress": ingress, "egress": egress,
        }})
    }

    fn of(policies: &[Value]) -> String {
        chains(policies, &[pod(1, "a", 8001), pod(2, "b", 8002), pod(3, "c", 8003)])
    }

    fn expressions(name: &str) -> Value {
        json!({"podSelector": {"matchExpressions": [{"key": "app", "operator": "In", "values": [name]}]}})
    }

    #[test]
    fn what_no_policy_selects_is_open() {
        let open = of(&[]);
        assert!(!open.contains("jump") && open.contains("policy accept"), "{open}");
    }

    #[test]
    fn a_rule_lets_one_peer_in_at_a_named_port() {
        let ingress = json!([{"from": [expressions("b")], "ports": [{"port": "http", "protocol": "TCP"}]}]);
        let rules = of(&[closed("a", &json!(["Ingress"]), &ingress, &Value::Null)]);
        assert!(rules.contains("ip daddr 10.244.0.1 jump into_10_244_0_1"), "{rules}");
        let chain = "chain into_10_244_0_1 {\n    ip saddr 10.244.0.2 tcp dport 8001 return\n    reject";
        assert!(rules.contains(chain) && !rules.contains("out_of"), "{rules}");
    }

    #[test]
    fn the_named_port_of_a_way_out_is_that_of_its_target() {
        let egress = json!([{"to": [expressions("c")], "ports": [{"port": "http"}]}]);
        let rules = of(&[closed("a", &json!(["Egress"]), &Value::Null, &egress)]);
        let chain = "chain out_of_10_244_0_1 {\n    ip daddr 10.244.0.3 tcp dport 8003 return\n    reject";
        assert!(rules.contains(chain), "{rules}");
    }

    #[test]
    fn rules_of_several_policies_add_up() {
        let from = |name: &str| {
            closed("a", &json!(["Ingress"]), &json!([{"from": [expressions(name)]}]), &Value::Null)
        };
        let everybody = json!({"spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}});
        let rules = of(&[everybody, from("b"), from("c")]);
        let chain =
            "into_10_244_0_1 {\n    ip saddr 10.244.0.2 return\n    ip saddr 10.244.0.3 return\n    reject";
        assert!(rules.contains(chain), "{rules}");
        assert!(rules.contains("chain out_of_10_244_0_3 {\n    reject"), "{rules}");
    }

    #[test]
    fn blocks_and_rules_without_peers() {
        let block = json!({"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8", "192.168.0.0/16"]}});
        let egress = json!([{"to": [block], "ports": [{"port": 443}]}]);
        let ingress = json!([{"ports": [{"port": "http"}]}]);
        let rules = of(&[closed("b", &json!(["Ingress", "Egress"]), &ingress, &egress)]);
        assert!(rules.contains("ip daddr != { 10.0.0.0/8, 192.168.0.0/16 } tcp dport 443 return"), "{rules}");
        assert!(rules.contains("chain into_10_244_0_2 {\n    tcp dport 8002 return"), "{rules}");
    }
}
