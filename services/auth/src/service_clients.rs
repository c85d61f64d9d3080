//! The services of the platform as clients of this one: each has a secret of its own, in a file of its own, so that an
//! operator can replace one without touching the others.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use hms_access::{Claims, INTERNAL_AUDIENCE, service_clients_folder};
use hms_model::Secret;
use hms_model::id::{AccountId, SessionId};
use hms_model::role::Role;
use hms_model::service::SERVICES;
use hms_seal::write_once;
use hms_settings::Settings;
use ring::digest::{SHA256, digest};
use uuid::Uuid;

use crate::tokens;

/// The gateway is no service of the list, and yet a client.
pub const GATEWAY: &str = "gateway";
/// How long the token of a service lives.
pub const LIFETIME: TimeDelta = TimeDelta::minutes(15);

/// Where the secrets are.
pub struct ServiceClients {
    folder: PathBuf,
}

impl ServiceClients {
    /// `HMS_SERVICE_CLIENTS`: the folder with one file a service, as an orchestrator mounts it. Without it, the one in the
    /// data folder, where the missing secrets are made (mode 0600).
    pub fn prepare(settings: &Settings, data_dir: &Path) -> anyhow::Result<Self> {
        if let Some(folder) = settings.get("HMS_SERVICE_CLIENTS") {
            return Ok(Self { folder: folder.into() });
        }
        let clients = Self { folder: service_clients_folder(data_dir) };
        for name in names() {
            clients.make_missing(name)?;
        }
        Ok(clients)
    }

    fn make_missing(&self, name: &str) -> anyhow::Result<()> {
        let file = self.folder.join(name);
        if file.exists() {
            return Ok(());
        }
        match write_once(&file, &Secret::new(tokens::random::<32>()?)) {
            // Another replica was faster.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            outcome => outcome.with_context(|| format!("{} cannot be written", file.display())),
        }
    }

    /// The service of this name, if the secret is its own. The file is read each time, so that a new secret is good at
    /// once; the names are those of the list, so that none leads out of the folder.
    pub fn authenticate(&self, name: &str, secret: &Secret) -> Option<&'static str> {
        let name = names().find(|known| *known == name)?;
        let kept = std::fs::read_to_string(self.folder.join(name)).ok()?;
        let kept = Secret::new(kept.trim());
        // Hashes are compared, of which a stranger learns nothing by the time it takes.
        let same = !kept.expose().is_empty() && tokens::hash_of(&kept) == tokens::hash_of(secret);
        same.then_some(name)
    }
}

fn names() -> impl Iterator<Item = &'static str> {
    SERVICES.iter().map(|service| service.name).chain([GATEWAY])
}

/// What the token of a service says: good on internal routes, and nowhere else.
pub fn claims(name: &str, now: DateTime<Utc>) -> Claims {
    let id = id_of(name);
    let (sub, sid) = (AccountId::from_uuid(id), SessionId::from_uuid(id));
    let mut claims = Claims::new(sub, sid, vec![Role::Service], now, LIFETIME);
    claims.aud = INTERNAL_AUDIENCE.to_owned();
    claims.scope.clear();
    claims.client_id = Some(name.to_owned());
    claims
}

/// A service has no account. Its id follows from its name (RFC 9562, 5.8), so that all replicas agree.
fn id_of(name: &str) -> Uuid {
    let hash = digest(&SHA256, format!("hms service {name}").as_bytes());
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(hash.as_ref()) {
        *to = *from;
    }
    uuid::Builder::from_bytes(bytes)
        .with_version(uuid::Version::Custom)
        .with_variant(uuid::Variant::RFC4122)
        .into_uuid()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use hms_testkit::Folder;

    use super::*;

    #[test]
    fn each_service_has_a_secret_of_its_own() {
        let folder = Folder::new();
        let clients = ServiceClients::prepare(&Settings::default(), folder.path()).unwrap();
        let read = |name: &str| {
            let file = folder.path().join("clients").join(name);
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{name}");
            Secret::new(std::fs::read_to_string(file).unwrap())
        };
        let (user, gateway) = (read("user"), read(GATEWAY));
        assert_ne!(user, gateway);
        assert_eq!(clients.authenticate("user", &user), Some("user"));
        for (name, secret) in [
            ("user", &gateway),
            (GATEWAY, &user),
            ("nobody", &user),
            ("../clients/user", &user),
            ("", &user),
            ("user", &Secret::new("")),
        ] {
            assert_eq!(clients.authenticate(name, secret), None, "{name}");
        }
        // The second start finds what the first one made.
        ServiceClients::prepare(&Settings::default(), folder.path()).unwrap();
        assert_eq!(read("user"), user);
        std::fs::write(folder.path().join("clients/user"), "another\n").unwrap();
        assert_eq!(clients.authenticate("user", &Secret::new("another")), Some("user"));
    }

    #[test]
    fn an_empty_or_missing_file_admits_nobody() {
        let folder = Folder::new();
        let settings =
            Settings::default().with([("HMS_SERVICE_CLIENTS", folder.path().display().to_string())]);
        let clients = ServiceClients::prepare(&settings, folder.path()).unwrap();
        assert!(!folder.path().join("user").exists(), "nothing is made in a folder that is mounted");
        assert_eq!(clients.authenticate("user", &Secret::new("")), None);
        std::fs::write(folder.path().join("user"), "\n").unwrap();
        assert_eq!(clients.authenticate("user", &Secret::new("")), None);
    }
}
