//! Mutations on stock, for staff.

use crate::auth::{Permission, Viewer};
use crate::graphql::idempotency::Replayed;
use crate::graphql::{Auth, Fault, UserError, Warning};
use crate::stock::graphql::input::{
    StockAdjustInput, StockSetInput, StockTransferInput, WarehouseCreateInput, WarehouseUpdateInput,
};
use crate::stock::graphql::refusal;
use crate::stock::graphql::types::{StockLevel, StockMovement, Warehouse};
use crate::stock::loader::StockLoaders;
use crate::stock::{Adjusted, Stock, Transferred};
use async_graphql::{Context, Object, SimpleObject};

/// The answer to stockAdjust.
#[derive(SimpleObject, Default)]
pub struct StockAdjustPayload {
    /// The level as it is now; null when nothing happened.
    stock_level: Option<StockLevel>,
    /// The line in the ledger; null when nothing happened.
    movement: Option<StockMovement>,
    /// Why nothing happened; empty when it did.
    user_errors: Vec<UserError>,
    /// What differs from the ask.
    warnings: Vec<Warning>,
}

/// The answer to stockSet.
#[derive(SimpleObject, Default)]
pub struct StockSetPayload {
    /// The level as it is now; null when nothing happened.
    stock_level: Option<StockLevel>,
    /// The line in the ledger; null when the number of pieces stayed, or nothing happened.
    movement: Option<StockMovement>,
    /// Why nothing happened; empty when it did.
    user_errors: Vec<UserError>,
    /// What differs from the ask.
    warnings: Vec<Warning>,
}

/// The answer to stockTransfer.
#[derive(SimpleObject, Default)]
pub struct StockTransferPayload {
    /// The level that pieces left; null when nothing happened.
    from: Option<StockLevel>,
    /// The level that pieces came to; null when nothing happened.
    to: Option<StockLevel>,
    /// Why nothing happened; empty when it did.
    user_errors: Vec<UserError>,
    /// What differs from the ask.
    warnings: Vec<Warning>,
}

/// The answer to warehouseCreate.
#[derive(SimpleObject, Default)]
pub struct WarehouseCreatePayload {
    /// The new warehouse; null when nothing happened.
    warehouse: Option<Warehouse>,
    /// Why nothing happened; empty when it did.
    user_errors: Vec<UserError>,
    /// What differs from the ask.
    warnings: Vec<Warning>,
}

/// The answer to warehouseUpdate.
#[derive(SimpleObject, Default)]
pub struct WarehouseUpdatePayload {
    /// The warehouse as it is now; null when nothing happened.
    warehouse: Option<Warehouse>,
    /// Why nothing happened; empty when it did.
    user_errors: Vec<UserError>,
    /// What differs from the ask.
    warnings: Vec<Warning>,
}

/// Mutations on stock.
#[derive(Default)]
pub struct StockMutation;

/// Mutations on stock.
#[Object]
impl StockMutation {
    /// Change a stock level by a difference, with a line in the ledger. Never below what is
    /// reserved: InsufficientStockError.
    #[graphql(directive = Auth::apply(Permission::StockWrite))]
    async fn stock_adjust(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which level, by how much and why.")] input: StockAdjustInput,
    ) -> Option<Result<StockAdjustPayload, Fault>> {
        let refused = |user_errors| StockAdjustPayload { user_errors, ..Default::default() };
        let ask = match input.read() {
            Ok(ask) => ask,
            Err(error) => return Some(Ok(refused(vec![error]))),
        };
        let (stock, viewer) = (ctx.data_unchecked::<Stock>(), ctx.data_unchecked::<Viewer>());
        Some(match stock.adjust(viewer, ask).await {
            Ok(adjusted) => changed(ctx, adjusted).await.map(|(level, movement)| {
                StockAdjustPayload { stock_level: Some(level), movement, ..Default::default() }
            }),
            Err(error) => refusal(error).map(refused),
        })
    }

