//! What left the warehouses, as the rest of the program sees it.

use crate::db::Timestamp;
use entity::{fulfillment, fulfillment_line};
use uuid::Uuid;

/// Pieces of an order that were sent at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fulfillment {
    /// The key.
    pub id: Uuid,
    /// The order.
    pub order_id: Uuid,
    /// Who brings it.
    pub carrier: Option<String>,
    /// The carrier's name for the parcel.
    pub tracking_number: Option<String>,
    /// A remark, for staff.
    pub note: Option<String>,
    /// When.
    pub created_at: Timestamp,
    /// What, and from where.
    pub lines: Vec<FulfillmentLine>,
}

/// Pieces of a line that left one warehouse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FulfillmentLine {
    /// The key.
    pub id: Uuid,
    /// The order line.
    pub order_line_id: Uuid,
    /// The warehouse.
    pub warehouse_id: Uuid,
    /// How many.
    pub quantity: i64,
    /// How many of these came back.
    pub quantity_returned: i64,
}

impl Fulfillment {
    /// A fulfilment whose lines come next.
    pub(crate) fn of(model: fulfillment::Model) -> Self {
        Self {
            id: model.id,
            order_id: model.order_id,
            carrier: model.carrier,
            tracking_number: model.tracking_number,
            note: model.note,
            created_at: model.created_at,
            lines: Vec::new(),
        }
    }
}

impl From<fulfillment_line::Model> for FulfillmentLine {
    fn from(model: fulfillment_line::Model) -> Self {
        Self {
            id: model.id,
            order_line_id: model.order_line_id,
            warehouse_id: model.warehouse_id,
            quantity: model.quantity,
            quantity_returned: model.quantity_returned,
        }
    }
}
