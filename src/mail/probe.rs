//! What is known of the mail server's health, so that probes do not connect to it each time.

use crate::mail::MailError;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// How long a finding is good. One that is bad is looked into sooner.
const GOOD_FOR: Duration = Duration::from_secs(30);
const BAD_FOR: Duration = Duration::from_secs(3);

type Finding = Result<(), MailError>;

/// The last finding; the next one is made in the background while the last still counts.
#[derive(Default)]
pub(crate) struct Probe {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    last: Option<(Instant, Finding)>,
    /// Hears the finding of the question that is under way.
    asking: Option<watch::Receiver<Option<Finding>>>,
}

impl Probe {
    /// The last finding, or the first one once it is made. Asks when the last is old.
    pub(crate) async fn finding<Fut>(&self, ask: impl FnOnce() -> Fut) -> Finding
    where
        Fut: Future<Output = Finding> + Send + 'static,
    {
        let mut heard = match self.last_or_next(ask) {
            Ok(last) => return last,
            Err(heard) => heard,
        };
        match heard.wait_for(Option::is_some).await {
            Ok(found) => found.clone().unwrap_or(Ok(())),
            Err(_) => Err(MailError::Unavailable("nobody could ask".to_owned())),
        }
    }

    /// What is known, or who will know.
    fn last_or_next<Fut>(
        &self,
        ask: impl FnOnce() -> Fut,
    ) -> Result<Finding, watch::Receiver<Option<Finding>>>
    where
        Fut: Future<Output = Finding> + Send + 'static,
    {
        let mut state = self.state.lock();
        let last = state.last.clone();
        let fresh = last.as_ref().is_some_and(|(at, finding)| {
            at.elapsed() < if finding.is_ok() { GOOD_FOR } else { BAD_FOR }
        });
        if !fresh && state.asking.is_none() {
            let (tell, hear) = watch::channel(None);
            let (asking, shared) = (ask(), Arc::clone(&self.state));
            tokio::spawn(async move {
                let found = asking.await;
                let mut state = shared.lock();
                state.last = Some((Instant::now(), found.clone()));
                state.asking = None;
                tell.send_replace(Some(found));
            });
            state.asking = Some(hear);
        }
        match (last, &state.asking) {
            (Some((_, finding)), _) => Ok(finding),
            (None, Some(hear)) => Err(hear.clone()),
            (None, None) => Ok(Ok(())),
        }
    }
}