    /// Set a stock level to numbers, with a line in the ledger for the difference. Give
    /// expectedVersion, or what happened since you read the level is overwritten.
    #[graphql(directive = Auth::apply(Permission::StockWrite))]
    async fn stock_set(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which level and the numbers.")] input: StockSetInput,
    ) -> Option<Result<StockSetPayload, Fault>> {
        let refused = |user_errors| StockSetPayload { user_errors, ..Default::default() };
        let ask = match input.read() {
            Ok(ask) => ask,
            Err(error) => return Some(Ok(refused(vec![error]))),
        };
        let (stock, viewer) = (ctx.data_unchecked::<Stock>(), ctx.data_unchecked::<Viewer>());
        Some(match stock.set(viewer, ask).await {
            Ok(adjusted) => changed(ctx, adjusted).await.map(|(level, movement)| StockSetPayload {
                stock_level: Some(level),
                movement,
                ..Default::default()
            }),
            Err(error) => refusal(error).map(refused),
        })
    }

    /// Move pieces from one warehouse to another: all of them or none.
    #[graphql(directive = Auth::apply(Permission::StockWrite))]
    async fn stock_transfer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to move, from where and to where.")] input: StockTransferInput,
    ) -> Option<Result<StockTransferPayload, Fault>> {
        let refused = |user_errors| StockTransferPayload { user_errors, ..Default::default() };
        let ask = match input.read() {
            Ok(ask) => ask,
            Err(error) => return Some(Ok(refused(vec![error]))),
        };
        let (stock, viewer) = (ctx.data_unchecked::<Stock>(), ctx.data_unchecked::<Viewer>());
        Some(match stock.transfer(viewer, ask).await {
            Ok(Transferred { from, to, replayed }) => {
                mark(ctx, replayed);
                Ok(StockTransferPayload {
                    from: Some(StockLevel(from)),
                    to: Some(StockLevel(to)),
                    ..Default::default()
                })
            }
            Err(error) => refusal(error).map(refused),
        })
    }

    /// Make a warehouse.
    #[graphql(directive = Auth::apply(Permission::StockWrite))]
    async fn warehouse_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its code and name.")] input: WarehouseCreateInput,
    ) -> Option<Result<WarehouseCreatePayload, Fault>> {
        let (stock, viewer) = (ctx.data_unchecked::<Stock>(), ctx.data_unchecked::<Viewer>());
        Some(match stock.create_warehouse(viewer, input.into()).await {
            Ok(warehouse) => Ok(WarehouseCreatePayload {
                warehouse: Some(Warehouse(warehouse)),
                ..Default::default()
            }),
            Err(error) => refusal(error)
                .map(|user_errors| WarehouseCreatePayload { user_errors, ..Default::default() }),
        })
    }

    /// Change a warehouse, or take it out of service.
    #[graphql(directive = Auth::apply(Permission::StockWrite))]
    async fn warehouse_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which warehouse and what to change.")] input: WarehouseUpdateInput,
    ) -> Option<Result<WarehouseUpdatePayload, Fault>> {
        let refused = |user_errors| WarehouseUpdatePayload { user_errors, ..Default::default() };
        let (id, change) = match input.read() {
            Ok(read) => read,
            Err(error) => return Some(Ok(refused(vec![error]))),
        };
        let (stock, viewer) = (ctx.data_unchecked::<Stock>(), ctx.data_unchecked::<Viewer>());
        Some(match stock.update_warehouse(viewer, id, change).await {
            Ok(warehouse) => Ok(WarehouseUpdatePayload {
                warehouse: Some(Warehouse(warehouse)),
                ..Default::default()
            }),
            Err(error) => refusal(error).map(refused),
        })
    }
}

fn mark(ctx: &Context<'_>, replayed: bool) {
    if replayed {
        ctx.data_unchecked::<Replayed>().set();
    }
}

async fn changed(
    ctx: &Context<'_>,
    adjusted: Adjusted,
) -> Result<(StockLevel, Option<StockMovement>), Fault> {
    mark(ctx, adjusted.replayed);
    let movement = match adjusted.movement_id {
        // Only for who looks: most callers do not select the movement.
        Some(id) if ctx.look_ahead().field("movement").exists() => {
            ctx.data_unchecked::<StockLoaders>().movement.get(id).await?
        }
        _ => None,
    };
    Ok((StockLevel(adjusted.level), movement.map(StockMovement)))
}
