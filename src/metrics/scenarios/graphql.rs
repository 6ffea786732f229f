//! Quality scenarios in the schema.

use crate::auth::{Permission, Viewer};
use crate::graphql::{Auth, Fault};
use crate::metrics::scenarios::{Error, Scenario, Scenarios, Standing};
use async_graphql::{Context, Enum, Object, SimpleObject};

/// Days that scenarios are judged by at most.
const DAYS_MAX: i32 = 90;

/// What becomes of a quality scenario.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "Standing")]
pub enum ScenarioStatus {
    /// The target is met, by at least 100 observations.
    Pass,
    /// The target is missed.
    Fail,
    /// There were fewer than 100 observations, and nothing among them that fails it.
    InsufficientData,
}

/// Whether the shop keeps a promise, told from what it did: over all processes, and no test.
#[derive(SimpleObject)]
pub struct QualityScenario {
    /// A1 (flash sale concurrency), A2 (payment resilience) or A3 (live stock freshness).
    id: String,
    /// What it is about.
    title: String,
    /// What becomes of it.
    status: ScenarioStatus,
    /// What is promised.
    target: String,
    /// What was measured.
    measured: String,
    /// The figures behind it, a line each.
    evidence: Vec<String>,
}

impl From<Scenario> for QualityScenario {
    fn from(scenario: Scenario) -> Self {
        let Scenario { id, title, standing, target, measured, evidence } = scenario;
        let (id, title) = (id.to_owned(), title.to_owned());
        Self { id, title, status: standing.into(), target, measured, evidence }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::Denied(denied) => denied.into(),
            Error::Db(error) => error.into(),
            error @ Error::Invalid(_) => Self::internal(&error),
        }
    }
}

/// Queries about quality.
#[derive(Default)]
pub struct ScenarioQuery;

/// Queries about quality.
#[Object]
impl ScenarioQuery {
    /// Whether the shop keeps its promises: A1, A2 and A3, in that order. What was counted within the
    /// last five seconds may be missing.
    #[graphql(directive = Auth::apply(Permission::MetricsRead))]
    async fn quality_scenarios(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Judged by so many UTC days, today included: 1 to 90.",
            default = 7
        )]
        days: i32,
    ) -> Option<Result<Vec<QualityScenario>, Fault>> {
        Some(judge(ctx, days).await)
    }
}

async fn judge(ctx: &Context<'_>, days: i32) -> Result<Vec<QualityScenario>, Fault> {
    let asked = u32::try_from(days).ok().filter(|_| (1..=DAYS_MAX).contains(&days));
    let asked = asked.ok_or_else(|| {
        Fault::bad_user_input(format!("days is {days}; it must be between 1 and {DAYS_MAX}."))
    })?;
    let (scenarios, viewer) = (ctx.data_unchecked::<Scenarios>(), ctx.data_unchecked::<Viewer>());
    let judged = scenarios.judge(viewer, asked).await?;
    Ok(judged.into_iter().map(QualityScenario::from).collect())
}
