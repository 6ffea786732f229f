//! What else has to do with a variant, and keeps it from being deleted.

use crate::catalog::CatalogError;
use crate::catalog::service::Catalog;
use crate::db::keys::among;
use crate::db::{DbError, Tx};
use entity::{cart_line, order_line};
use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Expr, Query, UnionType};
use uuid::Uuid;

impl Catalog {
    /// Whether movements, reservations, carts or orders refer to one of these variants: they can be
    /// archived, not deleted.
    pub(super) async fn is_referred_to_in_txn(
        &self,
        tx: &Tx,
        variants: &[Uuid],
    ) -> Result<bool, CatalogError> {
        if !self.stock.referenced_in_txn(tx, variants).await?.is_empty() {
            return Ok(true);
        }
        let mut in_carts = Query::select();
        in_carts
            .column(cart_line::Column::Id)
            .from(cart_line::Entity)
            .and_where(among(Expr::col(cart_line::Column::VariantId), variants));
        let mut in_orders = Query::select();
        in_orders
            .column(order_line::Column::Id)
            .from(order_line::Entity)
            .and_where(among(Expr::col(order_line::Column::VariantId), variants));
        let mut lines = in_carts.union(UnionType::All, in_orders).take();
        lines.limit(1);
        let line = tx.connection().query_one(&lines).await.map_err(DbError::from)?;
        Ok(line.is_some())
    }
}
