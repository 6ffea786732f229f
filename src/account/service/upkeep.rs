//! What is done in the background: forgetting what is past, and folding names anew.

use crate::account::service::link;
use crate::account::{AccountError, Accounts};
use crate::db::{DbError, Tx};
use crate::text::name_key;
use entity::user_account::{Column, Entity};
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};
use uuid::Uuid;

/// Names that one transaction looks at.
const FOLDED_AT_ONCE: u64 = 500;

#[derive(FromQueryResult)]
struct Named {
    id: Uuid,
    name: String,
    name_key: String,
}

impl Accounts {
    /// Deletes counters and links that are past; tells how many.
    ///
    /// # Errors
    /// [`DbError`] when the database refuses.
    pub async fn purge(&self) -> Result<u64, DbError> {
        let tries = self.throttle.purge().await?;
        Ok(tries.saturating_add(link::purge(&self.db).await?))
    }

    /// Folds the names of all accounts as new ones are folded, a batch at a time; tells how many
    /// were folded otherwise.
    ///
    /// # Errors
    /// When the database fails; the batches before are done, and doing it again is harmless.
    pub async fn fold_names(&self) -> Result<u64, AccountError> {
        let (mut all, mut after) = (0_u64, None);
        loop {
            let select = &names(after);
            let (folded, last) =
                self.db.tx(|tx| async move { fold_in_txn(&tx, select).await }).await?;
            all = all.saturating_add(folded);
            match last {
                Some(last) => after = Some(last),
                None => return Ok(all),
            }
        }
    }
}

/// Folds a batch; tells how many were folded otherwise, and the last account that was looked at.
async fn fold_in_txn(tx: &Tx, select: &SelectStatement) -> Result<(u64, Option<Uuid>), DbError> {
    let batch: Vec<Named> = tx.all(select).await?;
    let mut folded = 0;
    for account in &batch {
        let key = name_key(&account.name);
        if key == account.name_key {
            continue;
        }
        let mut update = Query::update();
        update
            .table(Entity)
            .value(Column::NameKey, key)
            .and_where(Expr::col(Column::Id).eq(account.id))
            // Whoever renames it meanwhile folds the new name.
            .and_where(Expr::col(Column::Name).eq(account.name.as_str()));
        folded += tx.run(&update).await?;
    }
    Ok((folded, batch.last().map(|account| account.id)))
}

fn names(after: Option<Uuid>) -> SelectStatement {
    let mut select = Query::select();
    select
        .columns([Column::Id, Column::Name, Column::NameKey])
        .from(Entity)
        .and_where_option(after.map(|id| Expr::col(Column::Id).gt(id)))
        .order_by(Column::Id, Order::Asc)
        .limit(FOLDED_AT_ONCE);
    select
}
