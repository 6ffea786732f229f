//! What was sent of an order, as clients see it.

use crate::auth::{Permission, Viewer};
use crate::graphql::Fault;
use crate::graphql::node_id::part_id;
use crate::graphql::scalars::DateTime;
use crate::order;
use crate::order::graphql::types::OrderLine;
use crate::order::loader::OrderLoaders;
use crate::stock::graphql::{Warehouse, pieces};
use crate::stock::loader::StockLoaders;
use async_graphql::{Context, ID, Object};
use uuid::Uuid;

/// Pieces of an order that were sent at one time.
pub struct Fulfillment(pub order::Fulfillment);

/// Pieces of an order that were sent at one time.
#[Object]
impl Fulfillment {
    /// The opaque id.
    async fn id(&self) -> ID {
        part_id("sent", self.0.id)
    }

    /// What was sent, and from where: 100 order lines at most, each once a warehouse.
    async fn lines(&self) -> Vec<FulfillmentLine> {
        let order_id = self.0.order_id;
        let lines = self.0.lines.iter().cloned();
        lines.map(|line| FulfillmentLine { order_id, line }).collect()
    }

    /// Who brings it; null when nobody said.
    async fn carrier(&self) -> Option<&str> {
        self.0.carrier.as_deref()
    }

    /// The carrier's number of the parcel; null when nobody said.
    async fn tracking_number(&self) -> Option<&str> {
        self.0.tracking_number.as_deref()
    }

    /// A remark for staff; null when there is none, and for everybody else.
    async fn note(&self, ctx: &Context<'_>) -> Option<&str> {
        let viewer = ctx.data_unchecked::<Viewer>();
        self.0.note.as_deref().filter(|_| viewer.can(Permission::OrderRead))
    }

    /// When it left.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
}

/// Pieces of an order line that left one warehouse.
pub struct FulfillmentLine {
    order_id: Uuid,
    line: order::FulfillmentLine,
}

/// Pieces of an order line that left one warehouse.
#[Object]
impl FulfillmentLine {
    /// The line of the order.
    async fn order_line(&self, ctx: &Context<'_>) -> Result<OrderLine, Fault> {
        let lines = ctx.data_unchecked::<OrderLoaders>().lines.get(self.order_id).await?;
        let mut lines = lines.into_iter().flatten();
        let line = lines.find(|line| line.id == self.line.order_line_id).map(OrderLine);
        line.ok_or_else(|| Fault::internal(&"a line that was sent is gone"))
    }

    /// How many.
    async fn quantity(&self) -> i32 {
        pieces(self.line.quantity)
    }

    /// How many of these came back.
    async fn quantity_returned(&self) -> i32 {
        pieces(self.line.quantity_returned)
    }

    /// Where they left from; null for those who may not see warehouses.
    async fn warehouse(&self, ctx: &Context<'_>) -> Option<Result<Warehouse, Fault>> {
        let stock = ctx.data_unchecked::<StockLoaders>();
        let found = stock.warehouse.get(self.line.warehouse_id).await;
        found.map(|found| found.map(Warehouse)).transpose()
    }
}
