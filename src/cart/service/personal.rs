//! What carts know of a person: told to them, and forgotten with their account.

use crate::cart::service::lock::{lines_of, select_carts};
use crate::cart::service::row::column;
use crate::cart::service::{Carts, Source};
use crate::db::{DbError, Timestamp, Tx};
use chrono::SecondsFormat;
use entity::cart::{Column, Entity, Model};
use entity::cart_line;
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query};
use serde_json::{Value, json};
use uuid::Uuid;

impl Carts {
    /// Everything that is kept of a customer's carts, for them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn export(&self, customer_id: Uuid) -> Result<Value, DbError> {
        let mut select = select_carts(column(Column::CustomerId).eq(customer_id));
        select.order_by(Column::CreatedAt, Order::Asc);
        let carts: Vec<Model> = self.db.all(&select).await?;
        let ids: Vec<Uuid> = carts.iter().map(|cart| cart.id).collect();
        let of_carts = Expr::col(cart_line::Column::CartId).is_in(ids);
        let lines = lines_of(Source::Db(&self.db), of_carts).await?;
        let variants: Vec<Uuid> = lines.iter().map(|line| line.variant_id).collect();
        let wares = self.wares_by_id(Source::Db(&self.db), &variants).await?;
        let of_line = |line: &cart_line::Model| {
            let sku = wares.get(&line.variant_id).map(|ware| ware.sku.clone());
            json!({ "sku": sku, "quantity": line.quantity, "addedAt": time(line.created_at) })
        };
        let of_cart = |cart: &Model| {
            let own = lines.iter().filter(|line| line.cart_id == cart.id);
            json!({
                "status": cart.status,
                "currency": cart.currency,
                "country": cart.country,
                "region": cart.region,
                "postalCode": cart.postal_code,
                "shippingMethod": cart.shipping_method,
                "lines": own.map(of_line).collect::<Value>(),
                "createdAt": time(cart.created_at),
                "updatedAt": time(cart.updated_at),
                "expiresAt": time(cart.expires_at),
            })
        };
        Ok(carts.iter().map(of_cart).collect())
    }

    /// Forgets a customer's carts, and those that were merged into them.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn erase_in_txn(&self, tx: &Tx, customer_id: Uuid) -> Result<(), DbError> {
        let mut own = Query::select();
        own.column(Column::Id)
            .from(Entity)
            .and_where(Expr::col(Column::CustomerId).eq(customer_id));
        let mut delete = Query::delete();
        delete.from_table(Entity).and_where(
            column(Column::CustomerId)
                .eq(customer_id)
                .or(column(Column::MergedInto).in_subquery(own)),
        );
        tx.run(&delete).await.map(drop)
    }
}

fn time(time: Timestamp) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
