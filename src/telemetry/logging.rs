//! Log lines, and the id that those of one request or job have in common.

use crate::config::LogFormat;
use std::io::IsTerminal;
use std::sync::Arc;
use tracing_subscriber::EnvFilter;

tokio::task_local! {
    static CORRELATION: Arc<str>;
}

/// Does work under the id of the request or job that asks for it, which goes into what it writes.
pub async fn correlated<F: Future>(id: &str, work: F) -> F::Output {
    CORRELATION.scope(id.into(), work).await
}

/// The id of the request or job that this task works for; None when it works for neither.
#[must_use]
pub fn correlation_id() -> Option<String> {
    CORRELATION.try_with(|id| id.to_string()).ok()
}

/// Sends log lines to standard error from now on. `level` is a filter as in `RUST_LOG`.
///
/// # Errors
/// When the filter cannot be read, or logging was set up before.
pub fn start_logging(level: &str, format: LogFormat) -> anyhow::Result<()> {
    // The migrator tells each step three times; the server tells it once.
    let quiet = format!("sea_orm_migration=warn,{level}");
    let filter = EnvFilter::try_new(quiet)
        .map_err(|error| anyhow::anyhow!("LOG_LEVEL is not a log filter: {error}"))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        // Colours are for eyes: a file or a log collector gets plain text.
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Pretty => builder.compact().with_target(false).try_init(),
        LogFormat::Json => builder
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("logging was already set up: {error}"))
}

/// Writes panics as log lines from now on, where they carry the id of their request.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let message = panic.payload_as_str().unwrap_or("something that is no text");
        tracing::error!(place, message, "a panic");
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_id_is_there_within_its_request_alone() {
        let inside = correlated("request-1", async { correlation_id() }).await;

        assert_eq!(inside.as_deref(), Some("request-1"));
        assert_eq!(correlation_id(), None);
    }
}
