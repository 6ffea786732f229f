//! Which request is being served, so that an event can name it without every service handing the
//! id on.

use std::sync::Arc;

tokio::task_local! {
    static REQUEST_ID: Arc<str>;
}

/// Does some work for a request: the events that it records carry this id.
pub async fn within_request<T>(id: &str, work: impl Future<Output = T>) -> T {
    REQUEST_ID.scope(Arc::from(id), work).await
}

/// The id of the request that is being served; None outside of any.
pub(crate) fn current_request() -> Option<Arc<str>> {
    REQUEST_ID.try_with(Arc::clone).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_id_is_there_within_its_request_alone() {
        let inside = within_request("request-1", async { current_request() }).await;

        assert_eq!(inside.as_deref(), Some("request-1"));
        assert_eq!(current_request(), None);
    }
}
