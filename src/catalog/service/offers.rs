//! What a buyer meets at this moment: what there is of variants, and which flash sales run. Never
//! from a cache: pieces are sold meanwhile, and a price begins and ends at its moment.

use crate::cache::reads;
use crate::catalog::CatalogError;
use crate::catalog::service::Catalog;
use crate::db::keys::MAX_KEYS;
use crate::flash_sale::{self, FlashSale, SaleRow};
use crate::stock::{Availability, select_availability};
use sea_orm::sea_query::{Alias, Asterisk, Expr, ExprTrait, JoinType, Query, SelectStatement};
use sea_orm::{DbErr, FromQueryResult, QueryResult};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use uuid::Uuid;

/// A part of an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Facet {
    /// How much there is.
    Stock,
    /// The flash sale that runs.
    Sale,
}

/// What is offered of a variant now. A facet that was not asked for is empty.
#[derive(Debug, Clone, Default)]
pub struct Offer {
    /// How much there is.
    pub stock: Availability,
    /// The flash sale that runs.
    pub sale: Option<Arc<FlashSale>>,
}

/// A row of availability with a row of a sale, of which either may be missing.
struct OfferRow {
    stock: Option<(Uuid, Availability)>,
    sale: Option<SaleRow>,
}

impl FromQueryResult for OfferRow {
    fn from_query_result(row: &QueryResult, prefix: &str) -> Result<Self, DbErr> {
        let stocked: Option<Uuid> = row.try_get(prefix, "stocked")?;
        let stock = stocked.map(|variant_id| {
            let available = row.try_get(prefix, "stock_available")?;
            let reorder_point = row.try_get(prefix, "stock_reorder_point")?;
            let version = row.try_get(prefix, "stock_version")?;
            Ok::<_, DbErr>((variant_id, Availability { available, reorder_point, version }))
        });
        let sale: Option<Uuid> = row.try_get(prefix, "id")?;
        let sale = sale.map(|_| SaleRow::from_query_result(row, prefix));
        Ok(Self { stock: stock.transpose()?, sale: sale.transpose()? })
    }
}

impl Catalog {
    /// What is offered of variants, those facets that are asked for, in one statement whatever they
    /// are; for variants that the caller was found to be allowed to see.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_offers(
        &self,
        asked: &[(Uuid, Facet)],
    ) -> Result<HashMap<(Uuid, Facet), Offer>, CatalogError> {
        let of = |facet: Facet| -> Vec<Uuid> {
            asked.iter().filter(|(_, asked)| *asked == facet).map(|(variant, _)| *variant).collect()
        };
        let (stock, sale) = (of(Facet::Stock), of(Facet::Sale));
        let mut found: HashMap<(Uuid, Facet), Offer> =
            asked.iter().map(|asked| (*asked, Offer::default())).collect();
        let (stock, sales) = match (stock.is_empty(), sale.is_empty()) {
            (_, true) => (self.stock.find_availability(&stock).await?, HashMap::new()),
            (true, false) => (HashMap::new(), self.flash_sales.find_running(&sale).await?),
            (false, false) => {
                let both: HashSet<Uuid> = stock.into_iter().chain(sale).collect();
                self.find_whole_offers(&both.into_iter().collect::<Vec<_>>()).await?
            }
        };
        for (variant_id, availability) in stock {
            if let Some(offer) = found.get_mut(&(variant_id, Facet::Stock)) {
                offer.stock = availability;
            }
        }
        for (variant_id, sale) in sales {
            if let Some(offer) = found.get_mut(&(variant_id, Facet::Sale)) {
                offer.sale = Some(sale);
            }
        }
        Ok(found)
    }

    async fn find_whole_offers(&self, variants: &[Uuid]) -> Result<Found, CatalogError> {
        reads::note_variants(variants);
        let (mut stock, mut sales) = (HashMap::new(), Vec::new());
        // Each half names the keys.
        for variants in variants.chunks(MAX_KEYS / 2) {
            for row in self.db.all::<OfferRow>(&self.select_offers(variants)).await? {
                stock.extend(row.stock);
                sales.extend(row.sale);
            }
        }
        Ok((stock, flash_sale::running(sales)))
    }

    /// Both halves are small before they meet.
    fn select_offers(&self, variants: &[Uuid]) -> SelectStatement {
        let (stock, sale) = (Alias::new("stock"), Alias::new("sale"));
        let of_stock = |name: &'static str| Expr::col((stock.clone(), name));
        let same = of_stock("variant_id").equals((sale.clone(), "variant_id"));
        let mut select = Query::select();
        select
            .expr_as(of_stock("variant_id"), "stocked")
            .expr_as(of_stock("available"), "stock_available")
            .expr_as(of_stock("reorder_point"), "stock_reorder_point")
            .expr_as(of_stock("version"), "stock_version")
            .column((sale.clone(), Asterisk))
            .from_subquery(select_availability(variants), stock.clone())
            .join_subquery(
                JoinType::FullOuterJoin,
                self.flash_sales.select_unended(variants),
                sale,
                same,
            );
        select
    }
}

/// What there is, and what runs, by variant.
type Found = (HashMap<Uuid, Availability>, HashMap<Uuid, Arc<FlashSale>>);
