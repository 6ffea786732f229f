//! The inputs about flash sales, read into what the service takes.

use crate::flash_sale::graphql::types::FlashSaleStatus;
use crate::flash_sale::{self, AskedPrice, EndFlashSale, FlashSaleFilter, SetFlashSale};
use crate::graphql::filters::StringFilter;
use crate::graphql::scalars::{BigInt, DateTime, MoneyInput};
use crate::graphql::{Fault, NodeKind};
use async_graphql::{ID, InputObject};

/// A flash sale as it is to be, as a whole.
#[derive(InputObject)]
pub struct FlashSaleSetInput {
    /// The sale to change, which may run but not be over; left out: a new one.
    id: Option<ID>,
    /// The SKU of what is to be on sale, for a new one; a sale stays of its variant.
    sku: Option<String>,
    /// What one piece costs in it: below the list price, in currencies that the variant is sold in.
    /// In others the list price is paid.
    prices: Vec<MoneyInput>,
    /// When it begins. Left out: now, or as it was. When it began stays as it is.
    starts_at: Option<DateTime>,
    /// When it is over.
    ends_at: DateTime,
    /// Pieces that are sold at its price at most; not fewer than orders have.
    allocation: i32,
    /// Pieces that one customer gets at most; as many as there are when left out.
    limit_per_customer: Option<i32>,
    /// The version that you have seen: when the sale changed since, nothing happens.
    expected_version: Option<BigInt>,
    /// Makes repeating the mutation harmless: 1 to 255 printable ASCII characters, kept 72 hours.
    idempotency_key: Option<String>,
}

/// A flash sale to end.
#[derive(InputObject)]
pub struct FlashSaleEndInput {
    /// The sale.
    pub(super) id: ID,
    /// The version that you have seen: when the sale changed since, nothing happens.
    expected_version: Option<BigInt>,
}

/// Which flash sales to list; every field given has to hold.
#[derive(InputObject, Default)]
pub struct FlashSaleWhere {
    /// By the variant's SKU: eq and in.
    sku: Option<StringFilter>,
    /// That stand there now.
    status: Option<FlashSaleStatus>,
}

impl FlashSaleSetInput {
    pub(super) fn read(self) -> SetFlashSale {
        let price =
            |price: MoneyInput| AskedPrice { amount: price.amount.0, currency: price.currency.0 };
        SetFlashSale {
            // What is no id of a sale names nothing.
            id: self.id.map(|id| NodeKind::FlashSale.key(&id).unwrap_or_default()),
            sku: self.sku,
            prices: self.prices.into_iter().map(price).collect(),
            starts_at: self.starts_at.map(|time| time.0),
            ends_at: self.ends_at.0,
            allocation: self.allocation.into(),
            limit_per_customer: self.limit_per_customer.map(i64::from),
            expected_version: self.expected_version.map(|version| version.0),
            idempotency_key: self.idempotency_key,
        }
    }
}

impl FlashSaleEndInput {
    pub(super) fn read(&self) -> EndFlashSale {
        EndFlashSale {
            id: NodeKind::FlashSale.key(&self.id).unwrap_or_default(),
            expected_version: self.expected_version.map(|version| version.0),
        }
    }
}

impl FlashSaleWhere {
    pub(super) fn read(self) -> Result<FlashSaleFilter, Fault> {
        let mut filter = FlashSaleFilter {
            skus: None,
            status: self.status.map(flash_sale::FlashSaleStatus::from),
        };
        if let Some(sku) = self.sku {
            if sku.contains.is_some() {
                return Err(Fault::bad_user_input("sku knows eq and in, not contains."));
            }
            // In each of the lists.
            filter.skus = sku.read_values()?.into_iter().reduce(|mut one, other| {
                one.retain(|sku| other.contains(sku));
                one
            });
        }
        Ok(filter)
    }
}
