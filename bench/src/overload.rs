//! Far more clients than the server can serve at once: what it still answers, and what it turns
//! away.

use crate::figures::{median, short, short_or_dash};
use crate::load::{Shape, Traffic};
use crate::measure::{Bench, Case, Sample, Subject};
use crate::operation::{Operation, Requests};
use bytes::Bytes;
use memchr::memmem;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

/// So many times the connections that saturate.
pub const TIMES: usize = 16;
/// What those are looked for among.
const CONNECTIONS: [usize; 3] = [1, 16, 64];
/// So many clients need a while to begin.
const WARM_UP: Duration = Duration::from_secs(1);
/// What an answer says that is none because there is too much to do.
const BUSY: &[u8] = b"\"code\":\"SERVICE_UNAVAILABLE\"";

/// What came of it, round by round.
#[derive(Debug, Clone)]
pub struct Overload {
    /// With the connections that saturate.
    pub peak: Vec<Sample>,
    /// With [`TIMES`] as many.
    pub flood: Vec<Sample>,
}

/// Traffic that may be turned away.
struct Tolerant(Arc<Requests>);

impl Traffic for Tolerant {
    fn next(&self, connection: usize) -> Option<Bytes> {
        self.0.next(connection)
    }

    fn check(&self, body: &[u8]) -> Result<(), String> {
        self.0.check(body)
    }

    fn refuses(&self, body: &[u8]) -> bool {
        memmem::find(body, BUSY).is_some()
    }
}

/// Asks for cold pages with as many connections as saturate, and with far more, in turn.
///
/// # Errors
/// When the server breaks a connection.
pub async fn overload(bench: &Bench, rounds: usize) -> anyhow::Result<Overload> {
    let mut best = (0.0, 1);
    for connections in CONNECTIONS {
        let sample = measure(bench, connections, 0).await?;
        if sample.rate > best.0 {
            best = (sample.rate, connections);
        }
    }
    let (_, saturating) = best;
    let mut found = Overload { peak: Vec::new(), flood: Vec::new() };
    for round in 1..=rounds {
        if round % 2 == 1 {
            found.peak.push(measure(bench, saturating, round).await?);
        }
        found.flood.push(measure(bench, TIMES * saturating, round).await?);
        if round % 2 == 0 {
            found.peak.push(measure(bench, saturating, round).await?);
        }
    }
    Ok(found)
}

async fn measure(bench: &Bench, connections: usize, round: usize) -> anyhow::Result<Sample> {
    let case = Case { operation: Operation::Page, connections };
    let requests = Requests::new(case.operation, Arc::clone(&bench.shop), Vec::new())?;
    let shape = Shape {
        address: bench.cold.address,
        connections,
        warm_up: WARM_UP,
        duration: 2 * bench.slot,
    };
    let traffic = Arc::new(Tolerant(requests));
    let sample =
        bench.drive((case, Subject::Stockroom, round), &bench.cold, traffic, shape).await?;
    eprintln!(
        "   overload, {connections} connections: {:.0}/s, {} refused",
        sample.rate, sample.refused
    );
    Ok(sample)
}

impl Overload {
    /// The section of the report.
    ///
    /// # Errors
    /// Never: text can be written.
    pub fn write(&self, text: &mut String) -> std::fmt::Result {
        writeln!(
            text,
            "\n## Overload\n\n\
             Cold pages, with the connections that saturate and {TIMES} times as many.\n\n\
             | connections | good answers a second | p50 ms | p99 ms | CPU ms for each good answer | \
             refused, of 100 requests | p99 ms of those | used by others |\n\
             | --: | --: | --: | --: | --: | --: | --: | --: |"
        )?;
        for samples in [&self.peak, &self.flood] {
            let Some(first) = samples.first() else { continue };
            let middle = |figure: fn(&Sample) -> f64| {
                let figures: Vec<f64> = samples.iter().map(figure).collect();
                median(&figures)
            };
            writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} | {:.0} % |",
                first.case.connections,
                short_or_dash(middle(|sample| sample.rate)),
                short_or_dash(middle(|sample| sample.p50_ms)),
                short_or_dash(middle(|sample| sample.p99_ms)),
                short_or_dash(middle(Sample::all_ms)),
                short_or_dash(middle(refused_share)),
                match samples.iter().any(|sample| sample.refused > 0) {
                    true => short(middle(|sample| sample.refused_p99_ms).unwrap_or(0.0)),
                    false => "–".to_owned(),
                },
                middle(|sample| sample.others * 100.0).unwrap_or(0.0),
            )?;
        }
        Ok(())
    }
}

/// Of a hundred requests.
fn refused_share(sample: &Sample) -> f64 {
    let refused = crate::figures::real(sample.refused);
    refused * 100.0 / (refused + crate::figures::real(sample.done)).max(1.0)
}
