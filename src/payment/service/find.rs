//! Reading payments.

use crate::auth::{Permission, Viewer};
use crate::db::Tx;
use crate::db::keys::among;
use crate::payment::attempt::Payment;
use crate::payment::error::PaymentError;
use crate::payment::service::{Payments, row, select_payments};
use crate::payment::state::PaymentState;
use entity::payment::{Column, Entity, Model};
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};
use std::collections::HashMap;
use uuid::Uuid;

impl Payments {
    /// Payments by key: of the viewer's own orders, and of all orders for those who may see every
    /// payment. Others are not there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_many(
        &self,
        viewer: &Viewer,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Payment>, PaymentError> {
        let mut select = select_payments();
        select.and_where(among(Expr::col((Entity, Column::Id)), ids));
        if !viewer.can(Permission::PaymentRead) {
            let Some(customer) = viewer.user_id() else { return Ok(HashMap::new()) };
            let mut own = Query::select();
            own.column("id").from("shop_order").and_where(Expr::col("customer_id").eq(customer));
            select.and_where(Expr::col((Entity, Column::OrderId)).in_subquery(own));
        }
        let rows: Vec<Model> = self.db.all(&select).await?;
        Ok(row::payments(rows)?.into_iter().map(|payment| (payment.id, payment)).collect())
    }

    /// The payments of orders, the first attempt first; for orders that the caller was found to be
    /// allowed to see.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn of_orders(
        &self,
        orders: &[Uuid],
    ) -> Result<HashMap<Uuid, Vec<Payment>>, PaymentError> {
        let mut select = select_payments();
        select
            .and_where(among(Expr::col((Entity, Column::OrderId)), orders))
            .order_by(Column::Id, Order::Asc);
        let rows: Vec<Model> = self.db.all(&select).await?;
        let mut found: HashMap<Uuid, Vec<Payment>> = HashMap::new();
        for payment in row::payments(rows)? {
            found.entry(payment.order_id).or_default().push(payment);
        }
        Ok(found)
    }

    /// A payment as it is now, whoever asks: for the server's own work.
    ///
    /// # Errors
    /// [`PaymentError::NotFound`] when there is none.
    pub async fn get(&self, id: Uuid) -> Result<Payment, PaymentError> {
        let mut select = select_payments();
        select.and_where(Expr::col((Entity, Column::Id)).eq(id));
        let row: Option<Model> = self.db.one(&select).await?;
        row.ok_or(PaymentError::NotFound)?.try_into()
    }

    /// Whether an attempt to pay an order is undecided or holds money.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn has_open(&self, order_id: Uuid) -> Result<bool, PaymentError> {
        let row: Option<Model> = self.db.one(&select_open(order_id)).await?;
        Ok(row.is_some())
    }

    /// Whether an attempt to pay an order that is over is to be asked about, because the provider
    /// was heard to hold money of it. The caller has locked the order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn may_hold_money_in_txn(
        &self,
        tx: &Tx,
        order_id: Uuid,
    ) -> Result<bool, PaymentError> {
        let over = PaymentState::ALL.into_iter().filter(|state| state.is_over());
        let over: Vec<&str> = over.map(PaymentState::name).collect();
        let mut select = select_payments();
        select
            .and_where(Expr::col((Entity, Column::OrderId)).eq(order_id))
            .and_where(Expr::col((Entity, Column::State)).is_in(over))
            .and_where(Expr::col((Entity, Column::LeaseUntil)).is_not_null())
            .limit(1);
        let row: Option<Model> = tx.one(&select).await?;
        Ok(row.is_some())
    }

    /// The attempt to pay an order that is undecided or holds money, if there is one; at most one
    /// is. The caller has locked the order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_of_order_in_txn(
        &self,
        tx: &Tx,
        order_id: Uuid,
    ) -> Result<Option<Payment>, PaymentError> {
        let row: Option<Model> = tx.one(&select_open(order_id)).await?;
        row.map(Payment::try_from).transpose()
    }
}

fn select_open(order_id: Uuid) -> SelectStatement {
    let closed: Vec<&str> =
        PaymentState::ALL.into_iter().filter(|it| !it.is_open()).map(PaymentState::name).collect();
    let mut select = select_payments();
    select
        .and_where(Expr::col((Entity, Column::OrderId)).eq(order_id))
        .and_where(Expr::col((Entity, Column::State)).is_not_in(closed));
    select
}
