//! Ending a sale before its time.

use crate::audit::{AuditAction, AuditSubject, NewAuditEvent, record_in_txn};
use crate::auth::{Permission, Viewer};
use crate::db::Tx;
use crate::flash_sale::service::FlashSales;
use crate::flash_sale::service::set::{lock_sale_in_txn, told};
use crate::flash_sale::{EndFlashSale, FlashSaleError, FlashSaleStatus};
use entity::flash_sale::{Column, Entity};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use uuid::Uuid;

/// What became of a sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It ran, and is over.
    Over,
    /// It had not begun and is gone.
    Gone,
}

impl FlashSales {
    /// Ends a sale that runs at once; one that has not begun is taken back. What orders have of it
    /// stays theirs. Staff only.
    ///
    /// # Errors
    /// [`FlashSaleError::Invalid`] when there is none or it is over,
    /// [`FlashSaleError::VersionConflict`].
    pub async fn end(&self, viewer: &Viewer, ask: &EndFlashSale) -> Result<Ended, FlashSaleError> {
        viewer.may(Permission::CatalogWrite)?;
        let ending = self.db.tx(|tx| {
            let (sales, ask) = (self.clone(), ask.clone());
            let (viewer, by) = (*viewer, viewer.scope());
            async move {
                let (ended, variant_id) = end_in_txn(&tx, &viewer, &ask).await?;
                sales.tell_in_txn(&tx, variant_id);
                let id = ask.id;
                tx.after_commit(move || tracing::info!(by, sale = %id, "a flash sale was ended"));
                Ok::<_, FlashSaleError>(ended)
            }
        });
        ending.await
    }
}

/// What became of it, and its variant.
async fn end_in_txn(
    tx: &Tx,
    viewer: &Viewer,
    ask: &EndFlashSale,
) -> Result<(Ended, Uuid), FlashSaleError> {
    let sale = lock_sale_in_txn(tx, ask.id, ask.expected_version).await?;
    let ended = NewAuditEvent::new(AuditAction::FlashSaleEnded, AuditSubject::FlashSale(ask.id));
    record_in_txn(tx, viewer, ended.old_value(told(&sale))).await?;
    // When a sale began stays as it is: nothing refers to one that has not.
    if sale.status == FlashSaleStatus::Scheduled {
        let mut delete = Query::delete();
        delete.from_table(Entity).and_where(Expr::col(Column::Id).eq(ask.id));
        tx.run(&delete).await?;
        return Ok((Ended::Gone, sale.variant_id));
    }
    let mut update = Query::update();
    update
        .table(Entity)
        .value(Column::EndsAt, tx.db().now_sql())
        .value(Column::Version, Expr::col(Column::Version).add(1))
        .value(Column::UpdatedAt, tx.db().now_sql())
        .and_where(Expr::col(Column::Id).eq(ask.id));
    tx.run(&update).await?;
    Ok((Ended::Over, sale.variant_id))
}
