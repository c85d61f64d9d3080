//! What a handler is given: who calls, which the type says must be allowed to, and the unit of work.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest};
use hms_access::{AccessError, Claims, authorization};
use hms_api::{Fingerprint, RequestInfo};
use hms_db::Db;
use hms_model::audit::Action;
use hms_model::id::{Id, PatientId};
use hms_model::role::{Reach, Requirement, Requires};
use hms_problem::{Code, Problem};
use hms_trace::{Kind, Span};

use crate::access_log::Look;
use crate::idempotency::Key;
use crate::work::{Act, Scene, Work};
use crate::{Context, Reply};

/// A request whose caller meets the requirement `R`: `Call<scope::PatientRead>`.
pub struct Call<R> {
    request: HttpRequest,
    context: Context,
    claims: Option<Arc<Claims>>,
    requirement: PhantomData<R>,
}

impl<R: Requires> FromRequest for Call<R> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let context =
                request.app_data::<Context>().cloned().ok_or_else(|| Problem::new(Code::Internal))?;
            let claims = authenticate(&request, &context, R::REQUIREMENT).await?;
            Ok(Self { request, context, claims, requirement: PhantomData })
        })
    }
}

async fn authenticate(
    request: &HttpRequest,
    context: &Context,
    requirement: Requirement,
) -> Result<Option<Arc<Claims>>, Problem> {
    if requirement == Requirement::Nothing {
        return Ok(None);
    }
    let token = token_of(request.headers()).ok_or(Code::Unauthenticated)?;
    let shown = request.extensions_mut().remove::<Shown>();
    let claims = match (requirement, shown) {
        (Requirement::Internal, _) => context.verifier.internal().verify(token).await?,
        (_, Some(Shown(verified))) => verified?,
        (_, None) => context.verifier.verify(token).await?,
    };
    if claims.meets(requirement) { Ok(Some(claims)) } else { Err(forbidden(requirement)) }
}

/// What became of the token that a request shows.
struct Shown(Result<Arc<Claims>, AccessError>);

/// Middleware: looks at the token before anything else of the request is. A handler's arguments are made side by side, and
/// where keys have to be fetched for the token, a stranger would be told what is wrong with the body.
pub(crate) async fn look_at_token<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    if let (Some(context), Some(token)) = (request.app_data::<Context>(), token_of(request.headers())) {
        let verified = context.verifier.verify(token).await;
        request.extensions_mut().insert(Shown(verified));
    }
    next.call(request).await
}

