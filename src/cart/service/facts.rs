//! The rows that goods are priced by: a fixed number of statements for any number of carts, and
//! never a cache.

use crate::auth::Viewer;
use crate::cart::quote::{Facts, Ware};
use crate::cart::service::row::{currency, shipping};
use crate::cart::service::{Carts, Source};
use crate::cart::{
    CartError, Destination, EVERYWHERE_ELSE, ShippingPrice, ShippingSettings, TaxRate,
};
use crate::catalog::{ProductStatus, VariantStatus};
use crate::db::DbError;
use crate::db::keys::{MAX_KEYS, among};
use crate::money::Money;
use crate::stock::StockError;
use entity::{product, product_variant, shipping_method, shipping_price, tax_rate, variant_price};
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{
    Asterisk, Expr, ExprTrait, JoinType, Order, Query, SelectStatement, SimpleExpr, Value,
};
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

impl Carts {
    /// What is known of these variants, and of sending goods to these places.
    pub(super) async fn facts(
        &self,
        source: Source<'_>,
        variants: &[Uuid],
        places: &[&Destination],
    ) -> Result<Facts, DbError> {
        let codes: BTreeSet<&str> = places.iter().map(|place| place.country.code()).collect();
        let wares = self.wares_by_id(source, variants).await?;
        let methods = shipping_methods(source, true).await?;
        let rates = if codes.is_empty() { Vec::new() } else { tax_rates(source, &codes).await? };
        Ok(Facts { wares, available: None, had: None, methods, rates })
    }

    /// How many pieces of these variants can be sold. Not in a transaction: there the reservation
    /// decides.
    pub(super) async fn available(
        &self,
        variants: &[Uuid],
    ) -> Result<HashMap<Uuid, i64>, CartError> {
        let found = self.stock.find_availability(variants).await.map_err(|error| match error {
            StockError::Db(error) => CartError::Db(error),
            error => CartError::fault(error.to_string()),
        })?;
        Ok(found.into_iter().map(|(id, availability)| (id, availability.available)).collect())
    }

    /// How many pieces the viewer has of the flash sales that some of these wares are in. Nothing of
    /// a guest, whom only an e-mail address tells apart.
    pub(super) async fn had(
        &self,
        viewer: &Viewer,
        wares: &HashMap<Uuid, Ware>,
    ) -> Result<HashMap<Uuid, i64>, DbError> {
        let sales = wares.values().filter_map(|ware| ware.sale.as_ref());
        let limited = sales.filter(|sale| sale.limit_per_customer.is_some());
        let limited: Vec<Uuid> = limited.map(|sale| sale.id).collect();
        match viewer.user_id() {
            Some(customer_id) if !limited.is_empty() => {
                self.flash_sales.find_had(customer_id, &limited).await
            }
            _ => Ok(HashMap::new()),
        }
    }

    pub(super) async fn wares_by_id(
        &self,
        source: Source<'_>,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Ware>, DbError> {
        let wares = wares(source, product_variant::Column::Id, ids).await?;
        let wares = self.with_sales(source, wares).await?;
        Ok(wares.into_iter().map(|ware| (ware.id, ware)).collect())
    }

    pub(super) async fn wares_by_sku(
        &self,
        source: Source<'_>,
        skus: &[String],
    ) -> Result<HashMap<String, Ware>, DbError> {
        let wares = wares(source, product_variant::Column::Sku, skus).await?;
        let wares = self.with_sales(source, wares).await?;
        Ok(wares.into_iter().map(|ware| (ware.sku.clone(), ware)).collect())
    }

    async fn with_sales(
        &self,
        source: Source<'_>,
        mut wares: Vec<Ware>,
    ) -> Result<Vec<Ware>, DbError> {
        let variants: Vec<Uuid> = wares.iter().map(|ware| ware.id).collect();
        let mut running = match source {
            Source::Db(_) => self.flash_sales.find_running(&variants).await?,
            Source::Tx(tx) => self.flash_sales.find_running_in_txn(tx, &variants).await?,
        };
        for ware in &mut wares {
            ware.sale = running.remove(&ware.id);
        }
        Ok(wares)
    }
}

/// SKUs as they can be looked for.
pub(super) fn storable<'a>(skus: impl Iterator<Item = &'a str>) -> Vec<String> {
    // Postgres knows no NUL and would refuse the statement.
    skus.filter(|sku| !sku.contains('\0')).map(|sku| sku.trim().to_owned()).collect()
}

#[derive(FromQueryResult)]
struct WareRow {
    id: Uuid,
    sku: String,
    name: String,
    options: serde_json::Value,
    status: String,
    product_name: String,
    product_status: String,
    price_currency: Option<String>,
    price_amount: Option<i64>,
}

