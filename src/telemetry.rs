//! Logs and counters. Domains count here; what reads the counters is not their business.

use crate::config::LogFormat;
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tracing_subscriber::EnvFilter;

/// A counter by its place in [`COUNTERS`].
#[derive(Clone, Copy)]
pub struct Counter(&'static AtomicU64);

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        $($(#[$doc])* pub const $name: Counter = {
            static VALUE: AtomicU64 = AtomicU64::new(0);
            Counter(&VALUE)
        };)+
    };
}

counters! {
    /// Transactions that were repeated because another was in their way.
    TX_RETRIES,
    /// Times that a database constraint had to save us: must stay 0.
    STOCK_CONFLICTS,
    /// Clean "not enough stock" answers.
    STOCK_REJECTIONS,
    /// Tries that were refused because there were too many.
    THROTTLED_REQUESTS,
    /// Refresh tokens that were used again after they were spent; their sessions ended.
    REFRESH_TOKENS_REPLAYED,
    /// Calls to payment providers that failed or were not answered in time; declines are answers.
    PAYMENT_CALLS_FAILED,
    /// Calls that were not made: the provider's breaker was open, or too many were in flight.
    PAYMENT_CALLS_REFUSED,
    /// Times that the breaker of a payment provider opened.
    PAYMENT_BREAKER_OPENED,
    /// Attempts to pay that were authorized or captured.
    PAYMENTS_SUCCEEDED,
    /// Attempts to pay that the provider declined.
    PAYMENTS_DECLINED,
    /// Attempts to pay that failed because the provider could not be asked.
    PAYMENTS_FAILED,
    /// Look-ups that the in-process cache answered.
    CACHE_HITS,
    /// Look-ups that went on to Redis or the database.
    CACHE_MISSES,
    /// Jobs that were done.
    JOBS_DONE,
    /// Attempts at jobs that failed and are repeated.
    JOBS_RETRIED,
    /// Jobs that failed for the last time.
    JOBS_DEAD,
    /// Events that a sink has taken.
    EVENTS_SENT,
    /// Events that a sink refused and that are offered again.
    EVENTS_RETRIED,
    /// Events that a sink refused for the last time.
    EVENTS_DEAD,
    /// Times that a sink could not be reached.
    EVENT_SINK_AWAY,
}

/// Adds one.
pub fn count(counter: Counter) {
    counter.0.fetch_add(1, Ordering::Relaxed);
}

/// Adds several at once.
pub fn add(counter: Counter, amount: usize) {
    counter.0.fetch_add(u64::try_from(amount).unwrap_or(u64::MAX), Ordering::Relaxed);
}

/// The count since the process began.
#[must_use]
pub fn total(counter: Counter) -> u64 {
    counter.0.load(Ordering::Relaxed)
}

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
