//! One service under test: really started, on its own port, database and clock; the bus is the test itself.

use std::marker::PhantomData;
use std::net::TcpListener;

use chrono::{DateTime, TimeDelta};
use hms_access::{Claims, Issuer, KeySource, SigningKey, Verifier};
use hms_db::{Backend, Database, DatabaseUrl};
use hms_model::Clock;
use hms_model::audit::AuditEntry;
use hms_model::event::{AuditDisclosed, AuditRecorded, Envelope, Event};
use hms_model::id::{AccountId, Id, PatientId};
use hms_model::role::Role;
use hms_service::{Running, Service, Wiring};
use hms_settings::Settings;

use crate::database::TestDatabase;
use crate::planted::watch_logs;
use crate::{Client, Folder};

/// A service under test.
pub struct TestService<S> {
    /// The clock of the service; it stands until it is moved.
    pub clock: Clock,
    /// The database of the service.
    pub database: Database,
    /// The data folder of the service (`HMS_DATA_DIR`).
    pub folder: Folder,
    issuer: Issuer,
    running: Running,
    own: TestDatabase,
    service: PhantomData<S>,
}

impl<S: Service> TestService<S> {
    /// Starts it on an empty database.
    pub async fn start(backend: Backend) -> Self {
        Self::start_with(backend, &[]).await
    }

    /// The same with more settings; tokens are the test's own ([`TestService::client`]).
    pub async fn start_with(backend: Backend, settings: &[(&str, &str)]) -> Self {
        Self::launch(backend, settings, true).await
    }

    /// The same, but tokens are checked by the keys at `AUTH_URL`, which is the service itself: for the auth service.
    pub async fn start_real_tokens(backend: Backend, settings: &[(&str, &str)]) -> Self {
        Self::launch(backend, settings, false).await
    }

    async fn launch(backend: Backend, more: &[(&str, &str)], own_tokens: bool) -> Self {
        watch_logs();
        let own = TestDatabase::new(backend, S::NAME, &hms_service::all_migrations::<S>()).await;
        let folder = Folder::new();
        let clock = Clock::by_hand(DateTime::from_timestamp(1_772_438_400, 0).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let auth_url = format!("http://{}", listener.local_addr().unwrap());
        let settings = Settings::default()
            .with([
                ("DATABASE_URL", own.url.expose()),
                ("HMS_DATA_DIR", folder.path().display().to_string()),
                ("AUTH_URL", auth_url),
            ])
            .with(more.iter().copied());
        let issuer = Issuer::new(SigningKey::generate().unwrap()).unwrap();
        let verifier = Verifier::new(KeySource::Set(issuer.jwks()), clock.clone()).unwrap();
        let wiring = Wiring {
            clock: clock.clone(),
            broker: None,
            verifier: own_tokens.then_some(verifier),
            listener: Some(listener),
        };
        let running = hms_service::start::<S>(&settings, wiring).await.unwrap();
        let database = running.context().database.clone();
        Self { clock, database, folder, issuer, running, own, service: PhantomData }
    }

    /// Where it answers.
    pub fn base(&self) -> String {
        format!("http://{}", self.running.address())
    }

    /// Where its database is, for what reaches it past the service.
    pub fn database_url(&self) -> &DatabaseUrl {
        &self.own.url
    }

    /// Another process of it, at the same database and clock and with the same data folder, such as the next version.
    pub async fn beside(&self) -> Running {
        let settings = Settings::default().with([
            ("DATABASE_URL", self.own.url.expose()),
            ("HMS_DATA_DIR", self.folder.path().display().to_string()),
        ]);
        let listener = Some(TcpListener::bind("127.0.0.1:0").unwrap());
        let wiring = Wiring { clock: self.clock.clone(), listener, ..Wiring::default() };
        hms_service::start::<S>(&settings, wiring).await.unwrap()
    }

    /// A client without a token.
    pub fn anonymous(&self) -> Client {
        Client::new(self.base(), None)
    }

    /// A client with a token of these roles; each has an account of its own.
    pub fn client(&self, roles: &[Role]) -> Client {
        self.client_with(self.claims(roles))
    }

    /// A patient's own client.
    pub fn client_of_patient(&self, patient_id: PatientId) -> Client {
        let mut claims = self.claims(&[Role::Patient]);
        claims.patient_id = Some(patient_id);
        self.client_with(claims)
    }

    /// A client with these claims.
    pub fn client_with(&self, claims: Claims) -> Client {
        let token = self.issuer.issue(&claims).unwrap();
        Client::new(self.base(), Some(token))
    }

    /// Claims of a new account with these roles, valid for a day of the service's clock.
    pub fn claims(&self, roles: &[Role]) -> Claims {
        let now = self.clock.now();
        Claims::new(Id::new(now), Id::new(now), roles.to_vec(), now, TimeDelta::days(1))
    }

    /// The account of a client.
    pub async fn account_id(&self, client: &Client) -> AccountId {
        let verifier = Verifier::new(KeySource::Set(self.issuer.jwks()), self.clock.clone()).unwrap();
        verifier.verify(client.token().unwrap()).await.unwrap().sub
    }

    /// Hands an event to the service as the bus would; returns when its effect is committed.
    pub async fn deliver<E: Event>(&self, event: &E) {
        let now = self.clock.now();
        self.deliver_envelope(Envelope::of(E::PRODUCER, event, Id::new(now), now).unwrap()).await.unwrap();
    }

    /// Hands over an envelope as it is: a second time, or of another version.
    pub async fn deliver_envelope(&self, envelope: Envelope) -> Result<(), hms_bus::ConsumeError> {
        self.running.bus().deliver(envelope).await
    }

    /// Hands over several that have come together: the service takes them in one transaction.
    pub async fn deliver_batch(&self, envelopes: Vec<Envelope>) -> Result<(), hms_bus::ConsumeError> {
        self.running.bus().deliver_batch(envelopes).await
    }

    /// What it has committed to its outbox so far, in order.
    pub async fn published(&self) -> Vec<Envelope> {
        self.database.read(|db| hms_bus::outbox::waiting(db, 100_000)).await.unwrap()
    }

    /// The events of one type among them, read.
    pub async fn published_of<E: Event>(&self) -> Vec<E> {
        let all = self.published().await;
        all.iter()
            .filter(|envelope| envelope.kind == E::TYPE)
            .map(|envelope| envelope.read().unwrap())
            .collect()
    }

    /// What the audit was told, acts and looks, in the order in which it was.
    pub async fn audited(&self) -> Vec<AuditEntry> {
        let told = self.published().await.into_iter().flat_map(|envelope| match envelope.kind.as_str() {
            AuditRecorded::TYPE => vec![envelope.read::<AuditRecorded>().unwrap().0],
            AuditDisclosed::TYPE => envelope.read::<AuditDisclosed>().unwrap().entries,
            _ => Vec::new(),
        });
        told.collect()
    }

    /// Stops it; the database and the folder go with it.
    pub async fn stop(self) {
        self.running.stop().await;
    }
}
