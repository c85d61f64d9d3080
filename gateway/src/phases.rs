//! The row of phases that every request goes through, each a file of its own. A phase that refuses ends the
//! row; `answer` and `record` see every request.

mod accept;
mod answer;
mod compress;
pub(crate) mod cors;
mod forward;
pub(crate) mod identify;
mod limit;
mod normalise;
pub(crate) mod protect;
mod record;
mod route;

use std::time::Instant;

use actix_web::body::BoxBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header;
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpRequest, HttpResponse};
use hms_problem::{Problem, request_id};

use crate::context::Context;
use crate::server::Gateway;
use crate::table::DEFAULT_GROUP;
use answer::AnswerBody;
use normalise::{ApiPath, Target};
use record::{Recorded, Recorder};

/// Takes one request from its head to the last byte of its answer.
pub async fn run(
    gateway: Data<Gateway>,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<Recorded>, Error> {
    let context = Context::new(&request, &gateway.shared);
    let mut recorder = Recorder::new(context, Data::clone(&gateway));
    request_id::scope(recorder.context.request_id.clone(), async move {
        let response = respond(&gateway, &mut recorder.context, request, next).await?;
        let response = answer::finish(&gateway.shared, &recorder.context, response);
        Ok(recorder.watch(response))
    })
    .await
}

/// The phases of every request; the pages of the gateway's own part here from the API.
async fn respond(
    gateway: &Gateway,
    context: &mut Context,
    mut request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<AnswerBody>, Error> {
    let target = match accept(gateway, context, &mut request) {
        Ok(Ok(target)) => target,
        Ok(Err(answer)) => return Ok(request.into_response(*answer)),
        Err(problem) => return Ok(request.into_response(answer::refuse(&problem))),
    };
    Ok(match target {
        Target::Own => answer::own(context, next.call(request).await?),
        Target::Api(path) => {
            let known = identify::caller(&gateway.shared, context, request.headers_mut(), &path).await;
            let (request, payload) = request.into_parts();
            let response = match known {
                Ok(()) => pass_through(gateway, context, &request, payload, &path).await,
                Err(problem) => Ok(identify::refuse(&problem)),
            };
            let mut response = response.unwrap_or_else(|problem| answer::refuse(&problem));
            let status = response.status();
            limit::settle(&gateway.shared, context, status, response.headers_mut()).await;
            ServiceResponse::new(request, response)
        }
    })
}

/// What is answered from the head alone.
type Early = Box<HttpResponse<AnswerBody>>;

/// The phases that look at the head only.
fn accept(
    gateway: &Gateway,
    context: &mut Context,
    request: &mut ServiceRequest,
) -> Result<Result<Target, Early>, Problem> {
    let shared = &gateway.shared;
    let edge = &shared.edge;
    let largest_body = shared.routes.load().largest_body(shared.limits.body);
    accept::check(context, request, &edge.heads, largest_body)?;
    let target = normalise::target(request.uri())?;
    if let Some(location) = accept::better_over_tls(edge, context.secure, request) {
        return Ok(Err(Box::new(answer::to_tls(&location))));
    }
    if let Some(answer) = cors::preflight(&edge.cors, request.method(), request.headers()) {
        return Ok(Err(Box::new(answer?.map_body(|_, body| AnswerBody::Own(body)))));
    }
    context.tag_ending = compress::strip(request.headers_mut());
    Ok(Ok(target))
}

/// The phases of a request to a service.
async fn pass_through(
    gateway: &Gateway,
    context: &mut Context,
    request: &HttpRequest,
    payload: Payload,
    path: &ApiPath,
) -> Result<HttpResponse<AnswerBody>, Problem> {
    let route = route::find(&gateway.shared.routes.load(), context, path);
    let group = route.as_ref().map_or(DEFAULT_GROUP, |route| &route.group);
    limit::count(&gateway.shared, context, group, path.after_version()).await?;
    let route = route?;
    // What flows over a WebSocket is no body, and has no pace.
    let payload = match request.headers().contains_key(header::UPGRADE) {
        true => payload,
        false => {
            let (payload, received) = gateway.shared.edge.pace.demand(payload);
            context.received = received;
            payload
        }
    };
    let asked = Instant::now();
    let answer = forward::send(gateway, context, &route, request, payload, path).await;
    context.waited = Some(asked.elapsed());
    let answer = answer?;
    let mut response = answer::pass_on(context, answer);
    route.announce(response.headers_mut());
    Ok(response)
}
