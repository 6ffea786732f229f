//! Looks at the components, all at once and each within a time limit: for the probe that load
//! balancers ask, and for what is kept of the server's health.

use crate::metrics::health::component::{Component, Finding, Health};
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use std::fmt::Display;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// How long a component may take to answer.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a finding is good, so that probes cost the same however many come.
const FRESH: Duration = Duration::from_secs(1);
/// Characters that are kept of what is wrong.
const MESSAGE_CHARS: usize = 300;

type Ask = dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync;

/// How to find out whether a component is well.
pub struct Probe {
    component: Component,
    ask: Box<Ask>,
}

impl Probe {
    /// A component is well when what `ask` makes gives no error.
    pub fn new<Fut, E>(component: Component, ask: impl Fn() -> Fut + Send + Sync + 'static) -> Self
    where
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Display,
    {
        let ask = move || {
            let asked = ask();
            let told: BoxFuture<'static, Result<(), String>> =
                Box::pin(async move { asked.await.map_err(|error| error.to_string()) });
            told
        };
        Self { component, ask: Box::new(ask) }
    }
}

/// What a look at all components found.
#[derive(Debug, Clone)]
pub struct Examination {
    /// Of each component one, in the order of [`Component::ALL`].
    pub findings: Vec<Finding>,
    /// How long it took.
    pub took: Duration,
}

impl Examination {
    /// What was found of a component.
    #[must_use]
    pub fn of(&self, component: Component) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.component == component)
    }

    /// How well the server is: as its worst component.
    #[must_use]
    pub fn worst(&self) -> Health {
        let all = self.findings.iter().map(|finding| finding.health);
        all.max().unwrap_or(Health::Healthy)
    }
}

/// Looks at the components; cheap to clone.
#[derive(Clone)]
pub struct Examiner {
    probes: Arc<[Probe]>,
    patience: Duration,
    /// Whoever comes while components are asked waits for the same answer.
    last: Arc<Mutex<Option<(Instant, Examination)>>>,
}

impl Examiner {
    /// Looks by these probes, one a component.
    #[must_use]
    pub fn new(probes: Vec<Probe>) -> Self {
        Self { probes: probes.into(), patience: PATIENCE, last: Arc::default() }
    }

    /// Waits so long for a component, for tests on machines that have much else to do.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// What was found within the last second, or is found now.
    pub async fn lately(&self) -> Examination {
        let mut last = self.last.lock().await;
        if let Some((at, examination)) = &*last
            && at.elapsed() < FRESH
        {
            return examination.clone();
        }
        self.look(&mut last).await
    }

    /// What is found now.
    pub async fn now(&self) -> Examination {
        let mut last = self.last.lock().await;
        self.look(&mut last).await
    }

    async fn look(&self, last: &mut Option<(Instant, Examination)>) -> Examination {
        let examination = examine(&self.probes, self.patience).await;
        tell(last.as_ref().map(|(_, before)| before), &examination);
        *last = Some((Instant::now(), examination.clone()));
        examination
    }
}

/// Tells the log what has changed since the last look.
fn tell(before: Option<&Examination>, now: &Examination) {
    for finding in news(before, now) {
        let (component, message) = (word(finding.component), finding.message.as_deref());
        match message {
            Some(message) => tracing::warn!(component, message, "a component is not well"),
            None => tracing::info!(component, "a component is well again"),
        }
    }
}

/// What was found to be otherwise than the last time, or at the first look not to be well.
fn news<'a>(before: Option<&Examination>, now: &'a Examination) -> Vec<&'a Finding> {
    let was = |component| before.and_then(|it| it.of(component)).map(|it| it.health);
    let is_news = |it: &&Finding| was(it.component).unwrap_or(Health::Healthy) != it.health;
    now.findings.iter().filter(is_news).collect()
}

async fn examine(probes: &[Probe], patience: Duration) -> Examination {
    let began = Instant::now();
    let asked: Vec<_> = probes.iter().map(|probe| ask(probe, patience)).collect();
    let findings = join_all(asked).await;
    Examination { findings, took: began.elapsed() }
}

