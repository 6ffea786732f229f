//! Logs and figures of this process. Domains count here; what reads the figures is not their
//! business.

mod counter;
mod drain;
mod gauge;
mod logging;
mod process;
mod timing;

pub use counter::{
    CACHE_HITS, CACHE_MISSES, COUNTERS, Counter, EVENT_SINK_AWAY, EVENTS_DEAD, EVENTS_RETRIED,
    EVENTS_SENT, GRAPHQL_FAULTS, GRAPHQL_REQUESTS, JOBS_DEAD, JOBS_DONE, JOBS_RETRIED,
    LIVE_STOCK_CLOCKS_DIFFER, METRICS_FLUSHES_FAILED, ORDERS_PLACED, PAYMENT_BREAKER_OPENED,
    PAYMENT_CALLS_FAILED, PAYMENT_CALLS_REFUSED, PAYMENT_CALLS_WHILE_OPEN, PAYMENTS_DECLINED,
    PAYMENTS_FAILED, PAYMENTS_SUCCEEDED, REFRESH_TOKENS_REPLAYED, RESPONSES_REUSED,
    STOCK_CONFLICTS, STOCK_REJECTIONS, THROTTLED_REQUESTS, TX_RETRIES, add, count, total,
};
pub use drain::{Kept, Taken, take};
pub use gauge::{GAUGES, Gauge, OPEN_SOCKETS, REQUESTS_IN_FLIGHT, Standing, level, stand};
pub use logging::{correlated, correlation_id, log_panics, start_logging};
pub use process::{ProcessFigures, process_figures};
pub use timing::{
    BOUNDS, BUCKETS, DB_TRANSACTIONS, HTTP_REQUESTS, LIVE_STOCK_DELAY, PAYMENT_CALLS,
    PAYMENT_REFUSED_BUSY, PAYMENT_REFUSED_FAST, Spread, TIMINGS, Timing, spread, time,
};
