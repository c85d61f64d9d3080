//! `POST /push-subscriptions`.

use std::sync::Arc;

use actix_web::{post, web};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hms_api::{Json, Problems};
use hms_model::audit::Action;
use hms_model::id::{AccountId, PatientId};
use hms_model::role::{Reach, scope};
use hms_model::{Secret, Text};
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply, Work};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{PushSubscription, SUBSCRIPTION};
use crate::State;
use crate::device_seal::DeviceSeal;
use crate::domain::webhook::AddressRules;
use crate::domain::{MOST_SUBSCRIPTIONS, PushTarget, Subscription};
use crate::store::push_subscriptions;

/// The bytes of a public key of P-256, uncompressed, and of the secret of a subscription (RFC 8291).
const PUBLIC_KEY_BYTES: usize = 65;
const AUTH_BYTES: usize = 16;
/// What an uncompressed point begins with (SEC 1).
const UNCOMPRESSED: u8 = 4;

/// What a client sends: a subscription of a browser, or the token of an app.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPushSubscription {
    /// What `PushSubscription.toJSON()` gives in a browser.
    #[serde(default)]
    web: Option<WebPush>,
    /// The registration token that Firebase Cloud Messaging gave to an app.
    #[serde(default)]
    #[schema(value_type = Option<Text<1, 4096>>)]
    fcm_token: Option<Secret>,
}

/// A subscription of a browser, as the Push API has it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebPush {
    /// Where messages are put: https, on the public network.
    #[schema(value_type = String, examples("https://push.example.org/s3cret"))]
    endpoint: Secret,
    /// When it ends, in milliseconds since 1970; null where it does not.
    #[serde(default, rename = "expirationTime")]
    #[schema(value_type = Option<f64>)]
    _expiration_time: Option<serde_json::Number>,
    /// The keys of the browser.
    keys: WebPushKeys,
}

/// The keys of a browser.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebPushKeys {
    /// Its public key, P-256, uncompressed, in base64url.
    p256dh: String,
    /// The secret of the subscription, 16 bytes in base64url.
    #[schema(value_type = String)]
    auth: Secret,
}

/// Asks for the messages of whoever calls, to be sent to this browser or app. Once more, it takes the place of the former.
#[utoipa::path(tag = "push-subscriptions", operation_id = "create_push_subscription", request_body = NewPushSubscription,
    responses((status = 201, body = PushSubscription), Problems), security(("bearer" = ["notification:write"])))]
#[post("/push-subscriptions")]
pub async fn create(
    call: Call<scope::NotificationWrite>,
    state: web::Data<State>,
    body: Json<NewPushSubscription>,
) -> Result<Reply, Problem> {
    let (reach, account_id, new) = (call.reach()?, call.claims()?.sub, body.into_inner());
    let Reach::Own { patient_id: Some(patient_id), .. } = reach else {
        return Err(
            Problem::new(Code::Forbidden).message("Only patients ask for their messages, and for no others.")
        );
    };
    let target = target(new, &state.webhooks.rules)?;
    let seal = Arc::clone(&state.desk.devices);
    call.write(move |work| add(work, &seal, (patient_id, account_id), target)).await
}

fn add(
    work: &mut Work<'_>,
    seal: &DeviceSeal,
    (patient_id, account_id): (PatientId, AccountId),
    target: PushTarget,
) -> Result<Reply, Problem> {
    if push_subscriptions::count(work.db, patient_id)? >= MOST_SUBSCRIPTIONS {
        let message = format!("There are {MOST_SUBSCRIPTIONS} already, which is the most: take one away.");
        return Err(Problem::new(Code::Unprocessable).message(message));
    }
    let subscription =
        Subscription { id: work.new_id(), patient_id, account_id, target, created_at: work.now };
    push_subscriptions::put(work.db, seal, &subscription)?;
    work.audit(Act::new(Action::Create, SUBSCRIPTION).on(subscription.id).of_patient(patient_id))?;
    let place = format!("/api/v1/push-subscriptions/{}", subscription.id);
    Ok(Reply::created(&PushSubscription::from(subscription))?.at(place))
}

fn target(new: NewPushSubscription, rules: &AddressRules) -> Result<PushTarget, Problem> {
    let refuse = |field: &str, reason: &str| Problem::field(Code::Unprocessable, field, reason);
    match (new.web, new.fcm_token) {
        (Some(web), None) => {
            rules
                .check(web.endpoint.expose())
                .map_err(|refused| refuse("web.endpoint", &refused.to_string()))?;
            let key = URL_SAFE_NO_PAD.decode(web.keys.p256dh.trim_end_matches('=')).unwrap_or_default();
            if key.len() != PUBLIC_KEY_BYTES || key.first() != Some(&UNCOMPRESSED) {
                return Err(refuse("web.keys.p256dh", "must be a public key of P-256 in base64url"));
            }
            let auth =
                URL_SAFE_NO_PAD.decode(web.keys.auth.expose().trim_end_matches('=')).unwrap_or_default();
            if auth.len() != AUTH_BYTES {
                return Err(refuse("web.keys.auth", "must be 16 bytes in base64url"));
            }
            Ok(PushTarget::Web {
                endpoint: web.endpoint,
                p256dh: URL_SAFE_NO_PAD.encode(key),
                auth: Secret::new(URL_SAFE_NO_PAD.encode(auth)),
            })
        }
        (None, Some(token)) => {
            let is_token =
                token.expose().parse::<Text<1, 4096>>().is_ok_and(|text| text.as_str() == token.expose());
            let is_token = is_token && token.expose().bytes().all(|byte| byte.is_ascii_graphic());
            if !is_token {
                return Err(refuse("fcm_token", "must be a token of 1 to 4096 characters"));
            }
            Ok(PushTarget::Fcm { token })
        }
        _ => Err(refuse("web", "either web or fcm_token must be there")),
    }
}
