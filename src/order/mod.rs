//! Orders: how a cart becomes one, how it is paid, and what becomes of it. What an order costs is
//! `cart`'s, what is set aside for it `stock`'s, and who is asked for the money `payment`'s.

mod access;
mod checkout;
mod entry;
mod error;
mod fulfillment;
mod goods;
pub mod graphql;
pub mod jobs;
mod list;
pub mod loader;
mod mails;
mod number;
#[expect(clippy::module_inception, reason = "the order is the noun of the domain")]
mod order;
mod refund;
mod service;
mod state;
mod stats;
mod till;

pub use access::{Access, GuestToken};
pub use checkout::{Cancel, Checkout, Pay, PaymentAsk, Placed};
pub use entry::{EnterPurchase, EnterSale, EntryLine};
pub use error::OrderError;
pub use fulfillment::{Fulfillment, FulfillmentLine};
pub use goods::{Advance, Fulfill, LinePieces, Receive, TakeBack, TakenBack};
pub use list::{OrderFilter, OrderList, OrderSort, OrderSortField};
pub use order::{EventKind, Order, OrderEvent, OrderLine};
pub use refund::{Pieces, RefundAsk, RefundOf};
pub use service::{Orders, Policy};
pub use state::{OrderKind, OrderStatus};
pub use stats::{DayFigures, Figures, Measure, OrderStats, StatDifference};
pub use till::{CaptureAsk, Dealt, PayBack, Refusal, VoidAsk};
