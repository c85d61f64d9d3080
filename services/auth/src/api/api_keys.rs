//! API keys: made by admins for anyone, and by staff for themselves.

pub mod change;
pub mod create;
pub mod get;
pub mod list;
pub mod revoke;
pub mod rotate;

use hms_access::Claims;
use hms_model::Secret;
use hms_model::id::ApiKeyId;
use hms_problem::{Code, Problem};
use hms_service::{Reply, Work};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::api_key::{self, ApiKey, Manager, Refusal};
use crate::store::api_keys;
use crate::tokens;

/// What the audit calls a key.
const API_KEY: &str = "api_key";
/// Enough that a secret comes of them but once in many lifetimes of the universe.
const RANDOM_BYTES: usize = 96;

/// A key with its secret, which is shown this once.
#[derive(Serialize, ToSchema)]
pub struct ShownOnce {
    /// The key, for `X-API-Key` or `Authorization: ApiKey`. It is kept nowhere: whoever loses it rotates it.
    #[schema(examples("hms_0197a3c25b1e7c4d9f003b2a1c0d4e5f_2f0c…"))]
    key: String,
    #[serde(flatten)]
    api_key: ApiKey,
}

/// A new secret and the hash of it.
fn new_secret() -> Result<(Secret, String), Problem> {
    let secret = api_key::secret_of(&tokens::random_bytes::<RANDOM_BYTES>()?).ok_or(Code::Internal)?;
    let hash = tokens::hash_of(&secret);
    Ok((secret, hash))
}

impl ShownOnce {
    fn new(api_key: ApiKey, secret: &Secret) -> Self {
        Self { key: api_key::write(api_key.id, secret), api_key }
    }
}

impl Manager {
    /// The caller as one who manages keys.
    pub fn of(claims: &Claims) -> Self {
        Self { account_id: claims.sub, scopes: claims.scope.clone(), is_program: claims.client_id.is_some() }
    }
}

/// A key that the caller may see; others' are not told from those that do not exist.
fn held(work: &mut Work<'_>, id: ApiKeyId, manager: &Manager) -> Result<ApiKey, Problem> {
    let key = api_keys::find_locked(work.db, id)?;
    if !manager.may_manage(key.account_id) {
        return Err(Code::NotFound.into());
    }
    work.check_version(key.version)?;
    Ok(key)
}

/// The answer that shows one key.
fn shown(key: &ApiKey) -> Result<Reply, Problem> {
    Ok(Reply::ok(key)?.version(key.version))
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let field = match refusal {
            Refusal::Program => return Problem::new(Code::Forbidden).message(refusal.to_string()),
            Refusal::ForAnother => {
                let problem = Problem::new(Code::Forbidden).message(refusal.to_string());
                return problem.detail("scope", "account:write");
            }
            Refusal::Revoked => return Problem::new(Code::IllegalTransition).message(refusal.to_string()),
            Refusal::TooMany => return Problem::new(Code::Unprocessable).message(refusal.to_string()),
            Refusal::NoScopes | Refusal::Beyond(_) | Refusal::OfTheWhole(_) => "scopes",
            Refusal::Disabled => "account_id",
            Refusal::NoDepartment => "department_id",
            Refusal::Past => "expires_at",
            Refusal::TooLong => "old_valid_until",
        };
        Problem::field(Code::Unprocessable, field, refusal)
    }
}
