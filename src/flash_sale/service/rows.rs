//! How rows become flash sales, and which of them run.

use crate::db::Db;
use crate::flash_sale::{FlashSale, FlashSaleStatus};
use crate::money::{Currency, Money};
use chrono::{DateTime, Utc};
use entity::flash_sale::{Column, Entity, Model};
use entity::flash_sale_price;
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, JoinType, Query, SelectStatement, SimpleExpr};
use uuid::Uuid;

/// One price of a sale, with the sale.
#[derive(Clone, FromQueryResult)]
pub(crate) struct SaleRow {
    #[sea_orm(nested)]
    sale: Model,
    status: String,
    price_currency: Option<String>,
    price_amount: Option<i64>,
}

impl SaleRow {
    /// Whether the sale runs, by the clock of the database at the time of the query.
    pub(crate) fn is_running(&self) -> bool {
        self.status == FlashSaleStatus::Running.as_str()
    }

    /// When it begins or, once it runs, ends.
    pub(crate) fn turns_at(&self) -> DateTime<Utc> {
        if self.is_running() { self.sale.ends_at } else { self.sale.starts_at }
    }
}

pub(crate) fn column(column: Column) -> SimpleExpr {
    Expr::col((Entity, column))
}

/// Sales that run now: by the clock of the database, so that replicas agree.
pub(crate) fn is_running(db: &Db) -> SimpleExpr {
    column(Column::StartsAt).lte(db.now_sql()).and(column(Column::EndsAt).gt(db.now_sql()))
}

/// Where a sale stands, in the words of [`FlashSaleStatus`].
pub(crate) fn status(db: &Db) -> SimpleExpr {
    Expr::case(column(Column::EndsAt).lte(db.now_sql()), FlashSaleStatus::Over.as_str())
        .case(column(Column::StartsAt).lte(db.now_sql()), FlashSaleStatus::Running.as_str())
        .finally(FlashSaleStatus::Scheduled.as_str())
        .into()
}

/// A select of whole sales from `sales`, a table or a select of rows of `flash_sale` under that
/// name, with their prices.
pub(crate) fn with_prices(db: &Db, mut sales: SelectStatement) -> SelectStatement {
    use flash_sale_price::{Column as P, Entity as Prices};
    sales
        .column((Entity, Asterisk))
        .expr_as(status(db), "status")
        .expr_as(Expr::col((Prices, P::Currency)), "price_currency")
        .expr_as(Expr::col((Prices, P::Amount)), "price_amount")
        .join(
            JoinType::LeftJoin,
            Prices,
            Expr::col((Prices, P::FlashSaleId)).equals((Entity, Column::Id)),
        );
    sales
}

/// A select of whole sales that meet a condition.
pub(crate) fn select_sales(db: &Db, condition: SimpleExpr) -> SelectStatement {
    let mut select = Query::select();
    select.from(Entity).and_where(condition);
    with_prices(db, select)
}

/// Puts the rows of sales together, in the order of their first rows.
pub(crate) fn gather(rows: Vec<SaleRow>) -> Vec<FlashSale> {
    let mut sales: Vec<FlashSale> = Vec::new();
    let mut places: std::collections::HashMap<Uuid, usize> = std::collections::HashMap::new();
    for row in rows {
        let price = row.price_currency.as_deref().and_then(Currency::from_code);
        let price = price.zip(row.price_amount).map(|(currency, minor)| Money { minor, currency });
        let place = *places.entry(row.sale.id).or_insert_with(|| {
            sales.push(sale(row.sale, &row.status));
            sales.len().saturating_sub(1)
        });
        if let Some(sale) = sales.get_mut(place) {
            sale.prices.extend(price);
        }
    }
    for sale in &mut sales {
        sale.prices.sort_by_key(|price| price.currency.code());
    }
    sales
}

fn sale(model: Model, status: &str) -> FlashSale {
    FlashSale {
        id: model.id,
        variant_id: model.variant_id,
        prices: Vec::new(),
        starts_at: model.starts_at,
        ends_at: model.ends_at,
        allocation: model.allocation,
        taken: model.taken,
        limit_per_customer: model.limit_per_customer,
        status: FlashSaleStatus::from_word(status),
        version: model.version,
        created_at: model.created_at,
        updated_at: model.updated_at,
    }
}
