//! Mutations on carts.

use crate::auth::Permission;
use crate::cart::graphql::input::{
    CartClearInput, CartCreateInput, CartDeliverySetInput, CartLinesAddInput, CartLinesUpdateInput,
    CartMergeInput, lines,
};
use crate::cart::graphql::payload::{
    CartClearPayload, CartCreatePayload, CartDeliverySetPayload, CartLinesAddPayload,
    CartLinesUpdatePayload, CartMergePayload, answer,
};
use crate::cart::graphql::{key, services};
use crate::graphql::{Auth, Fault};
use async_graphql::{Context, Object};

/// Mutations on carts.
#[derive(Default)]
pub struct CartMutation;

/// Mutations on carts. Those on one cart are carried out one after the other, whoever sends them, so
/// that nothing is lost; with `expectedVersion` they are refused when another one was faster.
#[Object]
impl CartMutation {
    /// Make a cart. Who is signed in and has an open one gets that, with the lines added to it; the
    /// currency of one with lines in it cannot be changed (CURRENCY_MISMATCH).
    #[graphql(directive = Auth::apply(Permission::CartUse))]
    async fn cart_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The cart; an empty one in the shop's currency when left out.")]
        input: Option<CartCreateInput>,
    ) -> Option<Result<CartCreatePayload, Fault>> {
        let (carts, viewer) = services(ctx);
        let mut input = input.unwrap_or_default();
        let idempotency_key = input.idempotency_key.take();
        let made = carts.create(viewer, &input.into(), idempotency_key.as_deref()).await;
        answer(ctx, made).await
    }

    /// Put things into a cart. Whether there are enough of them is told by the cart's `problems`. A
    /// SKU that is not sold (NOT_FOUND) or not in the cart's currency (CURRENCY_MISMATCH), or a line
    /// too many (LIMIT_REACHED, 100 at most), and nothing happens; a line stops at 999 pieces, with
    /// a warning.
    #[graphql(directive = Auth::apply(Permission::CartUse))]
    async fn cart_lines_add(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to put into which cart.")] input: CartLinesAddInput,
    ) -> Option<Result<CartLinesAddPayload, Fault>> {
        let (carts, viewer) = services(ctx);
        let (cart_id, new) = (key(&input.cart_id), lines(input.lines));
        let version = input.expected_version.map(|version| version.0);
        let idempotency_key = input.idempotency_key.as_deref();
        let added = carts.add_lines(viewer, cart_id, &new, version, idempotency_key).await;
        answer(ctx, added).await
    }

    /// Set the quantities of lines of a cart; 0 takes one out. Lowering and taking out always work,
    /// also when the variant is not sold any more; raising does not then (NOT_FOUND).
    #[graphql(directive = Auth::apply(Permission::CartUse))]
    async fn cart_lines_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which quantities in which cart.")] input: CartLinesUpdateInput,
    ) -> Option<Result<CartLinesUpdatePayload, Fault>> {
        let (carts, viewer) = services(ctx);
        let (cart_id, new) = (key(&input.cart_id), lines(input.lines));
        let version = input.expected_version.map(|version| version.0);
        let idempotency_key = input.idempotency_key.as_deref();
        let updated = carts.update_lines(viewer, cart_id, &new, version, idempotency_key).await;
        answer(ctx, updated).await
    }

    /// Say where the goods of a cart go and how, so that its total is the one that is charged.
    #[graphql(directive = Auth::apply(Permission::CartUse))]
    async fn cart_delivery_set(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Where the goods of which cart go.")] input: CartDeliverySetInput,
    ) -> Option<Result<CartDeliverySetPayload, Fault>> {
        let (carts, viewer) = services(ctx);
        let cart_id = key(&input.cart_id);
        let version = input.expected_version.as_ref().map(|version| version.0);
        let idempotency_key = input.idempotency_key.clone();
        let (delivery, idempotency_key) = (input.into(), idempotency_key.as_deref());
        let set = carts.set_delivery(viewer, cart_id, &delivery, version, idempotency_key).await;
        answer(ctx, set).await
    }

    /// Take everything out of a cart. Where it goes stays known.
    #[graphql(directive = Auth::apply(Permission::CartUse))]
    async fn cart_clear(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which cart.")] input: CartClearInput,
    ) -> Option<Result<CartClearPayload, Fault>> {
        let (carts, viewer) = services(ctx);
        let cart_id = key(&input.cart_id);
        let version = input.expected_version.map(|version| version.0);
        let idempotency_key = input.idempotency_key.as_deref();
        answer(ctx, carts.clear(viewer, cart_id, version, idempotency_key).await).await
    }

    /// Put what is in a guest's cart into your own, which is made when you have none: to be sent
    /// when someone signs in. Quantities add up. Every line that is not carried over as it was has
    /// a warning. Sending it again answers with the same cart and adds nothing.
    #[graphql(directive = Auth::apply(Permission::CartOwn))]
    async fn cart_merge(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which cart.")] input: CartMergeInput,
    ) -> Option<Result<CartMergePayload, Fault>> {
        let (carts, viewer) = services(ctx);
        let (cart_id, idempotency_key) = (key(&input.cart_id), input.idempotency_key.as_deref());
        answer(ctx, carts.merge(viewer, cart_id, idempotency_key).await).await
    }
}
