//! How a sign-in ends: a session and its tokens.

use actix_web::HttpRequest;
use actix_web::http::header::USER_AGENT;
use hms_api::RequestInfo;
use hms_model::audit::Action;
use hms_problem::Problem;
use hms_service::{Act, Reply, Work};

use crate::State;
use crate::domain::account::Account;
use crate::domain::place::Place;
use crate::keyring::DeviceId;
use crate::store::sessions::{self, Use};
use crate::tokens::{self, Holder};

/// Somebody who has shown who they are.
pub struct Entry {
    /// Who.
    pub account: Account,
    /// How (RFC 8176).
    pub amr: Vec<String>,
    /// With which device, if it is known.
    pub device: Option<DeviceId>,
    /// From where.
    pub place: Place,
}

/// From where a request comes.
pub fn place(request: &HttpRequest) -> Result<Place, Problem> {
    let user_agent = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok());
    Ok(Place::of(user_agent, RequestInfo::of(request)?.client_ip))
}

/// Begins a session.
pub fn enter(work: &mut Work<'_>, state: &State, entry: Entry) -> Result<Reply, Problem> {
    let Entry { account, amr, device, place } = entry;
    let session = work.new_id();
    let refresh = tokens::new_refresh_token()?;
    let first = Use { now: work.now, place, access_until: work.now + state.access_lifetime };
    sessions::begin(work.db, (session, account.id), &amr, &tokens::hash_of(&refresh), &first)?;
    work.audit(Act::new(Action::Execute, "session").on(session).by(account.id, account.roles.clone()))?;
    state.sign_ins.admitted();
    let device = device.unwrap_or_else(|| work.new_id());
    let device_token = Some(state.keyring.device_token(account.id, device, work.now));
    let holder = Holder { account, session, refresh: &refresh, amr, device_token };
    Reply::ok(&state.tokens(holder, work.now)?)
}