fn token_of(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = authorization(headers.get(AUTHORIZATION)?.as_bytes())?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

fn forbidden(requirement: Requirement) -> Problem {
    match requirement {
        Requirement::Scope(scope) => Problem::new(Code::Forbidden).detail("scope", scope.to_string()),
        _ => Problem::new(Code::Forbidden),
    }
}

impl<R: Requires> Call<R> {
    /// Whose records the caller may touch by the scope that the handler asks for.
    pub fn reach(&self) -> Result<Reach, Problem> {
        self.claims().map(|claims| claims.reach_for(R::REQUIREMENT))
    }
}

impl<R> Call<R> {
    /// What the caller's token says; 401 where there is none.
    pub fn claims(&self) -> Result<&Claims, Problem> {
        self.claims.as_deref().ok_or_else(|| Code::Unauthenticated.into())
    }

    /// What all handlers of the service share.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Reads. What is read of patients must be followed by [`Call::disclose`] before it is shown.
    pub async fn read<T, F>(&self, f: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&mut Db) -> Result<T, Problem> + Send + 'static,
    {
        self.context.database.read(f).await
    }

    /// Writes, in one transaction with its events, its audit entry and its idempotency record.
    pub async fn write<F>(&self, f: F) -> Result<Reply, Problem>
    where
        F: FnOnce(&mut Work<'_>) -> Result<Reply, Problem> + Send + 'static,
    {
        let scene = self.scene()?;
        let key = Key::of(&scene.info, &scene.actor);
        self.unit(scene, key, f).await
    }

    /// Writes without heed of an `Idempotency-Key`, so that the answer is kept nowhere: for answers that hold
    /// tokens, and for acts that a repetition cannot do twice.
    pub async fn write_unkeyed<F>(&self, f: F) -> Result<Reply, Problem>
    where
        F: FnOnce(&mut Work<'_>) -> Result<Reply, Problem> + Send + 'static,
    {
        self.unit(self.scene()?, None, f).await
    }

    /// Writes as [`Call::write_unkeyed`] does, and gives back what the unit of work came to, for answers that are no
    /// JSON of ours: forms, redirects, what another standard asks for.
    pub async fn write_for<T, F>(&self, f: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&mut Work<'_>) -> Result<T, Problem> + Send + 'static,
    {
        let (scene, now) = (self.scene()?, self.context.clock.now());
        let unit = move |db: &mut Db| {
            let mut work = Work::new(db, now, &scene);
            let value = f(&mut work)?;
            let published = work.flush()?;
            Ok::<_, Problem>((value, published))
        };
        let (value, published) = self.context.database.write(unit).await?;
        if published {
            self.context.relay.wake();
        }
        Ok(value)
    }

    /// Tells repetitions of this request by these bytes instead of by its whole body: for a body with a password
    /// in it, of which no fast hash may be kept.
    pub fn tell_repetitions_by(&self, bytes: &[u8]) {
        self.request.extensions_mut().insert(Fingerprint::of(bytes));
    }

    async fn unit<F>(&self, scene: Scene, key: Option<Key>, f: F) -> Result<Reply, Problem>
    where
        F: FnOnce(&mut Work<'_>) -> Result<Reply, Problem> + Send + 'static,
    {
        let _working = key.as_ref().map(|key| key.enter(&self.context.in_flight)).transpose()?;
        let now = self.context.clock.now();
        let again = key.clone();
        let unit = move |db: &mut Db| {
            let mut work = Work::new(db, now, &scene);
            let reply = f(&mut work)?;
            let published = work.flush()?;
            match &key {
                Some(key) if !key.keep(work.db, &reply, now)? => Err(Undone::Repetition),
                _ => Ok((reply, published)),
            }
        };
        let (reply, published) = match (self.context.database.write(unit).await, again) {
            (Ok(done), _) => done,
            (Err(undone), Some(key)) => (self.first_answer(key, undone).await?, false),
            (Err(undone), None) => return Err(undone.into()),
        };
        if published {
            self.context.relay.wake();
        }
        Ok(reply)
    }

    /// What a unit of work that was rolled back is answered: as the first one with its key was, or by why it was. Where that
    /// cannot be looked up, it is not known to be refused: it may have been done.
    async fn first_answer(&self, key: Key, undone: Undone) -> Result<Reply, Problem> {
        let answer = self.context.database.read(move |db| key.first_answer(db)).await?;
        answer.map(Reply::Done).ok_or_else(|| undone.into())
    }

    /// Notes that records of patients are about to be shown; returns when that is durable. Nothing is noted when
    /// there is no patient in it, unless it is one to note [always](Disclosure::always).
    pub async fn disclose(&self, disclosure: Disclosure) -> Result<(), Problem> {
        if disclosure.patients.is_empty() && !disclosure.always {
            return Ok(());
        }
        let scene = self.scene()?;
        let now = self.context.clock.now();
        let mut entry = scene.entry(Act::new(Action::Read, disclosure.resource), now);
        entry.resource_id = disclosure.id;
        entry.patient_ids = disclosure.patients;
        // It waits for a commit that it shares with others.
        let span = Span::child("disclose", Kind::Internal);
        let traceparent = span.traceparent().or(scene.info.traceparent);
        span.run(self.context.access_log.record(Look { entry, traceparent })).await
    }

    fn scene(&self) -> Result<Scene, Problem> {
        let info = RequestInfo::of(&self.request)?;
        Ok(Scene::new(self.context.service, self.claims.as_deref(), info))
    }
}

/// Why a unit of work is rolled back.
enum Undone {
    Refused(Problem),
    /// There is an answer to its key already.
    Repetition,
}

impl From<Problem> for Undone {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}

impl From<hms_db::Error> for Undone {
    fn from(error: hms_db::Error) -> Self {
        Self::Refused(error.into())
    }
}

impl From<Undone> for Problem {
    fn from(undone: Undone) -> Self {
        match undone {
            Undone::Refused(problem) => problem,
            // Its record was there when it was to be written, and is not there now: the next attempt will tell.
            Undone::Repetition => Self::new(Code::IdempotencyInFlight),
        }
    }
}

/// Which records are about to be shown.
#[derive(Debug, Clone)]
pub struct Disclosure {
    resource: &'static str,
    id: Option<String>,
    patients: Vec<PatientId>,
    always: bool,
}

impl Disclosure {
    /// One record of a patient.
    pub fn one<K>(resource: &'static str, id: Id<K>, patient: PatientId) -> Self {
        Self { resource, id: Some(id.to_string()), patients: vec![patient], always: false }
    }

    /// One record that tells of several patients, or of none.
    pub fn record<K>(
        resource: &'static str,
        id: Id<K>,
        patients: impl IntoIterator<Item = PatientId>,
    ) -> Self {
        Self { id: Some(id.to_string()), ..Self::list(resource, patients) }
    }

    /// A list with records of these patients.
    pub fn list(resource: &'static str, patients: impl IntoIterator<Item = PatientId>) -> Self {
        let mut patients: Vec<_> = patients.into_iter().collect();
        patients.sort_unstable();
        patients.dedup();
        Self { resource, id: None, patients, always: false }
    }

    /// Noted even when no patient is known to be in it.
    #[must_use]
    pub fn always(self) -> Self {
        Self { always: true, ..self }
    }
}
