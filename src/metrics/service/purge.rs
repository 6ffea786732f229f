//! Forgetting figures that are old.

use crate::db::Tx;
use crate::metrics::MetricsError;
use crate::metrics::service::{Metrics, Resolution};
use chrono::TimeDelta;
use entity::metric_bucket::{Column, Entity};
use entity::metric_flush;
use sea_orm::sea_query::{Expr, ExprTrait, Query};

/// Rows that one transaction forgets at most.
const AT_ONCE: u64 = 5_000;
/// A process that wrote nothing for so long is gone.
const GONE: TimeDelta = TimeDelta::days(2);

impl Metrics {
    /// Forgets the figures that are older than they are kept; tells how many.
    ///
    /// # Errors
    /// When the database fails; what was forgotten before is gone.
    pub async fn purge(&self) -> Result<u64, MetricsError> {
        self.db.tx(|tx| async move { forget_the_gone_in_txn(&tx).await }).await?;
        let minutes = self.purge_one(Resolution::Minute, self.retention.minutes).await?;
        Ok(minutes + self.purge_one(Resolution::Hour, self.retention.hours).await?)
    }

    async fn purge_one(
        &self,
        resolution: Resolution,
        kept: TimeDelta,
    ) -> Result<u64, MetricsError> {
        let mut all = 0;
        loop {
            let deleting =
                self.db.tx(|tx| async move { delete_in_txn(&tx, resolution, kept).await });
            let deleted = deleting.await?;
            all += deleted;
            if deleted < AT_ONCE {
                return Ok(all);
            }
        }
    }
}

/// Forgets what processes had written that are gone. One that is not, and wrote nothing for so long,
/// has nothing that it would have to repeat.
async fn forget_the_gone_in_txn(tx: &Tx) -> Result<(), MetricsError> {
    let mut delete = Query::delete();
    delete
        .from_table(metric_flush::Entity)
        .and_where(Expr::col(metric_flush::Column::WrittenAt).lt(tx.db().now_plus_sql(-GONE)));
    tx.run(&delete).await?;
    Ok(())
}

async fn delete_in_txn(
    tx: &Tx,
    resolution: Resolution,
    kept: TimeDelta,
) -> Result<u64, MetricsError> {
    const KEY: [Column; 3] = [Column::Resolution, Column::StartsAt, Column::Metric];
    let mut old = Query::select();
    old.columns(KEY)
        .from(Entity)
        .and_where(Expr::col(Column::Resolution).eq(resolution.name()))
        .and_where(Expr::col(Column::StartsAt).lt(tx.db().now_plus_sql(-kept)))
        .limit(AT_ONCE);
    let key = Expr::tuple(KEY.map(Expr::col));
    let mut delete = Query::delete();
    delete.from_table(Entity).and_where(key.in_subquery(old));
    Ok(tx.run(&delete).await?)
}
