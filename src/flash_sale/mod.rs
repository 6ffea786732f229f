//! Flash sales: a variant at a lower price for a while, for so many pieces, so many a customer.
//! Variants are known by their keys alone; what a cart or an order makes of a price is theirs.

mod ask;
mod error;
pub mod graphql;
pub mod loader;
mod sale;
mod service;

pub use ask::{AskedPrice, EndFlashSale, SetFlashSale};
pub use error::{FlashSaleError, LimitReached};
pub use sale::{FlashSale, FlashSaleFilter, FlashSaleStatus, Take};
pub use service::{Ended, FlashSales, Set};
pub(crate) use service::{SaleRow, running};
