//! What a guest has put into a cart goes into the customer's when they sign in.

use crate::auth::{Denied, Permission, Viewer};
use crate::cart::contents::Line;
use crate::cart::plan::plan_merge;
use crate::cart::service::create::set_currency_in_txn;
use crate::cart::service::deliver::write_in_txn;
use crate::cart::service::keyed::bind;
use crate::cart::service::lines::{carry_out_in_txn, remove_all_in_txn};
use crate::cart::service::lock::{lines_in_txn, select_carts};
use crate::cart::service::row::{COMPLETED, MERGED, OPEN, cart, column, is_open, is_usable_by};
use crate::cart::service::{Carts, Changed, Source};
use crate::cart::{Cart, CartError, LineWarning};
use crate::db::Tx;
use entity::cart::{Column, Model};
use sea_orm::sea_query::ExprTrait;
use uuid::Uuid;

/// What is to be done with a cart that somebody wants merged.
enum Mergeable {
    /// Its lines go into the customer's.
    Guests(Cart),
    /// Nothing: it is the customer's own, or was merged into that.
    Done(Uuid),
}

impl Carts {
    /// Puts the lines of a guest's cart into the open one of the account that asks, which is made
    /// when there is none. Asking again answers the same cart and adds nothing.
    ///
    /// # Errors
    /// [`CartError::NotFound`], [`CartError::Completed`].
    pub async fn merge(
        &self,
        viewer: &Viewer,
        cart_id: Uuid,
        idempotency_key: Option<&str>,
    ) -> Result<Changed, CartError> {
        viewer.may(Permission::CartOwn)?;
        let user_id = viewer.user_id().ok_or(Denied::Forbidden)?;
        let key = bind(viewer, cart_id, "cartMerge", idempotency_key, &())?;
        self.keyed(key, |tx| async move {
            match mergeable_in_txn(&tx, viewer, cart_id).await? {
                Mergeable::Done(own) => Ok((own, Vec::new())),
                Mergeable::Guests(guests) => self.merge_in_txn(&tx, &guests, user_id).await,
            }
        })
        .await
    }

    /// Always a guest's cart first, then the customer's: nobody waits in a circle.
    async fn merge_in_txn(
        &self,
        tx: &Tx,
        guests: &Cart,
        user_id: Uuid,
    ) -> Result<(Uuid, Vec<LineWarning>), CartError> {
        let mut own = self.own_in_txn(tx, user_id, guests.currency).await?;
        let own_lines = lines_in_txn(tx, own.id).await?;
        if own_lines.is_empty() && own.currency != guests.currency {
            own = set_currency_in_txn(tx, own, guests.currency).await?;
        }
        let guests_lines = lines_in_txn(tx, guests.id).await?;
        let variants = |lines: &[Line]| lines.iter().map(|line| line.variant_id).collect();
        let variants: Vec<Uuid> = variants(&guests_lines);
        let wares = self.wares_by_id(Source::Tx(tx), &variants).await?;
        let plan = plan_merge((&own_lines, own.currency), (&guests_lines, guests.currency), &wares);
        carry_out_in_txn(tx, own.id, &plan).await?;
        if own.destination.is_none() && guests.destination.is_some() {
            let method = own.shipping_method.as_ref().or(guests.shipping_method.as_ref());
            let method = method.map(String::as_str);
            write_in_txn(tx, own.id, guests.destination.as_ref(), method).await?;
        }
        remove_all_in_txn(tx, guests.id).await?;
        let mut end = self.update(tx, column(Column::Id).eq(guests.id));
        end.value(Column::Status, MERGED).value(Column::MergedInto, own.id);
        tx.run(&end).await?;
        Ok((own.id, plan.warnings))
    }
}

/// The cart that is to be merged, locked.
async fn mergeable_in_txn(tx: &Tx, viewer: &Viewer, cart_id: Uuid) -> Result<Mergeable, CartError> {
    let mut select = select_carts(column(Column::Id).eq(cart_id));
    let is_there = is_open(tx.db()).or(column(Column::Status).ne(OPEN));
    select.and_where(is_usable_by(viewer)).and_where(is_there).lock_exclusive();
    let found: Option<Model> = tx.one(&select).await?;
    let found = found.ok_or(CartError::NotFound)?;
    match found.status.as_str() {
        COMPLETED => Err(CartError::Completed),
        MERGED => merged_in_txn(tx, viewer, found.merged_into).await,
        OPEN if found.customer_id.is_some() => Ok(Mergeable::Done(found.id)),
        OPEN => Ok(Mergeable::Guests(cart(found)?)),
        _ => Err(CartError::NotFound),
    }
}

/// Where a merged cart went, if that is the viewer's.
async fn merged_in_txn(
    tx: &Tx,
    viewer: &Viewer,
    into: Option<Uuid>,
) -> Result<Mergeable, CartError> {
    let own = viewer.user_id().ok_or(Denied::Forbidden)?;
    let mut select = select_carts(column(Column::Id).eq(into));
    select.and_where(column(Column::CustomerId).eq(own));
    let into: Option<Model> = tx.one(&select).await?;
    match into {
        Some(into) if into.status == OPEN => Ok(Mergeable::Done(into.id)),
        Some(into) if into.status == COMPLETED => Err(CartError::Completed),
        _ => Err(CartError::NotFound),
    }
}
