//! Purchases that staff enter. Here a cost in the input is right: the shop is the buyer.

use crate::auth::{Permission, Viewer};
use crate::cart::{MAX_LINE_TOTAL, MAX_TOTAL, PricedLine, Quote};
use crate::db::Tx;
use crate::idempotency::{Claim, IdempotencyKey};
use crate::order::entry::Supplier;
use crate::order::goods::at;
use crate::order::service::keyed::bind;
use crate::order::service::take_back::is_warehouse_in_txn;
use crate::order::service::ware::{Wanted, wanted_in_txn};
use crate::order::service::write::insert_lines_in_txn;
use crate::order::service::{Orders, lock_in_txn};
use crate::order::{EnterPurchase, EventKind, Order, OrderError, OrderKind, OrderStatus, number};
use crate::validation::{Problem, ProblemKind};
use entity::shop_order::{Column, Entity, Model};
use entity::warehouse;
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use std::sync::Arc;
use uuid::Uuid;

/// A purchase that is ready to be written.
struct Ready {
    viewer: Viewer,
    ask: EnterPurchase,
    supplier: Supplier,
    key: Option<IdempotencyKey>,
}

#[derive(FromQueryResult)]
struct Key {
    id: Uuid,
}

impl Orders {
    /// Writes what the shop orders from a supplier, as a draft or as ordered; tells whether it was
    /// done before, under the same key.
    ///
    /// # Errors
    /// [`OrderError::Invalid`]: then nothing happened.
    pub async fn enter_purchase(
        &self,
        viewer: &Viewer,
        ask: EnterPurchase,
    ) -> Result<(Order, bool), OrderError> {
        viewer.may(Permission::OrderWrite)?;
        let supplier = ask.supplier().map_err(OrderError::Invalid)?;
        let key = bind(viewer, "orderCreate", ask.idempotency_key.as_deref(), &ask)?;
        let ready = Arc::new(Ready { viewer: *viewer, ask, supplier, key });
        let writing = self.db.tx(|tx| {
            let (orders, ready) = (self.clone(), Arc::clone(&ready));
            async move {
                if let Some(key) = &ready.key
                    && let Claim::Earlier(earlier) = key.claim_in_txn::<Uuid>(&tx).await?
                {
                    let order = lock_in_txn(&tx, earlier).await?;
                    return Ok((order.ok_or_else(OrderError::not_found)?, true));
                }
                Ok((orders.write_purchase_in_txn(&tx, &ready).await?, false))
            }
        });
        writing.await
    }

    async fn write_purchase_in_txn(&self, tx: &Tx, ready: &Ready) -> Result<Order, OrderError> {
        let Ready { viewer, ask, supplier, key } = ready;
        let warehouse_id = warehouse_in_txn(tx, ask.warehouse_id).await?;
        let wanted = wanted_in_txn(tx, &ask.lines).await?;
        let quote = cost(ask, &wanted)?;
        let order = insert_in_txn(tx, supplier, warehouse_id, &quote).await?;
        insert_lines_in_txn(tx, order.id, &quote)?;
        self.note_in_txn(tx, &order, (EventKind::Placed, None, None), viewer);
        if let Some(key) = key {
            key.record_in_txn(tx, &order.id).await?;
        }
        if ask.place { self.place_in_txn(tx, viewer, &order).await } else { Ok(order) }
    }
}

async fn warehouse_in_txn(tx: &Tx, named: Option<Uuid>) -> Result<Uuid, OrderError> {
    if let Some(id) = named {
        if is_warehouse_in_txn(tx, id).await? {
            return Ok(id);
        }
        let message = "There is no warehouse with this id.";
        return Err(Problem::new(ProblemKind::NotFound, ["warehouseId"], message).into());
    }
    let mut select = Query::select();
    select
        .column(warehouse::Column::Id)
        .from(warehouse::Entity)
        .and_where(Expr::col(warehouse::Column::IsDefault).eq(true));
    let row: Option<Key> = tx.one(&select).await?;
    row.map(|row| row.id).ok_or_else(|| OrderError::fault("there is no default warehouse"))
}

/// What the lines cost; what no cost was told for costs nothing so far.
fn cost(ask: &EnterPurchase, wanted: &[Wanted]) -> Result<Quote, OrderError> {
    let mut problems = Vec::new();
    let mut subtotal: i64 = 0;
    let mut lines = Vec::with_capacity(wanted.len());
    for one in wanted {
        let unit_price = one.unit_cost.map_or(0, |cost| cost.minor);
        let total = unit_price.checked_mul(one.quantity).filter(|it| *it <= MAX_LINE_TOTAL);
        let Some(line_total) = total else {
            let message = "This line comes to more than a line may.";
            problems.push(at(one.index, "quantity", ProblemKind::OutOfRange, message));
            continue;
        };
        subtotal = subtotal.saturating_add(line_total);
        lines.push(PricedLine {
            line_id: None,
            variant_id: one.ware.id,
            sku: one.ware.sku.clone(),
            product_name: one.ware.product_name.clone(),
            variant_name: one.ware.name.clone(),
            options: one.ware.options(),
            quantity: one.quantity,
            unit_price,
            line_total,
            tax_rate_ppm: 0,
            tax: 0,
            flash_sale: None,
        });
    }
    if subtotal > MAX_TOTAL {
        let message = "All of it comes to more than an order may.";
        problems.push(Problem::new(ProblemKind::OutOfRange, ["lines"], message));
    }
    if !problems.is_empty() {
        return Err(OrderError::Invalid(problems));
    }
    Ok(Quote {
        currency: ask.currency,
        lines,
        destination: None,
        shipping_method: None,
        shipping_methods: Vec::new(),
        tax_rate: None,
        subtotal,
        shipping_total: 0,
        shipping_tax: 0,
        tax_total: 0,
        total: subtotal,
        problems: Vec::new(),
        sold_out: Vec::new(),
    })
}

async fn insert_in_txn(
    tx: &Tx,
    supplier: &Supplier,
    warehouse_id: Uuid,
    quote: &Quote,
) -> Result<Order, OrderError> {
    use Column as C;
    let email = supplier.email.as_ref();
    let mut insert = Query::insert();
    insert
        .into_table(Entity)
        .columns([
            C::Id,
            C::Number,
            C::Kind,
            C::Status,
            C::Email,
            C::EmailKey,
            C::Currency,
            C::Subtotal,
            C::ShippingTotal,
            C::TaxTotal,
            C::Total,
            C::SupplierName,
            C::WarehouseId,
            C::CreatedAt,
            C::UpdatedAt,
        ])
        .values_panic([
            Expr::value(Uuid::now_v7()),
            Expr::value(number::random(OrderKind::Purchase)),
            Expr::value(OrderKind::Purchase.as_str()),
            Expr::value(OrderStatus::Draft.as_str()),
            Expr::value(email.map_or("", |email| email.address.as_str())),
            Expr::value(email.map_or("", |email| email.key.as_str())),
            Expr::value(quote.currency.code()),
            Expr::value(quote.subtotal),
            Expr::value(0_i64),
            Expr::value(0_i64),
            Expr::value(quote.total),
            Expr::value(supplier.name.as_str()),
            Expr::value(warehouse_id),
            tx.db().now_sql(),
            tx.db().now_sql(),
        ])
        .returning(Query::returning().all());
    let row: Option<Model> = tx.one(&insert).await?;
    let row = row.ok_or_else(|| OrderError::fault("a purchase was not written"))?;
    Order::try_from(row).map_err(OrderError::fault)
}
