//! The rows that goods are priced by: a fixed number of statements for any number of carts, and
//! never a cache.

use crate::auth::Viewer;
use crate::cache::reads;
use crate::cart::quote::{Facts, Ware};
use crate::cart::service::row::{currency, shipping};
use crate::cart::service::{Carts, Source};
use crate::cart::{
    CartError, Destination, EVERYWHERE_ELSE, ShippingPrice, ShippingSettings, TaxRate,
};
use crate::catalog::{ProductStatus, VariantStatus};
use crate::db::keys::{MAX_KEYS, among};
use crate::db::{DbError, Tx};
use crate::flash_sale::{self, FlashSales, SaleRow};
use crate::money::{Currency, Money};
use crate::stock::{Served, ServedRow, StockError, select_served};
use entity::{
    product, product_variant, shipping_method, shipping_price, stock_level, tax_rate, variant_price,
};
use sea_orm::sea_query::{
    Alias, Asterisk, Expr, ExprTrait, IntoColumnRef, JoinType, Query, SelectStatement, SimpleExpr,
    Value,
};
use sea_orm::{DbErr, FromQueryResult, IdenStatic, Iterable, QueryResult};
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

impl Carts {
    /// What is known of these variants, and of sending goods to these places; prices in these
    /// currencies.
    pub(super) async fn facts(
        &self,
        source: Source<'_>,
        variants: &[Uuid],
        places: &[&Destination],
        currencies: &[Currency],
    ) -> Result<Facts, DbError> {
        Ok(self.facts_and_levels(source, variants, (places, currencies), false).await?.0)
    }

    /// The same for whoever is about to take the pieces: with their levels.
    pub(super) async fn facts_in_txn(
        &self,
        tx: &Tx,
        variants: &[Uuid],
        places: &[&Destination],
        currency: Currency,
    ) -> Result<(Facts, Served), DbError> {
        self.facts_and_levels(Source::Tx(tx), variants, (places, &[currency]), true).await
    }

