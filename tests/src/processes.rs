//! The platform as it is deployed: each service and the gateway a process of its own.

use std::collections::BTreeMap;
use std::fs::create_dir_all;

use hms_model::service::SERVICES;
use hms_testkit::Client;

use crate::{PATIENCE, Platform, Process, programs, until};

/// The processes of a platform, by their names: those of the services, and `gateway`. They end with this value.
#[derive(Debug)]
pub struct Processes<'a> {
    platform: &'a Platform,
    running: BTreeMap<String, Process>,
    own: &'a [(&'a str, &'a str, &'a str)],
}

impl<'a> Processes<'a> {
    /// Starts all of them with the settings of a platform, and those that only one of them has: whose, name and value.
    /// Returns when each is ready.
    pub async fn start(platform: &'a Platform, own: &'a [(&'a str, &'a str, &'a str)]) -> Self {
        let mut this = Self { platform, running: BTreeMap::new(), own };
        let names: Vec<_> = SERVICES.iter().map(|service| service.name).chain(["gateway"]).collect();
        for name in &names {
            this.launch(name);
        }
        for name in names {
            this.ready(name).await;
        }
        this
    }

    /// Starts one; does not wait.
    pub fn launch(&mut self, name: &str) {
        self.launch_with(name, &[]);
    }

    /// The same with some settings that only it has, from now on until it is started again.
    pub fn launch_with(&mut self, name: &str, more: &[(&str, &str)]) {
        let program = programs().join(format!("hms-{name}"));
        assert!(program.is_file(), "{} is missing: build all programs first", program.display());
        let folder = self.platform.folder().join(name);
        create_dir_all(&folder).unwrap();
        let mut command = self.platform.program(program.to_str().unwrap());
        command
            .envs(self.own.iter().filter(|(whose, ..)| *whose == name).map(|(_, name, value)| (name, value)));
        command.envs(more.iter().copied());
        self.running.insert(name.to_owned(), Process::start(command, &folder));
    }

    /// Waits until one is ready.
    pub async fn ready(&self, name: &str) {
        let client = self.client(name);
        until(&format!("{name} to be ready"), PATIENCE, async || {
            let ready = client.try_request("GET", "/health/ready", &[], None).await.ok()?;
            (ready.status == 200).then_some(())
        })
        .await;
    }

    /// Ends one at once.
    pub fn kill(&mut self, name: &str) {
        self.running.remove(name).unwrap().kill();
    }

    /// One of them.
    pub fn process(&self, name: &str) -> &Process {
        &self.running[name]
    }

    /// A client of one at its own port, without a token.
    pub fn client(&self, name: &str) -> Client {
        if name == "gateway" { self.platform.gateway() } else { self.platform.service(name) }
    }
}
