//! Gauges: how many of something there are at this moment.

use std::sync::atomic::{AtomicU64, Ordering};

/// A gauge.
#[derive(Clone, Copy)]
pub struct Gauge(&'static Cell);

struct Cell {
    name: &'static str,
    about: &'static str,
    level: AtomicU64,
}

macro_rules! gauges {
    ($($(#[doc = $about:literal])+ $name:ident,)+) => {
        $($(#[doc = $about])+ pub const $name: Gauge = {
            static CELL: Cell = Cell {
                name: stringify!($name),
                about: concat!($($about),+),
                level: AtomicU64::new(0),
            };
            Gauge(&CELL)
        };)+

        /// Every gauge.
        pub const GAUGES: &[Gauge] = &[$($name),+];
    };
}

gauges! {
    /// WebSockets that are open.
    OPEN_SOCKETS,
    /// HTTP requests that are being answered.
    REQUESTS_IN_FLIGHT,
}

impl Gauge {
    /// Its name, such as `open_sockets`.
    #[must_use]
    pub fn name(self) -> String {
        self.0.name.to_ascii_lowercase()
    }

    /// What it tells, in words.
    #[must_use]
    pub fn about(self) -> &'static str {
        self.0.about.trim()
    }
}

/// One of those that a gauge tells of, until it is dropped.
#[must_use = "it counts for as long as it is held"]
pub struct Standing(Gauge);

/// One more, for as long as what it gives is held.
pub fn stand(gauge: Gauge) -> Standing {
    gauge.0.level.fetch_add(1, Ordering::Relaxed);
    Standing(gauge)
}

impl Drop for Standing {
    fn drop(&mut self) {
        self.0.0.level.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How many there are now.
#[must_use]
pub fn level(gauge: Gauge) -> u64 {
    gauge.0.level.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_stands_is_counted_until_they_leave() {
        let (one, other) = (stand(OPEN_SOCKETS), stand(OPEN_SOCKETS));
        assert_eq!(level(OPEN_SOCKETS), 2);
        drop(one);
        assert_eq!(level(OPEN_SOCKETS), 1);
        drop(other);
        assert_eq!(level(OPEN_SOCKETS), 0);
    }
}
