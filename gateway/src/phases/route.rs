//! Route: what the table says of the path: the service that answers and whose limits hold, by the first segment of the path, or by its name below `services`.

use std::sync::Arc;

use hms_problem::{Code, Problem};

use super::normalise::ApiPath;
use crate::RouteTable;
use crate::context::Context;
use crate::table::Route;

/// The route of a path, noted in the context.
pub fn find(routes: &RouteTable, context: &mut Context, path: &ApiPath) -> Result<Arc<Route>, Problem> {
    let resource = if path.is_well_known() { "auth" } else { path.after_version() };
    let route = routes.find(resource).ok_or(Code::RouteNotFound)?;
    context.upstream = Some(Arc::clone(&route.upstream));
    context.template = Some(path.shape());
    Ok(Arc::clone(route))
}
