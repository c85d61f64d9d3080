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

use std::convert::Infallible;
use std::pin::Pin;
use std::time::Instant;

use actix_http::{HttpMessage as _, Request, Response};
use actix_service::Service as _;
use actix_web::HttpResponse;
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::Data;
use hms_problem::{Problem, request_id};

use crate::context::Context;
use crate::own::Pages;
use crate::server::Gateway;
use crate::table::DEFAULT_GROUP;
use answer::AnswerBody;
use normalise::{ApiPath, Target};
use record::{Recorded, Recorder};

/// Takes one request from its head to the last byte of its answer. `own` answers for the gateway itself. It has its room
/// from the heap: a connection that is idle is not to hold it, nor is it to be moved with what holds it.
pub fn run(
    gateway: Data<Gateway>,
    own: Pages,
    secure: bool,
    request: Request,
) -> Pin<Box<impl Future<Output = Result<Response<Recorded>, Infallible>>>> {
    let context = Context::new(&request, secure, &gateway.shared);
    let mut recorder = Recorder::new(context, Data::clone(&gateway));
    Box::pin(request_id::scope(recorder.context.request_id.clone(), async move {
        let response = respond(&gateway, &mut recorder.context, request, &own).await;
        let response = answer::finish(&gateway.shared, &recorder.context, response);
        Ok(recorder.watch(response).into())
    }))
}

/// The phases of every request; the pages of the gateway's own part here from the API.
async fn respond(
    gateway: &Gateway,
    context: &mut Context,
    mut request: Request,
    own: &Pages,
) -> HttpResponse<AnswerBody> {
    let target = match accept(gateway, context, &mut request) {
        Ok(Ok(target)) => target,
        Ok(Err(answer)) => return *answer,
        Err(problem) => return answer::refuse(&problem),
    };
    match target {
        Target::Own => match own.call(request).await {
            Ok(page) => answer::own(context, page),
            Err(error) => error.error_response().map_body(|_, body| AnswerBody::Own(body)),
        },
        Target::Api(path) => {
            let known = identify::caller(&gateway.shared, context, request.headers_mut(), &path).await;
            let payload = request.take_payload();
            let response = match known {
                Ok(()) => pass_through(gateway, context, &request, payload, &path).await,
                Err(problem) => Ok(identify::refuse(&problem)),
            };
            let mut response = response.unwrap_or_else(|problem| answer::refuse(&problem));
            let status = response.status();
            limit::settle(&gateway.shared, context, status, response.headers_mut()).await;
            response
        }
    }
}

/// What is answered from the head alone.
type Early = Box<HttpResponse<AnswerBody>>;

/// The phases that look at the head only.
fn accept(
    gateway: &Gateway,
    context: &mut Context,
    request: &mut Request,
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
    request: &Request,
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
