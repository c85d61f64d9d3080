//! Route: the service that answers, by the first segment of the path, or by its name below `services`.

use std::sync::Arc;

use hms_problem::{Code, Problem};

use super::normalise::ApiPath;
use crate::context::Context;
use crate::{RouteTable, Upstream};

/// The service of a path, noted in the context.
pub fn find(routes: &RouteTable, context: &mut Context, path: &ApiPath) -> Result<Arc<Upstream>, Problem> {
    let upstream = routes.find(path.after_version()).ok_or(Code::RouteNotFound)?;
    context.upstream = Some(Arc::clone(upstream));
    context.template = Some(path.shape());
    Ok(Arc::clone(upstream))
}
