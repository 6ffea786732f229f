//! The rules of orders and their SQL. The whole way of an order is told here in four steps, each a
//! file: `place` writes it, `drive` has it paid, `settle` writes what came of that, `expire` ends
//! what nobody paid.

mod asked;
mod at_once;
mod cancel;
mod capture;
mod complete;
mod drive;
mod enter;
mod enter_purchase;
mod expire;
mod find;
mod fulfill;
mod fulfillments;
mod hear;
mod keyed;
mod list;
mod pay;
mod personal;
mod pieces;
mod place;
mod purchase;
mod record;
mod refund;
mod release;
mod settle;
mod stats;
mod take_back;
mod till;
mod ware;
mod watch;
mod write;

use crate::cart::Carts;
use crate::db::{Db, Tx};
use crate::events::Bus;
use crate::flash_sale::FlashSales;
use crate::order::{Order, OrderError};
use crate::payment::Payments;
use crate::stock::Stock;
use chrono::TimeDelta;
use entity::shop_order::{Column, Entity, Model};
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, Query, SelectStatement};
use std::time::Duration;
use uuid::Uuid;

/// How orders are dealt with.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// Whether the money is taken at the checkout, or when the goods leave.
    pub capture_at_checkout: bool,
    /// How long stock is held for an order that is not paid.
    pub hold: TimeDelta,
    /// How long a repetition waits for the first use of its key.
    pub patience: Duration,
}

/// The orders of the shop; cheap to clone.
#[derive(Clone)]
pub struct Orders {
    db: Db,
    carts: Carts,
    stock: Stock,
    flash_sales: FlashSales,
    payments: Payments,
    bus: Bus,
    policy: Policy,
}

impl Orders {
    /// Orders in this database, made of these carts, served from this stock, paid by these payments.
    #[must_use]
    pub fn new(
        db: Db,
        (carts, stock, flash_sales, payments): (Carts, Stock, FlashSales, Payments),
        bus: Bus,
        policy: Policy,
    ) -> Self {
        Self { db, carts, stock, flash_sales, payments, bus, policy }
    }
}

/// Whole orders, to be restricted further.
fn select_orders() -> SelectStatement {
    let mut select = Query::select();
    select.column((Entity, Asterisk)).from(Entity);
    select
}

fn orders(rows: Vec<Model>) -> Result<Vec<Order>, OrderError> {
    rows.into_iter().map(|row| Order::try_from(row).map_err(OrderError::fault)).collect()
}

/// Locks an order until the transaction ends, whoever asks: for the server's own work.
async fn lock_in_txn(tx: &Tx, order_id: Uuid) -> Result<Option<Order>, OrderError> {
    let mut select = select_orders();
    select.and_where(Expr::col((Entity, Column::Id)).eq(order_id)).lock_exclusive();
    let row: Option<Model> = tx.one(&select).await?;
    row.map(|row| Order::try_from(row).map_err(OrderError::fault)).transpose()
}
