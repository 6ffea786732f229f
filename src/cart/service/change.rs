//! What is put into carts, set, and taken out again.

use crate::auth::{Permission, Viewer};
use crate::cart::plan::{check_lines, plan_add, plan_update};
use crate::cart::service::facts::storable;
use crate::cart::service::keyed::bind;
use crate::cart::service::lines::{carry_out_in_txn, remove_all_in_txn};
use crate::cart::service::lock::lines_in_txn;
use crate::cart::service::{Carts, Changed, Source};
use crate::cart::{Cart, CartError, LineWarning, NewLine};
use crate::db::Tx;
use uuid::Uuid;

impl Carts {
    /// Puts pieces into a cart. Whether there are enough of them is not asked here.
    ///
    /// # Errors
    /// [`CartError::Invalid`] with everything that is wrong, [`CartError::VersionConflict`].
    pub async fn add_lines(
        &self,
        viewer: &Viewer,
        cart_id: Uuid,
        lines: &[NewLine],
        expected_version: Option<i64>,
        idempotency_key: Option<&str>,
    ) -> Result<Changed, CartError> {
        viewer.may(Permission::CartUse)?;
        let input = (lines, expected_version);
        let key = bind(viewer, cart_id, "cartLinesAdd", idempotency_key, &input)?;
        check_lines(lines, 1)?;
        self.keyed(key, |tx| async move {
            let cart = self.change_in_txn(&tx, viewer, cart_id, expected_version).await?;
            let warnings = self.add_in_txn(&tx, &cart, lines).await?;
            Ok((cart.id, warnings))
        })
        .await
    }

    /// Sets the quantities of lines; 0 takes one out.
    ///
    /// # Errors
    /// [`CartError::Invalid`] with everything that is wrong, [`CartError::VersionConflict`].
    pub async fn update_lines(
        &self,
        viewer: &Viewer,
        cart_id: Uuid,
        lines: &[NewLine],
        expected_version: Option<i64>,
        idempotency_key: Option<&str>,
    ) -> Result<Changed, CartError> {
        viewer.may(Permission::CartUse)?;
        let input = (lines, expected_version);
        let key = bind(viewer, cart_id, "cartLinesUpdate", idempotency_key, &input)?;
        check_lines(lines, 0)?;
        self.keyed(key, |tx| async move {
            let cart = self.change_in_txn(&tx, viewer, cart_id, expected_version).await?;
            let present = lines_in_txn(&tx, cart.id).await?;
            let variants: Vec<Uuid> = present.iter().map(|line| line.variant_id).collect();
            let wares = self.wares_by_id(Source::Tx(&tx), &variants).await?;
            let plan = plan_update(&present, &wares, lines, cart.currency)?;
            carry_out_in_txn(&tx, cart.id, &plan).await?;
            Ok((cart.id, plan.warnings))
        })
        .await
    }

    /// Takes everything out of a cart. Where it goes stays known.
    ///
    /// # Errors
    /// [`CartError::NotFound`], [`CartError::VersionConflict`].
    pub async fn clear(
        &self,
        viewer: &Viewer,
        cart_id: Uuid,
        expected_version: Option<i64>,
        idempotency_key: Option<&str>,
    ) -> Result<Changed, CartError> {
        viewer.may(Permission::CartUse)?;
        let key = bind(viewer, cart_id, "cartClear", idempotency_key, &expected_version)?;
        self.keyed(key, |tx| async move {
            let cart = self.change_in_txn(&tx, viewer, cart_id, expected_version).await?;
            remove_all_in_txn(&tx, cart.id).await?;
            Ok((cart.id, Vec::new()))
        })
        .await
    }

    /// Adds lines to a locked cart.
    pub(super) async fn add_in_txn(
        &self,
        tx: &Tx,
        cart: &Cart,
        lines: &[NewLine],
    ) -> Result<Vec<LineWarning>, CartError> {
        let present = lines_in_txn(tx, cart.id).await?;
        let skus = storable(lines.iter().map(|line| line.sku.as_str()));
        let wares = self.wares_by_sku(Source::Tx(tx), &skus).await?;
        let plan = plan_add(&present, &wares, lines, cart.currency)?;
        carry_out_in_txn(tx, cart.id, &plan).await?;
        Ok(plan.warnings)
    }
}