    async fn facts_and_levels(
        &self,
        source: Source<'_>,
        variants: &[Uuid],
        (places, currencies): (&[&Destination], &[Currency]),
        levels: bool,
    ) -> Result<(Facts, Served), DbError> {
        let countries: BTreeSet<&str> = places.iter().map(|place| place.country.code()).collect();
        let currencies: BTreeSet<&str> =
            currencies.iter().map(|currency| currency.code()).collect();
        if let Source::Db(_) = source {
            reads::note_variants(variants);
        }
        // Wares, sales and levels name the keys.
        let at_once = Ord::min(variants.len(), MAX_KEYS / 3);
        let (variants, others) = variants.split_at(at_once);
        let with_levels = if levels { variants } else { &[] };
        let select =
            select_facts(&self.flash_sales, (variants, with_levels), &countries, &currencies);
        let mut served = Served { variants: with_levels.to_vec(), rows: Vec::new() };
        let (mut wares, mut sales) = (Vec::new(), Vec::new());
        let (mut methods, mut rates) = (Vec::new(), Vec::new());
        for row in source.all::<FactRow>(&select).await? {
            match row {
                FactRow::Ware(row) => wares.push(row),
                FactRow::Sale(row) => sales.push(row),
                FactRow::Method(row) => methods.push(row),
                FactRow::Rate(row) => rates.push(TaxRate::from(row)),
                FactRow::Level(row) => served.rows.push(row),
            }
        }
        let mut sales = flash_sale::running(sales);
        let mut wares = gather_wares(wares)?;
        for ware in wares.values_mut() {
            ware.sale = sales.remove(&ware.id);
        }
        if !others.is_empty() {
            wares.extend(self.wares_by_id(source, others).await?);
        }
        let methods = gather_methods(methods)?;
        Ok((Facts { wares, available: None, had: None, methods, rates }, served))
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
    let mut rows: Vec<WareRow> = Vec::new();
    for keys in keys.chunks(MAX_KEYS) {
        let select = select_wares(among(Expr::col((product_variant::Entity, by)), keys), None);
        rows.append(&mut source.all(&select).await?);
    }
    Ok(gather_wares(rows)?.into_values().collect())
}

/// Wares with all of their prices.
fn gather_wares(rows: Vec<WareRow>) -> Result<HashMap<Uuid, Ware>, DbError> {
    let mut wares: HashMap<Uuid, Ware> = HashMap::new();
    for mut row in rows {
        let price = row.price_currency.take().zip(row.price_amount);
        let ware = wares.entry(row.id).or_insert_with(|| ware(row));
        if let Some((code, minor)) = price {
            ware.prices.push(Money { minor, currency: currency(&code)? });
        }
    }
    Ok(wares)
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

/// Prices in these currencies; None: in all.
fn select_wares(condition: SimpleExpr, currencies: Option<&BTreeSet<&str>>) -> SelectStatement {
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
            are_in(
                Expr::col((variant_price::Entity, variant_price::Column::VariantId))
                    .equals(of_variant(Column::Id)),
                (variant_price::Entity, variant_price::Column::Currency),
                currencies,
            ),
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
    gather_methods(source.all(&select_methods(active_only, None)).await?)
}

/// Prices in these currencies; None: in all.
fn select_methods(active_only: bool, currencies: Option<&BTreeSet<&str>>) -> SelectStatement {
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
            are_in(
                of_price(shipping_price::Column::Method).equals((Entity, Column::Code)),
                (shipping_price::Entity, shipping_price::Column::Currency),
                currencies,
            ),
        );
    if active_only {
        select.and_where(Expr::col((Entity, Column::Active)).eq(true));
    }
    select
}

fn gather_methods(mut rows: Vec<MethodRow>) -> Result<Vec<ShippingSettings>, DbError> {
    rows.sort_by(|a, b| {
        let by = |row: &MethodRow| (row.method.position, row.from_subtotal);
        let ((a_position, a_from), (b_position, b_from)) = (by(a), by(b));
        a_position
            .cmp(&b_position)
            .then_with(|| a.method.code.cmp(&b.method.code))
            .then_with(|| a.price_currency.cmp(&b.price_currency))
            .then(a_from.cmp(&b_from))
    });
    let mut methods: Vec<(shipping_method::Model, Vec<ShippingPrice>)> = Vec::new();
    for row in rows {
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

/// Which prices belong to something, of those in these currencies.
fn are_in(
    belong: SimpleExpr,
    currency: impl IntoColumnRef,
    currencies: Option<&BTreeSet<&str>>,
) -> SimpleExpr {
    let Some(currencies) = currencies else { return belong };
    let codes: Vec<&str> = currencies.iter().copied().collect();
    belong.and(among(Expr::col(currency), &codes))
}

/// The rates of these countries and that of everywhere else; of no countries none.
fn select_rates(codes: &BTreeSet<&str>) -> SelectStatement {
    let elsewhere = (!codes.is_empty()).then_some(EVERYWHERE_ELSE);
    let codes: Vec<&str> = codes.iter().copied().chain(elsewhere).collect();
    let mut select = Query::select();
    select
        .column((tax_rate::Entity, Asterisk))
        .from(tax_rate::Entity)
        .and_where(among(Expr::col(tax_rate::Column::Country), &codes));
    select
}

/// One of the rows that goods are priced by.
enum FactRow {
    Ware(WareRow),
    Sale(SaleRow),
    Method(MethodRow),
    Rate(tax_rate::Model),
    Level(ServedRow),
}

impl FromQueryResult for FactRow {
    fn from_query_result(row: &QueryResult, _: &str) -> Result<Self, DbErr> {
        if row.try_get::<Option<Uuid>>("ware_", "id")?.is_some() {
            return WareRow::from_query_result(row, "ware_").map(Self::Ware);
        }
        if row.try_get::<Option<String>>("method_", "code")?.is_some() {
            return MethodRow::from_query_result(row, "method_").map(Self::Method);
        }
        if row.try_get::<Option<Uuid>>("rate_", "id")?.is_some() {
            return tax_rate::Model::from_query_result(row, "rate_").map(Self::Rate);
        }
        if row.try_get::<Option<Uuid>>("", "id")?.is_some() {
            return SaleRow::from_query_result(row, "").map(Self::Sale);
        }
        ServedRow::from_query_result(row, "level_").map(Self::Level)
    }
}

/// Everything that goods are priced by, in one statement: its parts stand in rows of their own.
fn select_facts(
    flash_sales: &FlashSales,
    (variants, levels): (&[Uuid], &[Uuid]),
    countries: &BTreeSet<&str>,
    currencies: &BTreeSet<&str>,
) -> SelectStatement {
    let names = ["id", "sku", "name", "options", "status", "product_name", "product_status"];
    let wares = names.into_iter().chain(["price_currency", "price_amount"]).map(str::to_owned);
    let method = ["price_currency", "from_subtotal", "price"].map(str::to_owned);
    let methods = shipping_method::Column::iter().map(|it| it.as_str().to_owned()).chain(method);
    let rates = tax_rate::Column::iter().map(|it| it.as_str().to_owned());
    let mut select = Query::select();
    prefix(&mut select, "ware", wares);
    prefix(&mut select, "method", methods);
    prefix(&mut select, "rate", rates);
    let of_variants =
        among(Expr::col((product_variant::Entity, product_variant::Column::Id)), variants);
    select
        .column((Alias::new("sale"), Asterisk))
        .from_subquery(select_wares(of_variants, Some(currencies)), "ware");
    let mut beside = |part: SelectStatement, name: &'static str| {
        select.join_subquery(JoinType::FullOuterJoin, part, name, Expr::cust("1 = 2"));
    };
    beside(flash_sales.select_unended(variants), "sale");
    beside(select_methods(true, Some(currencies)), "method");
    beside(select_rates(countries), "rate");
    if !levels.is_empty() {
        beside(select_served(levels), "level");
        let level = stock_level::Column::iter().map(|it| it.as_str().to_owned());
        prefix(&mut select, "level", level.chain(["priority".to_owned()]));
    }
    select
}

/// Selects columns of a part under names of their own.
fn prefix(select: &mut SelectStatement, part: &str, columns: impl Iterator<Item = String>) {
    for column in columns {
        let name = format!("{part}_{column}");
        select.expr_as(Expr::col((Alias::new(part), Alias::new(column))), Alias::new(name));
    }
}