async fn ask(probe: &Probe, patience: Duration) -> Finding {
    let (component, began) = (probe.component, Instant::now());
    let asked = AssertUnwindSafe(async { (probe.ask)().await }).catch_unwind();
    let wrong = match tokio::time::timeout(patience, asked).await {
        Ok(Ok(Ok(()))) => None,
        Ok(Ok(Err(error))) => Some(error.chars().take(MESSAGE_CHARS).collect()),
        // The panic itself is in the log, by the hook that every panic passes.
        Ok(Err(_)) => Some("The look at it failed.".to_owned()),
        Err(_) => Some(format!("It does not answer within {} s.", patience.as_secs())),
    };
    let health = if wrong.is_none() { Health::Healthy } else { component.without() };
    Finding { component, health, latency: began.elapsed(), message: wrong }
}

fn word(component: Component) -> String {
    component.name().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn probe(component: Component, answer: Result<(), &'static str>) -> Probe {
        Probe::new(component, move || async move { answer })
    }

    #[tokio::test]
    async fn the_worst_component_says_how_the_server_is() {
        let well = probe(Component::Database, Ok(()));
        let away = probe(Component::Cache, Err("it is away"));
        let examination = Examiner::new(vec![well, away]).lately().await;

        assert_eq!(examination.worst(), Health::Degraded);
        assert_eq!(examination.of(Component::Database).unwrap().health, Health::Healthy);
        let cache = examination.of(Component::Cache).unwrap();
        assert_eq!(cache.message.as_deref(), Some("it is away"));
        assert_eq!(Examiner::new(vec![]).now().await.worst(), Health::Healthy);
        let gone = Examiner::new(vec![probe(Component::Database, Err("gone"))]);
        assert_eq!(gone.now().await.worst(), Health::Unhealthy);
    }

    #[tokio::test]
    async fn a_component_that_hangs_is_given_up() {
        let hangs = Probe::new(Component::Mail, std::future::pending::<Result<(), String>>);
        let examination = Examiner::new(vec![hangs]).now().await;

        let mail = examination.of(Component::Mail).unwrap();
        assert_eq!(mail.health, Health::Degraded);
        assert_eq!(mail.message.as_deref(), Some("It does not answer within 1 s."));
    }

    #[tokio::test]
    async fn a_look_that_panics_is_no_good_finding_and_the_others_are_made() {
        let panics = Probe::new(Component::Mail, || async {
            if true {
                panic!("on purpose");
            }
            Ok::<_, String>(())
        });
        let examination = Examiner::new(vec![panics, probe(Component::Cache, Ok(()))]).now().await;

        assert_eq!(examination.of(Component::Mail).unwrap().health, Health::Degraded);
        assert_eq!(examination.of(Component::Cache).unwrap().health, Health::Healthy);
    }

    #[tokio::test]
    async fn only_what_changes_is_news() {
        let well = Examiner::new(vec![probe(Component::Cache, Ok(()))]).now().await;
        let away = Examiner::new(vec![probe(Component::Cache, Err("away"))]).now().await;
        let told = |before: Option<&Examination>, now: &Examination| news(before, now).len();

        assert_eq!((told(None, &well), told(Some(&well), &well)), (0, 0));
        assert_eq!((told(None, &away), told(Some(&well), &away)), (1, 1));
        assert_eq!((told(Some(&away), &away), told(Some(&away), &well)), (0, 1));
    }

    #[tokio::test]
    async fn who_comes_together_has_one_answer_and_a_new_look_is_new() {
        let looks = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&looks);
        let probe = Probe::new(Component::Cache, move || {
            counted.fetch_add(1, Ordering::Relaxed);
            async { Ok::<_, String>(()) }
        });
        let examiner = Examiner::new(vec![probe]);

        join_all((0..50).map(|_| examiner.lately())).await;
        let together = looks.load(Ordering::Relaxed);
        examiner.now().await;

        assert!(together < 50, "{together}");
        assert_eq!(looks.load(Ordering::Relaxed), together + 1);
    }
}
