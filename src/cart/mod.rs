//! Carts: what someone means to buy, and what it costs with tax and shipping to where it goes. What
//! becomes of a cart that is bought is `order`'s.

mod contents;
mod delivery;
mod error;
pub mod graphql;
pub mod loader;
mod plan;
mod pricing;
mod quote;
mod service;

pub use contents::{Cart, Item, LineWarning, LineWarningKind, NewLine};
pub use delivery::{
    Destination, EVERYWHERE_ELSE, ShippingMethod, ShippingPrice, ShippingSettings, TaxRate,
};
pub use error::CartError;
pub use pricing::{MAX_LINE_TOTAL, MAX_TOTAL, TooMuch};
pub use quote::{CartProblem, LineProblem, OnSale, PricedLine, Quote};
pub use service::{
    Carts, Changed, Contents, Delivery, Lifetimes, LockedCart, NewCart, ShippingChange,
    ShippingPriceAsk, TaxChange,
};
