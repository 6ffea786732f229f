//! Circuits that are not closed: each process tells its own with its figures, for as long as it is
//! so. Whoever is not heard of any more has none.

use crate::db::Tx;
use crate::metrics::service::Metrics;
use crate::metrics::{Circuit, CircuitState, MetricsError};
use chrono::TimeDelta;
use entity::metric_circuit::{Column, Entity, Model};
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, Query};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Who has not told for so long is gone: a few times the pause between two flushes.
const GONE_AFTER: TimeDelta = TimeDelta::seconds(20);

impl Metrics {
    /// The circuit of each provider, as this process knows it.
    #[must_use]
    pub fn own_circuits(&self) -> Vec<Circuit> {
        (self.circuits)()
    }

    /// The circuit of each provider that a process has; of several processes' the worst. Closed
    /// ones are told as this process knows them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn circuits(&self) -> Result<Vec<Circuit>, MetricsError> {
        let mut select = Query::select();
        select
            .column(Asterisk)
            .from(Entity)
            // This process knows its own better.
            .and_where(Expr::col(Column::Process).ne(self.own.process))
            .and_where(Expr::col(Column::SeenAt).gt(self.db.now_plus_sql(-GONE_AFTER)));
        let rows: Vec<Model> = self.db.all(&select).await?;
        let others = rows.into_iter().filter_map(|row| {
            let state = CircuitState::from_name(&row.state)?;
            Some(Circuit { provider: row.provider, state })
        });
        let mut worst: BTreeMap<String, CircuitState> = BTreeMap::new();
        for Circuit { provider, state } in (self.circuits)().into_iter().chain(others) {
            let known = worst.entry(provider).or_insert(state);
            *known = Ord::max(*known, state);
        }
        Ok(worst.into_iter().map(|(provider, state)| Circuit { provider, state }).collect())
    }

    /// Those of this process that are not closed. None: others need not be told.
    pub(super) fn circuits_to_tell(&self) -> Option<Arc<[Circuit]>> {
        let mut open = (self.circuits)();
        open.retain(|circuit| circuit.state != CircuitState::Closed);
        open.sort();
        let told = self.own.told_circuits.load(Ordering::Relaxed);
        (told || !open.is_empty()).then(|| open.into())
    }

    pub(super) async fn tell_circuits_in_txn(
        &self,
        tx: &Tx,
        open: &[Circuit],
    ) -> Result<(), MetricsError> {
        let mut forget = Query::delete();
        let gone = Expr::col(Column::SeenAt).lt(tx.db().now_plus_sql(-GONE_AFTER * 3));
        forget
            .from_table(Entity)
            .and_where(Expr::col(Column::Process).eq(self.own.process).or(gone));
        tx.run(&forget).await?;
        if !open.is_empty() {
            let mut insert = Query::insert();
            insert.into_table(Entity).columns([
                Column::Process,
                Column::Provider,
                Column::State,
                Column::SeenAt,
            ]);
            for Circuit { provider, state } in open {
                insert.values_panic([
                    Expr::value(self.own.process),
                    Expr::value(provider.as_str()),
                    Expr::value(state.name()),
                    tx.db().now_sql(),
                ]);
            }
            tx.run(&insert).await?;
        }
        let (own, told) = (Arc::clone(&self.own), !open.is_empty());
        tx.after_commit(move || own.told_circuits.store(told, Ordering::Relaxed));
        Ok(())
    }
}
