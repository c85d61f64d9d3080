//! The id of the request at hand, known to every error that is made while it is answered.

use std::future::Future;

tokio::task_local! {
    static CURRENT: String;
}

/// Runs `future` with `id` as the id of the present request.
pub fn scope<F: Future>(id: String, future: F) -> impl Future<Output = F::Output> {
    CURRENT.scope(id, future)
}

/// The id of the present request, where there is one.
pub fn current() -> Option<String> {
    CURRENT.try_with(Clone::clone).ok()
}
