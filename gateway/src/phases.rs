//! The row of phases that every request goes through, each a file of its own. A phase that refuses ends the
//! row; `answer` and `record` see every request.

mod accept;
mod answer;
mod forward;
pub(crate) mod identify;
mod normalise;
mod record;
mod route;

use actix_web::body::BoxBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpRequest, HttpResponse};
use hms_problem::{Problem, request_id};

use crate::context::Context;
use crate::server::Gateway;
use answer::AnswerBody;
use normalise::{ApiPath, Target};
use record::{Recorded, Recorder};

/// Takes one request from its head to the last byte of its answer.
pub async fn run(
    gateway: Data<Gateway>,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<Recorded>, Error> {
    let context = Context::new(&request, &gateway.shared.clock, &gateway.shared.edge.proxies);
    let mut recorder = Recorder::new(context, &gateway.shared.metrics);
    request_id::scope(recorder.context.request_id.clone(), async move {
        let mut response = respond(&gateway, &mut recorder.context, request, next).await?;
        answer::finish(&recorder.context, &mut response);
        Ok(recorder.watch(response))
    })
    .await
}

/// The phases of every request; the pages of the gateway's own part here from the API.
async fn respond(
    gateway: &Gateway,
    context: &mut Context,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<AnswerBody>, Error> {
    let accepted =
        accept::check(&request, gateway.shared.routes.load().largest_body(gateway.shared.limits.body));
    Ok(match accepted.and_then(|()| normalise::target(request.uri())) {
        Err(problem) => request.into_response(answer::refuse(&problem)),
        Ok(Target::Own) => answer::own(context, next.call(request).await?),
        Ok(Target::Api(path)) => {
            let (request, payload) = request.into_parts();
            let response = pass_through(gateway, context, &request, payload, &path).await;
            ServiceResponse::new(request, response.unwrap_or_else(|problem| answer::refuse(&problem)))
        }
    })
}

/// The phases of a request to a service.
async fn pass_through(
    gateway: &Gateway,
    context: &mut Context,
    request: &HttpRequest,
    payload: Payload,
    path: &ApiPath,
) -> Result<HttpResponse<AnswerBody>, Problem> {
    context.caller = identify::caller(&gateway.shared.verifier, request.headers()).await?;
    let route = route::find(&gateway.shared.routes.load(), context, path)?;
    let answer = forward::send(gateway, context, &route, request, payload, path).await?;
    let mut response = answer::pass_on(context, answer);
    route.announce(response.headers_mut());
    Ok(response)
}
