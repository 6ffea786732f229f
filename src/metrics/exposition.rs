//! What this process counts, as the text that Prometheus reads. Labels have values of the program's
//! own, a handful each: nothing that a client chooses is one.

use crate::telemetry::{
    self, BOUNDS, COUNTERS, Counter, GAUGES, Gauge, Spread, TIMINGS, Timing, spread,
};
use prometheus::proto::{
    Bucket, Counter as CounterValue, Gauge as GaugeValue, Histogram, LabelPair, Metric,
    MetricFamily, MetricType,
};
use prometheus::{TEXT_FORMAT, TextEncoder};

/// The media type of the text.
pub const MEDIA_TYPE: &str = TEXT_FORMAT;

/// What is read when somebody asks, and not counted.
#[derive(Debug, Clone)]
pub struct Reading {
    /// Its name, with its unit.
    pub name: &'static str,
    /// What it tells, in words.
    pub about: &'static str,
    /// Whether it only rises.
    pub rises: bool,
    /// A value for each label; no label: there is one value.
    pub values: Vec<(Option<(&'static str, String)>, f64)>,
}

impl Reading {
    /// Of one value.
    #[must_use]
    pub fn of(name: &'static str, about: &'static str, value: f64) -> Self {
        Self { name, about, rises: false, values: vec![(None, value)] }
    }

    /// Of one value for each value of a label.
    #[must_use]
    pub fn by(
        name: &'static str,
        about: &'static str,
        label: &'static str,
        values: impl IntoIterator<Item = (String, f64)>,
    ) -> Self {
        let values = values.into_iter().map(|(of, value)| (Some((label, of)), value));
        Self { name, about, rises: false, values: values.collect() }
    }

    /// Of what only rises.
    #[must_use]
    pub fn rising(self) -> Self {
        Self { rises: true, ..self }
    }
}

/// The text: what was counted, and these readings. One without a value is left out.
#[must_use]
pub fn text(readings: &[Reading]) -> String {
    let counters = COUNTERS.iter().map(|counter| of_counter(*counter));
    let gauges = GAUGES.iter().map(|gauge| of_gauge(*gauge));
    let timings = TIMINGS.iter().map(|timing| of_timing(*timing));
    let readings = readings.iter().filter(|reading| !reading.values.is_empty()).map(of_reading);
    let families: Vec<MetricFamily> =
        counters.chain(gauges).chain(timings).chain(readings).collect();
    TextEncoder::new().encode_to_string(&families).unwrap_or_else(|error| {
        // It refuses families without a name or a value, and there are none.
        tracing::error!(%error, "figures cannot be written");
        String::new()
    })
}

fn of_counter(counter: Counter) -> MetricFamily {
    let metric = counted(float(telemetry::total(counter)));
    let name = format!("stockroom_{}_total", counter.name());
    family(name, counter.about(), MetricType::COUNTER, vec![metric])
}

fn of_gauge(gauge: Gauge) -> MetricFamily {
    let metric = standing(float(telemetry::level(gauge)));
    family(format!("stockroom_{}", gauge.name()), gauge.about(), MetricType::GAUGE, vec![metric])
}

fn of_timing(timing: Timing) -> MetricFamily {
    let Spread { buckets, sum_us } = spread(timing);
    let mut below = 0_u64;
    let cumulated = buckets.iter().zip(BOUNDS).map(|(bucket, bound)| {
        below = below.saturating_add(*bucket);
        let mut cumulated = Bucket::default();
        cumulated.set_upper_bound(seconds(bound));
        cumulated.set_cumulative_count(below);
        cumulated
    });
    let mut histogram = Histogram::default();
    histogram.set_bucket(cumulated.collect());
    histogram.set_sample_count(buckets.iter().fold(0, |sum, it| sum.saturating_add(*it)));
    histogram.set_sample_sum(seconds(sum_us));
    let mut metric = Metric::default();
    metric.set_histogram(histogram);
    let name = format!("stockroom_{}_seconds", timing.name());
    family(name, timing.about(), MetricType::HISTOGRAM, vec![metric])
}

fn of_reading(reading: &Reading) -> MetricFamily {
    let metrics = reading.values.iter().map(|(label, value)| {
        let mut metric = if reading.rises { counted(*value) } else { standing(*value) };
        if let Some((name, of)) = label {
            let mut pair = LabelPair::default();
            pair.set_name((*name).to_owned());
            pair.set_value(of.clone());
            metric.set_label(vec![pair]);
        }
        metric
    });
    let kind = if reading.rises { MetricType::COUNTER } else { MetricType::GAUGE };
    family(reading.name.to_owned(), reading.about, kind, metrics.collect())
}

fn family(name: String, about: &str, kind: MetricType, metrics: Vec<Metric>) -> MetricFamily {
    let mut family = MetricFamily::default();
    family.set_name(name);
    family.set_help(about.to_owned());
    family.set_field_type(kind);
    family.set_metric(metrics);
    family
}

fn counted(value: f64) -> Metric {
    let mut counter = CounterValue::default();
    counter.set_value(value);
    let mut metric = Metric::default();
    metric.set_counter(counter);
    metric
}

fn standing(value: f64) -> Metric {
    let mut gauge = GaugeValue::default();
    gauge.set_value(value);
    let mut metric = Metric::default();
    metric.set_gauge(gauge);
    metric
}

fn seconds(us: u64) -> f64 {
    float(us) / 1_000_000.0
}

#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "Prometheus knows no other numbers: beyond 2^53 the last digits do not matter"
)]
const fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::{EVENT_SINK_AWAY, LIVE_STOCK_DELAY};
    use std::time::Duration;

    #[test]
    fn everything_that_is_counted_is_told_with_its_words() {
        telemetry::add(EVENT_SINK_AWAY, 7);
        telemetry::time(LIVE_STOCK_DELAY, Duration::from_millis(2));
        telemetry::time(LIVE_STOCK_DELAY, Duration::from_secs(60));
        let pool = Reading::by("pool", "Of a pool.", "state", [("used".to_owned(), 2.0)]);
        let nothing = Reading { values: Vec::new(), ..pool.clone() };
        let text = text(&[pool, nothing, Reading::of("ticks", "Ticks.", 1.5).rising()]);
        for line in [
            "# HELP stockroom_event_sink_away_total Times that a sink could not be reached.",
            "# TYPE stockroom_event_sink_away_total counter",
            "stockroom_event_sink_away_total 7",
            "# TYPE stockroom_open_sockets gauge",
            "stockroom_open_sockets 0",
            "# TYPE stockroom_live_stock_delay_seconds histogram",
            "stockroom_live_stock_delay_seconds_bucket{le=\"0.001\"} 0",
            "stockroom_live_stock_delay_seconds_bucket{le=\"0.002\"} 1",
            "stockroom_live_stock_delay_seconds_bucket{le=\"10\"} 1",
            "stockroom_live_stock_delay_seconds_bucket{le=\"+Inf\"} 2",
            "stockroom_live_stock_delay_seconds_sum 60.002",
            "stockroom_live_stock_delay_seconds_count 2",
            "pool{state=\"used\"} 2",
            "# TYPE ticks counter",
            "ticks 1.5",
        ] {
            assert!(text.lines().any(|it| it == line), "{line} is not in\n{text}");
        }
        assert_eq!(text.matches("# HELP pool").count(), 1);
    }
}
