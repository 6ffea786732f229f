//! How long things took: how many took about so long. Exact below a millisecond, to 0.2 % above it.

/// Microseconds that are told apart one by one.
const EXACT: u64 = 1_024;
/// Steps between one power of two and the next.
const STEPS: u64 = EXACT / 2;
/// Powers of two above [`EXACT`] that there are steps for: to half an hour.
const POWERS: u64 = 21;

/// Times, counted.
#[derive(Debug, Clone)]
pub struct Times {
    counts: Vec<u64>,
    all: u64,
}

impl Default for Times {
    fn default() -> Self {
        let places = usize::try_from(EXACT + STEPS * POWERS).unwrap_or_default();
        Self { counts: vec![0; places], all: 0 }
    }
}

impl Times {
    /// Counts one.
    pub fn record(&mut self, micros: u64) {
        let last = self.counts.len().saturating_sub(1);
        let place = usize::try_from(place(micros)).map_or(last, |place| place.min(last));
        if let Some(count) = self.counts.get_mut(place) {
            *count += 1;
            self.all += 1;
        }
    }

    /// Adds those that somebody else has counted.
    pub fn add(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.all += other.all;
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.all
    }

    /// Milliseconds within which so many of a thousand ended; 0 of none.
    #[must_use]
    pub fn within_ms(&self, of_a_thousand: u64) -> f64 {
        let wanted = (self.all * of_a_thousand).div_ceil(1_000).max(1);
        let mut so_far = 0;
        for (count, place) in self.counts.iter().zip(0..) {
            so_far += count;
            if so_far >= wanted {
                return crate::figures::real(lowest(place)) / 1_000.0;
            }
        }
        0.0
    }
}

/// Where a time is counted.
fn place(micros: u64) -> u64 {
    if micros < EXACT {
        return micros;
    }
    let power = u64::from(micros.ilog2() - EXACT.ilog2());
    // The ten highest bits, of which the first is always set.
    let step = (micros >> (power + 1)) - STEPS;
    EXACT + power * STEPS + step
}

/// The shortest time that is counted there.
fn lowest(place: u64) -> u64 {
    if place < EXACT {
        return place;
    }
    let (power, step) = ((place - EXACT) / STEPS, (place - EXACT) % STEPS);
    (STEPS + step) << (power + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_to_a_five_hundredth() {
        for micros in [0, 1, 999, 1_023, 1_024, 1_025, 2_047, 2_048, 5_000, 123_456, 60_000_000] {
            let told = lowest(place(micros));
            assert!(told <= micros && micros - told <= micros / 500, "{micros}: {told}");
        }
    }

    #[test]
    fn places_follow_one_another() {
        for micros in 0..10_000 {
            assert!(place(micros + 1) - place(micros) <= 1, "{micros}");
        }
    }

    #[test]
    fn the_middle_and_the_end_are_found() {
        let mut times = Times::default();
        for micros in 1..=1_000 {
            times.record(micros);
        }
        let mut more = Times::default();
        more.record(u64::MAX);
        times.add(&more);

        assert_eq!(times.len(), 1_001);
        assert!((times.within_ms(500) - 0.501).abs() < 1e-9, "{}", times.within_ms(500));
        assert!((times.within_ms(990) - 0.991).abs() < 1e-9, "{}", times.within_ms(990));
        assert!(Times::default().within_ms(500).abs() < 1e-9);
    }
}
