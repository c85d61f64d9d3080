//! The id of the request at hand, known to every error that is made while it is answered.

use std::future::Future;

tokio::task_local! {
    static CURRENT: String;
}

/// Runs `future` with `id` as the id of the present request.
pub async fn scope<F: Future>(id: String, future: F) -> F::Output {
    CURRENT.scope(id, future).await
}

/// The id of the present request, where there is one.
pub fn current() -> Option<String> {
    CURRENT.try_with(Clone::clone).ok()
}
