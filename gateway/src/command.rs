//! What the program can do beside serving: show the default table of routes as a file, and check one.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use hms_model::service::GATEWAY_PORT;
use hms_settings::Settings;

use crate::RouteTable;
use crate::table::{Routes, Source};

const USAGE: &str = "hms-gateway                      serves; the settings stand in its README
hms-gateway routes print         shows the default table of routes as a file
hms-gateway routes check FILE    says what is wrong with a table of routes
hms-gateway healthcheck          ends well if the gateway on this machine answers";

/// Does what the arguments ask for, without the name of the program; false if they ask for nothing.
pub fn run<A: Into<String>>(arguments: impl IntoIterator<Item = A>) -> anyhow::Result<bool> {
    let arguments: Vec<String> = arguments.into_iter().map(Into::into).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let text = match words.as_slice() {
        [] => return Ok(false),
        ["routes", "print"] => RouteTable::default_file(0)?,
        ["routes", "check", path] => check(path)?,
        ["healthcheck"] => {
            healthcheck(&Settings::from_environment())?;
            "healthy".to_owned()
        }
        ["help" | "--help" | "-h"] => USAGE.to_owned(),
        _ => bail!("unknown arguments\n{USAGE}"),
    };
    writeln!(std::io::stdout(), "{}", text.trim_end())?;
    Ok(true)
}

fn healthcheck(settings: &Settings) -> anyhow::Result<()> {
    let bind = settings.parse_or("HMS_BIND", IpAddr::V4(Ipv4Addr::LOCALHOST))?;
    Ok(hms_telemetry::healthcheck(SocketAddr::new(bind, settings.port(GATEWAY_PORT)?))?)
}

fn check(path: &str) -> anyhow::Result<String> {
    let routes = Routes::open(Source::File(PathBuf::from(path))).with_context(|| path.to_owned())?;
    let loaded = routes.describe();
    Ok(format!("{path}: {} upstreams, {} routes", loaded.upstreams, loaded.routes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_arguments_are_refused_with_what_there_is() {
        assert!(!run::<String>([]).unwrap());
        for words in [&["routes"][..], &["route", "print"], &["routes", "check"], &["--version"]] {
            let error = run(words.iter().copied()).unwrap_err().to_string();
            assert!(error.contains("routes check FILE"), "{error}");
        }
        let error = run(["routes", "check", "no/such.toml"]).unwrap_err();
        assert!(format!("{error:#}").contains("no/such.toml"), "{error:#}");
    }

    #[test]
    fn the_default_table_can_be_read_back() {
        let text = RouteTable::default_file(7).unwrap();
        let (read, made) = (RouteTable::parse(&text).unwrap(), RouteTable::of_services(7).unwrap());
        let shape = |table: &RouteTable| -> Vec<String> {
            let routes = table.routes().into_iter();
            routes.map(|route| format!("{} {}", route.prefix, route.upstream.address())).collect()
        };
        assert_eq!(shape(&read), shape(&made));
    }
}
