//! Beginning an attempt to pay.

use crate::db::{DbError, Tx};
use crate::payment::attempt::{NewPayment, Payment};
use crate::payment::error::PaymentError;
use crate::payment::service::{LEASE, Payments};
use crate::payment::state::PaymentState;
use entity::payment::{Column, Entity, Model};
use sea_orm::sea_query::{Expr, Query};
use uuid::Uuid;

impl Payments {
    /// Writes an attempt, as being authorized by whoever calls: others leave it alone for half a
    /// minute. To be committed before the provider is asked.
    ///
    /// # Errors
    /// [`PaymentError::InProgress`] when another attempt to pay for the order is undecided or holds
    /// money.
    pub async fn open_in_txn(&self, tx: &Tx, new: &NewPayment) -> Result<Payment, PaymentError> {
        let db = tx.db();
        let mut insert = Query::insert();
        insert
            .into_table(Entity)
            .columns([
                Column::Id,
                Column::OrderId,
                Column::OrderNumber,
                Column::Provider,
                Column::Method,
                Column::Currency,
                Column::Amount,
                Column::CaptureAtOnce,
                Column::State,
                Column::LeaseUntil,
                Column::CreatedAt,
                Column::UpdatedAt,
            ])
            .values_panic([
                Expr::value(Uuid::now_v7()),
                Expr::value(new.order_id),
                Expr::value(new.order_number.as_str()),
                Expr::value(new.provider.as_str()),
                Expr::value(new.method.as_str()),
                Expr::value(new.amount.currency.code()),
                Expr::value(new.amount.minor),
                Expr::value(new.capture),
                Expr::value(PaymentState::Authorizing.name()),
                db.now_plus_sql(LEASE),
                db.now_sql(),
                db.now_sql(),
            ])
            .returning(Query::returning().all());
        let row: Option<Model> = tx.one(&insert).await.map_err(in_progress)?;
        row.ok_or_else(|| PaymentError::fault("a payment was not written"))?.try_into()
    }
}

fn in_progress(error: DbError) -> PaymentError {
    if error.violates("payment_open_key", "payment.order_id") {
        PaymentError::InProgress
    } else {
        error.into()
    }
}
