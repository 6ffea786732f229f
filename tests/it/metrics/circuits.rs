//! Circuits as all processes tell of them.

use crate::app::TestApp;
use chrono::TimeDelta;
use parking_lot::Mutex;
use std::sync::Arc;
use stockroom::metrics::{Circuit, CircuitState, Metrics, Retention};

/// A process whose circuit the test sets.
struct Process {
    metrics: Metrics,
    state: Arc<Mutex<CircuitState>>,
}

impl Process {
    fn on(app: &TestApp) -> Self {
        let state = Arc::new(Mutex::new(CircuitState::Closed));
        let source = {
            let state = Arc::clone(&state);
            Arc::new(move || vec![Circuit { provider: "sandbox".to_owned(), state: *state.lock() }])
        };
        let retention = Retention { minutes: TimeDelta::hours(48), hours: TimeDelta::days(90) };
        let metrics = Metrics::new(app.app.db.clone(), app.app.bus.clone(), source, retention);
        Self { metrics, state }
    }

    async fn becomes(&self, state: CircuitState) {
        *self.state.lock() = state;
        self.metrics.flush().await.expect("the database answers");
    }

    async fn sees(&self) -> CircuitState {
        let circuits = self.metrics.circuits().await.expect("the database answers");
        let [circuit] = <[_; 1]>::try_from(circuits).expect("there is one provider");
        circuit.state
    }
}

#[tokio::test]
async fn the_worst_circuit_of_all_processes_is_told_until_it_is_closed() {
    let app = TestApp::start().await;
    let (one, other) = (Process::on(&app), Process::on(&app));
    assert_eq!(
        (one.sees().await, other.sees().await),
        (CircuitState::Closed, CircuitState::Closed)
    );

    one.becomes(CircuitState::Open).await;
    other.becomes(CircuitState::HalfOpen).await;
    assert_eq!((one.sees().await, other.sees().await), (CircuitState::Open, CircuitState::Open));

    one.becomes(CircuitState::Closed).await;
    assert_eq!(
        (one.sees().await, other.sees().await),
        (CircuitState::HalfOpen, CircuitState::HalfOpen)
    );
    other.becomes(CircuitState::Closed).await;
    assert_eq!(
        (one.sees().await, other.sees().await),
        (CircuitState::Closed, CircuitState::Closed)
    );
    assert_eq!(app.rows("metric_circuit", "1 = 1").await, 0);
}

#[tokio::test]
async fn a_process_that_is_not_heard_of_any_more_has_no_circuit() {
    let app = TestApp::start().await;
    let (one, other) = (Process::on(&app), Process::on(&app));
    one.becomes(CircuitState::Open).await;
    assert_eq!(other.sees().await, CircuitState::Open);

    app.waits(TimeDelta::seconds(21));

    assert_eq!(other.sees().await, CircuitState::Closed);
    // Who is there tells again with each flush.
    one.becomes(CircuitState::Open).await;
    assert_eq!(other.sees().await, CircuitState::Open);
}
