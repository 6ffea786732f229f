//! Mutations on flash sales, for staff.

use crate::auth::{Permission, Viewer};
use crate::flash_sale::graphql::input::{FlashSaleEndInput, FlashSaleSetInput};
use crate::flash_sale::graphql::refusal;
use crate::flash_sale::graphql::types::FlashSale;
use crate::flash_sale::loader::FlashSaleLoaders;
use crate::flash_sale::{Ended, FlashSales};
use crate::graphql::idempotency::Replayed;
use crate::graphql::{Auth, Fault, NodeKind, UserError, Warning};
use async_graphql::{Context, ID, Object, SimpleObject};
use uuid::Uuid;

/// The answer to flashSaleSet.
#[derive(SimpleObject, Default)]
pub struct FlashSaleSetPayload {
    /// The sale as it is now; null when nothing happened, or when an earlier answer is repeated and
    /// the sale is not there any more.
    flash_sale: Option<FlashSale>,
    /// Why nothing happened; empty when it did.
    user_errors: Vec<UserError>,
    /// What differs from the ask.
    warnings: Vec<Warning>,
}

/// The answer to flashSaleEnd.
#[derive(SimpleObject, Default)]
pub struct FlashSaleEndPayload {
    /// The sale, which is over; null when it had not begun and is gone, and when nothing happened.
    flash_sale: Option<FlashSale>,
    /// The id that nothing has any more; null when the sale is over, and when nothing happened.
    deleted_id: Option<ID>,
    /// Why nothing happened; empty when it did.
    user_errors: Vec<UserError>,
    /// What differs from the ask.
    warnings: Vec<Warning>,
}

/// Mutations on flash sales.
#[derive(Default)]
pub struct FlashSaleMutation;

/// Mutations on flash sales.
#[Object]
impl FlashSaleMutation {
    /// Sell a variant at a lower price for a while: so many pieces, so many a customer. Or change
    /// such a sale as a whole, also while it runs. A variant has one sale at a time.
    #[graphql(directive = Auth::apply(Permission::CatalogWrite))]
    async fn flash_sale_set(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The sale as it is to be.")] input: FlashSaleSetInput,
    ) -> Option<Result<FlashSaleSetPayload, Fault>> {
        let (sales, viewer) = services(ctx);
        Some(match sales.set(viewer, &input.read()).await {
            Ok(set) => {
                if set.replayed {
                    ctx.data_unchecked::<Replayed>().set();
                }
                let found = found(ctx, set.id).await;
                found.map(|flash_sale| FlashSaleSetPayload { flash_sale, ..Default::default() })
            }
            Err(error) => refusal(error)
                .map(|user_errors| FlashSaleSetPayload { user_errors, ..Default::default() }),
        })
    }

    /// End a flash sale that runs, at once; take back one that has not begun. Orders that were
    /// placed keep its price.
    #[graphql(directive = Auth::apply(Permission::CatalogWrite))]
    async fn flash_sale_end(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] input: FlashSaleEndInput,
    ) -> Option<Result<FlashSaleEndPayload, Fault>> {
        let (sales, viewer) = services(ctx);
        let ask = input.read();
        Some(match sales.end(viewer, &ask).await {
            Ok(Ended::Over) => found(ctx, ask.id)
                .await
                .map(|flash_sale| FlashSaleEndPayload { flash_sale, ..Default::default() }),
            Ok(Ended::Gone) => {
                let deleted_id = Some(NodeKind::FlashSale.id(ask.id));
                Ok(FlashSaleEndPayload { deleted_id, ..Default::default() })
            }
            Err(error) => refusal(error)
                .map(|user_errors| FlashSaleEndPayload { user_errors, ..Default::default() }),
        })
    }
}

fn services<'a>(ctx: &Context<'a>) -> (&'a FlashSales, &'a Viewer) {
    (ctx.data_unchecked(), ctx.data_unchecked())
}

async fn found(ctx: &Context<'_>, id: Uuid) -> Result<Option<FlashSale>, Fault> {
    Ok(ctx.data_unchecked::<FlashSaleLoaders>().sale.get(id).await?.map(FlashSale))
}
