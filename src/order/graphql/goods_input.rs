//! The inputs of what staff do with the goods of orders.

use crate::graphql::scalars::{BigInt, MoneyInput};
use crate::graphql::{NodeKind, UserError};
use crate::order::{Advance, Fulfill, LinePieces, Receive, TakeBack};
use crate::validation::{Problem, ProblemKind};
use async_graphql::{ID, InputObject};
use uuid::Uuid;

/// Pieces of a line of an order.
#[derive(InputObject)]
pub struct OrderLinePiecesInput {
    /// The line.
    order_line_id: ID,
    /// How many: 1 or more.
    quantity: i32,
}

/// Goods to be sent.
#[derive(InputObject)]
pub struct OrderFulfillInput {
    /// The order.
    order_id: ID,
    /// What of it, at most 100 lines; one that is named twice is added up. Left out: all that is
    /// left.
    lines: Option<Vec<OrderLinePiecesInput>>,
    /// Only what lies in this warehouse; wherever it lies when left out.
    warehouse_id: Option<ID>,
    /// Who brings it, such as "DHL": at most 100 characters. The buyer sees it.
    carrier: Option<String>,
    /// The carrier's number of the parcel: at most 100 characters. The buyer sees it.
    tracking_number: Option<String>,
    /// A remark for staff: at most 500 characters.
    note: Option<String>,
    /// Only if the order still has this version.
    expected_version: Option<BigInt>,
    /// Names this try: 1 to 255 printable ASCII characters. Sent again, nothing is sent twice.
    idempotency_key: Option<String>,
}

impl OrderFulfillInput {
    pub(super) fn read(self) -> Result<Fulfill, UserError> {
        Ok(Fulfill {
            order_id: order_id(&self.order_id)?,
            lines: self.lines.map(pieces).transpose()?,
            warehouse_id: self.warehouse_id.as_ref().map(warehouse_id).transpose()?,
            carrier: self.carrier,
            tracking_number: self.tracking_number,
            note: self.note,
            expected_version: self.expected_version.map(|version| version.0),
            idempotency_key: self.idempotency_key,
        })
    }
}

/// An order that is through.
#[derive(InputObject)]
pub struct OrderCompleteInput {
    /// The order.
    order_id: ID,
    /// Only if the order still has this version.
    expected_version: Option<BigInt>,
    /// Names this try: 1 to 255 printable ASCII characters.
    idempotency_key: Option<String>,
}

impl OrderCompleteInput {
    pub(super) fn read(self) -> Result<Advance, UserError> {
        Ok(Advance {
            order_id: order_id(&self.order_id)?,
            expected_version: self.expected_version.map(|version| version.0),
            idempotency_key: self.idempotency_key,
        })
    }
}

/// Goods that came back.
#[derive(InputObject)]
pub struct OrderReturnInput {
    /// The order.
    order_id: ID,
    /// What of it, 1 to 100 lines; one that is named twice is added up.
    lines: Vec<OrderLinePiecesInput>,
    /// Whether they can be sold again: they go back on the shelf.
    #[graphql(default = true)]
    restock: bool,
    /// To which warehouse; left out: to those that they had left from.
    warehouse_id: Option<ID>,
    /// Whether their money goes back: what they had cost with tax, without shipping. What was paid
    /// back before is not paid back again.
    #[graphql(default = false)]
    refund: bool,
    /// How much goes back instead, with `refund: true`.
    amount: Option<MoneyInput>,
    /// Why, for people: at most 500 characters.
    reason: Option<String>,
    /// Names this try: 1 to 255 printable ASCII characters. Sent again, nothing comes back twice.
    idempotency_key: Option<String>,
}

impl OrderReturnInput {
    pub(super) fn read(self) -> Result<TakeBack, UserError> {
        let amount = self.amount.as_ref().map(MoneyInput::read).transpose();
        let amount = amount.map_err(|problem| problem.within(["amount"]))?;
        Ok(TakeBack {
            order_id: order_id(&self.order_id)?,
            lines: pieces(self.lines)?,
            restock: self.restock,
            warehouse_id: self.warehouse_id.as_ref().map(warehouse_id).transpose()?,
            refund: self.refund,
            amount,
            reason: self.reason,
            idempotency_key: self.idempotency_key,
        })
    }
}

/// A draft that was ordered.
#[derive(InputObject)]
pub struct PurchaseOrderPlaceInput {
    /// The purchase.
    order_id: ID,
    /// Only if it still has this version.
    expected_version: Option<BigInt>,
    /// Names this try: 1 to 255 printable ASCII characters.
    idempotency_key: Option<String>,
}

impl PurchaseOrderPlaceInput {
    pub(super) fn read(self) -> Result<Advance, UserError> {
        Ok(Advance {
            order_id: order_id(&self.order_id)?,
            expected_version: self.expected_version.map(|version| version.0),
            idempotency_key: self.idempotency_key,
        })
    }
}

/// Goods of a purchase that arrived.
#[derive(InputObject)]
pub struct PurchaseOrderReceiveInput {
    /// The purchase.
    order_id: ID,
    /// What of it, at most 100 lines; one that is named twice is added up. Left out: all that is
    /// open.
    lines: Option<Vec<OrderLinePiecesInput>>,
    /// Only if the purchase still has this version.
    expected_version: Option<BigInt>,
    /// Names this try: 1 to 255 printable ASCII characters. Sent again, nothing arrives twice.
    idempotency_key: Option<String>,
}

impl PurchaseOrderReceiveInput {
    pub(super) fn read(self) -> Result<Receive, UserError> {
        Ok(Receive {
            order_id: order_id(&self.order_id)?,
            lines: self.lines.map(pieces).transpose()?,
            expected_version: self.expected_version.map(|version| version.0),
            idempotency_key: self.idempotency_key,
        })
    }
}

fn order_id(id: &ID) -> Result<Uuid, UserError> {
    key(NodeKind::Order, id, ["orderId"])
}

pub(super) fn warehouse_id(id: &ID) -> Result<Uuid, UserError> {
    key(NodeKind::Warehouse, id, ["warehouseId"])
}

pub(super) fn key<P: Into<String>>(
    kind: NodeKind,
    id: &ID,
    path: impl IntoIterator<Item = P>,
) -> Result<Uuid, UserError> {
    kind.key(id).map_err(|fault| Problem::new(ProblemKind::Invalid, path, fault.message).into())
}

fn pieces(lines: Vec<OrderLinePiecesInput>) -> Result<Vec<LinePieces>, UserError> {
    let one = |(index, line): (usize, OrderLinePiecesInput)| {
        let path = ["lines".to_owned(), index.to_string(), "orderLineId".to_owned()];
        let order_line_id = key(NodeKind::OrderLine, &line.order_line_id, path)?;
        Ok(LinePieces { order_line_id, quantity: line.quantity.into() })
    };
    lines.into_iter().enumerate().map(one).collect()
}
