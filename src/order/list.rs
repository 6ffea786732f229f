//! Which orders a list has and in which order, apart from any database.

use crate::db::Timestamp;
use crate::db::page::{Cursor, CursorKey};
use crate::money::Money;
use crate::order::{Order, OrderKind, OrderStatus};
use uuid::Uuid;

/// A list of orders: what is in it and how it is sorted. Cursors hold within one list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct OrderList {
    /// Only these; None for all.
    pub filter: Option<OrderFilter>,
    /// How it is sorted.
    pub sort: OrderSort,
    /// Only whose number or e-mail address begins with this.
    pub search: Option<String>,
}

/// A condition on orders.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum OrderFilter {
    /// All of these hold.
    And(Vec<Self>),
    /// At least one of these holds.
    Or(Vec<Self>),
    /// None of these holds.
    Not(Vec<Self>),
    /// One of these keys.
    Id(Vec<Uuid>),
    /// One of these numbers, however they are written.
    Number(Vec<String>),
    /// The number has this in it.
    NumberContains(String),
    /// Has one of these addresses, whatever the case.
    Email(Vec<String>),
    /// The address has this in it, whatever the case.
    EmailContains(String),
    /// Sales, or purchases.
    Kind(Vec<OrderKind>),
    /// Stands at one of these.
    Status(Vec<OrderStatus>),
    /// Of one of these accounts.
    Customer(Vec<Uuid>),
    /// The total is within, both ends included and in the same currency; None: no end.
    Total(Option<Money>, Option<Money>),
    /// Placed within, both ends included; None: no end.
    Created(Option<Timestamp>, Option<Timestamp>),
    /// Changed last within, both ends included; None: no end.
    Updated(Option<Timestamp>, Option<Timestamp>),
}

/// What orders can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OrderSortField {
    /// When they were placed.
    CreatedAt,
    /// When they changed last.
    UpdatedAt,
    /// The number.
    Number,
}

/// An order of orders; the id breaks ties in the same direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OrderSort {
    /// What they are sorted by.
    pub field: OrderSortField,
    /// Largest first.
    pub descending: bool,
}

impl Default for OrderSort {
    /// The latest first.
    fn default() -> Self {
        Self { field: OrderSortField::CreatedAt, descending: true }
    }
}

/// The last second that both databases know.
const LAST_SECOND: i64 = 253_402_300_799;

impl OrderSort {
    /// Whether a cursor's key can be one of a list that is sorted so. Cursors come from clients:
    /// one that was made up must not reach the database as a value of the wrong type.
    #[must_use]
    pub fn knows(&self, key: &CursorKey) -> bool {
        match (self.field, key) {
            (OrderSortField::CreatedAt | OrderSortField::UpdatedAt, CursorKey::Time(time)) => {
                (0..=LAST_SECOND).contains(&time.timestamp())
            }
            (OrderSortField::Number, CursorKey::Text(text)) => !text.contains('\0'),
            _ => false,
        }
    }

    /// The place of an order in a list that is sorted so.
    #[must_use]
    pub fn place(&self, order: &Order) -> Cursor {
        let key = match self.field {
            OrderSortField::CreatedAt => CursorKey::Time(order.created_at),
            OrderSortField::UpdatedAt => CursorKey::Time(order.updated_at),
            OrderSortField::Number => CursorKey::Text(order.number.clone()),
        };
        Cursor { key, id: order.id }
    }
}
