//! The node: a network namespace that pods are wired to and that forwards between them, by rules that say what a
//! network plugin and kube-proxy would say. It ends with the process, and all that is wired to it.

use std::fmt::Write as _;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::fd::AsFd as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use hms_settings::Settings;
use hms_tests::repository;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use serde_json::Value;

use crate::policies::{self, Peer};

/// The pods' way to everybody else.
const GATEWAY: &str = "169.254.1.1";
/// Where the namespaces of the network have their names.
const NAMES: &str = "/run/netns";
/// How long a connection may take.
const REACHING: Duration = Duration::from_secs(2);
/// Set within the node.
const INSIDE: &str = "HMS_CLUSTER_NODE";

/// What a Service stands for: its address and port, and the pods that are ready.
pub struct Endpoints {
    /// Its address.
    pub address: Ipv4Addr,
    /// Its port.
    pub port: u16,
    /// Where the pods are.
    pub pods: Vec<Ipv4Addr>,
}

/// Whether this process runs on a node of its own. Otherwise it runs the test of this name there, and fails if that
/// fails. Where no namespaces may be made (without root, in most containers) there is no node: that is said, and the test is
/// over.
pub fn on_a_node(test: &str) -> bool {
    if Settings::from_environment().get(INSIDE).is_some() {
        return true;
    }
    let made = Command::new("unshare").args(["--mount", "--net", "--pid", "--fork", "true"]).output();
    if !made.is_ok_and(|made| made.status.success()) {
        println!(
            "NOT RUN: namespaces of mounts, network and processes need root, or a machine that lets it make them"
        );
        return false;
    }
    let status = Command::new(repository().join("tests/cluster/node.sh"))
        .arg(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env(INSIDE, "1")
        .stdin(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "{test} on its node: {status}");
    false
}

/// Makes a namespace with one address, and a way from it to the node.
pub fn wire(name: &str, address: Ipv4Addr) {
    let script = "ip netns add $0\n\
        ip link add v$0 type veth peer name eth0 netns $0\n\
        ip addr add $2/32 dev v$0\n\
        ip link set v$0 up\n\
        ip route add $1/32 dev v$0\n\
        ip -n $0 link set lo up\n\
        ip -n $0 addr add $1/32 dev eth0\n\
        ip -n $0 link set eth0 up\n\
        ip -n $0 route add $2 dev eth0\n\
        ip -n $0 route add default via $2 dev eth0\n";
    succeeds(Command::new("sh").args(["-euc", script, name, &address.to_string(), GATEWAY]), "");
}

/// Takes it away.
pub fn unwire(name: &str) {
    succeeds(Command::new("ip").args(["netns", "del", name]), "");
}

/// A program in a namespace.
pub fn within(name: &str) -> Command {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", name]);
    command
}

/// What is forwarded from now on.
pub fn forward(policies: &[Value], pods: &[Peer], services: &[Endpoints]) {
    let mut rules = String::from("table ip hms\ndelete table ip hms\ntable ip hms {\n");
    rules.push_str(&policies::chains(policies, pods));
    rules.push_str("  chain services {\n    type nat hook prerouting priority dstnat\n");
    for service in services.iter().filter(|service| !service.pods.is_empty()) {
        let pods: Vec<_> = service.pods.iter().enumerate().map(|(at, pod)| format!("{at} : {pod}")).collect();
        let (address, port, count) = (service.address, service.port, pods.len());
        let chosen = pods.join(", ");
        writeln!(
            rules,
            "    ip daddr {address} tcp dport {port} dnat to numgen inc mod {count} map {{ {chosen} }}"
        )
        .unwrap();
    }
    rules.push_str("  }\n}\n");
    succeeds(Command::new("nft").args(["-f", "-"]), &rules);
}

/// Runs a job on a thread in a namespace: what it connects to is reached from there.
pub fn from_within<T, J>(name: &str, job: J) -> std::thread::JoinHandle<T>
where
    T: Send + 'static,
    J: AsyncFnOnce() -> T + Send + 'static,
{
    let namespace = File::open(format!("{NAMES}/{name}")).unwrap();
    std::thread::spawn(move || {
        move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(job())
    })
}

/// Whether a connection from a namespace to an address comes about.
pub fn reaches(name: &str, target: SocketAddr) -> bool {
    from_within(name, async move || TcpStream::connect_timeout(&target, REACHING).is_ok()).join().unwrap()
}

#[track_caller]
fn succeeds(command: &mut Command, input: &str) {
    use std::io::Write as _;
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {complained}\n{input}");
}