async fn wares<T: Clone + Into<Value>>(
    source: Source<'_>,
    by: product_variant::Column,
    keys: &[T],
) -> Result<Vec<Ware>, DbError> {
    let mut wares: HashMap<Uuid, Ware> = HashMap::new();
    for keys in keys.chunks(MAX_KEYS) {
        let select = select_wares(among(Expr::col((product_variant::Entity, by)), keys));
        for mut row in source.all::<WareRow>(&select).await? {
            let price = row.price_currency.take().zip(row.price_amount);
            let ware = wares.entry(row.id).or_insert_with(|| ware(row));
            if let Some((code, minor)) = price {
                ware.prices.push(Money { minor, currency: currency(&code)? });
            }
        }
    }
    Ok(wares.into_values().collect())
}

fn ware(row: WareRow) -> Ware {
    let variant = VariantStatus::from_word(&row.status);
    let product = ProductStatus::from_word(&row.product_status);
    Ware {
        id: row.id,
        sku: row.sku,
        product_name: row.product_name,
        name: row.name,
        // Written by the catalogue alone; what cannot be read is shown as no options.
        options: serde_json::from_value(row.options).unwrap_or_default(),
        is_sold: variant == VariantStatus::Active && product == ProductStatus::Active,
        prices: Vec::new(),
        sale: None,
    }
}

fn select_wares(condition: SimpleExpr) -> SelectStatement {
    use product_variant::Column;
    let of_variant = |column: Column| (product_variant::Entity, column);
    let mut select = Query::select();
    select
        .column(of_variant(Column::Id))
        .column(of_variant(Column::Sku))
        .column(of_variant(Column::Name))
        .column(of_variant(Column::Options))
        .column(of_variant(Column::Status))
        .expr_as(Expr::col((product::Entity, product::Column::Name)), "product_name")
        .expr_as(Expr::col((product::Entity, product::Column::Status)), "product_status")
        .expr_as(
            Expr::col((variant_price::Entity, variant_price::Column::Currency)),
            "price_currency",
        )
        .expr_as(Expr::col((variant_price::Entity, variant_price::Column::Amount)), "price_amount")
        .from(product_variant::Entity)
        .inner_join(
            product::Entity,
            Expr::col((product::Entity, product::Column::Id)).equals(of_variant(Column::ProductId)),
        )
        .join(
            JoinType::LeftJoin,
            variant_price::Entity,
            Expr::col((variant_price::Entity, variant_price::Column::VariantId))
                .equals(of_variant(Column::Id)),
        )
        .and_where(condition);
    select
}

#[derive(FromQueryResult)]
struct MethodRow {
    #[sea_orm(nested)]
    method: shipping_method::Model,
    price_currency: Option<String>,
    from_subtotal: Option<i64>,
    price: Option<i64>,
}

/// Shipping methods with their prices, in display order.
pub(super) async fn shipping_methods(
    source: Source<'_>,
    active_only: bool,
) -> Result<Vec<ShippingSettings>, DbError> {
    use shipping_method::{Column, Entity};
    let of_price = |column| Expr::col((shipping_price::Entity, column));
    let mut select = Query::select();
    select
        .column((Entity, Asterisk))
        .expr_as(of_price(shipping_price::Column::Currency), "price_currency")
        .expr_as(of_price(shipping_price::Column::FromSubtotal), "from_subtotal")
        .expr_as(of_price(shipping_price::Column::Price), "price")
        .from(Entity)
        .join(
            JoinType::LeftJoin,
            shipping_price::Entity,
            of_price(shipping_price::Column::Method).equals((Entity, Column::Code)),
        )
        .order_by((Entity, Column::Position), Order::Asc)
        .order_by((Entity, Column::Code), Order::Asc)
        .order_by((shipping_price::Entity, shipping_price::Column::Currency), Order::Asc)
        .order_by((shipping_price::Entity, shipping_price::Column::FromSubtotal), Order::Asc);
    if active_only {
        select.and_where(Expr::col((Entity, Column::Active)).eq(true));
    }
    let mut methods: Vec<(shipping_method::Model, Vec<ShippingPrice>)> = Vec::new();
    for row in source.all::<MethodRow>(&select).await? {
        if methods.last().is_none_or(|(last, _)| last.code != row.method.code) {
            methods.push((row.method, Vec::new()));
        }
        let price = row.price_currency.zip(row.from_subtotal).zip(row.price);
        if let (Some(((code, from_subtotal), price)), Some((_, prices))) =
            (price, methods.last_mut())
        {
            prices.push(ShippingPrice { currency: currency(&code)?, from_subtotal, price });
        }
    }
    Ok(methods.into_iter().map(|(method, prices)| shipping(method, prices)).collect())
}

/// The rates of these countries and that of everywhere else.
async fn tax_rates(source: Source<'_>, codes: &BTreeSet<&str>) -> Result<Vec<TaxRate>, DbError> {
    let codes: Vec<&str> = codes.iter().copied().chain([EVERYWHERE_ELSE]).collect();
    let mut select = Query::select();
    select
        .column((tax_rate::Entity, Asterisk))
        .from(tax_rate::Entity)
        .and_where(among(Expr::col(tax_rate::Column::Country), &codes));
    let models: Vec<tax_rate::Model> = source.all(&select).await?;
    Ok(models.into_iter().map(TaxRate::from).collect())
}
