//! Payments of long ago that somebody has yet to find out about.

use crate::payment::error::PaymentError;
use crate::payment::service::Payments;
use crate::payment::state::PaymentState;
use chrono::TimeDelta;
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use std::collections::HashSet;
use uuid::Uuid;

#[derive(FromQueryResult)]
struct Row {
    payment_id: Uuid,
}

impl Payments {
    /// The payments that began so long ago and are not decided, or have a refund that is not: what
    /// was asked of their providers may be asked again, under the same keys. There are few.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unsettled(&self, age: TimeDelta) -> Result<HashSet<Uuid>, PaymentError> {
        use entity::{payment, refund};
        let mut payments = Query::select();
        payments
            .expr_as(Expr::col(payment::Column::Id), "payment_id")
            .from(payment::Entity)
            .and_where(
                Expr::col(payment::Column::LeaseUntil)
                    .is_not_null()
                    .or(Expr::col(payment::Column::State).eq(PaymentState::ManualReview.name())),
            )
            .and_where(Expr::col(payment::Column::CreatedAt).lt(self.db.now_plus_sql(-age)));
        let mut refunds = Query::select();
        refunds
            .column(refund::Column::PaymentId)
            .from(refund::Entity)
            .and_where(Expr::col(refund::Column::LeaseUntil).is_not_null())
            .and_where(Expr::col(refund::Column::CreatedAt).lt(self.db.now_plus_sql(-age)));
        let mut found: Vec<Row> = self.db.all(&payments).await?;
        found.extend(self.db.all::<Row>(&refunds).await?);
        Ok(found.into_iter().map(|row| row.payment_id).collect())
    }
}
