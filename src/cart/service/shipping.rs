//! The shipping methods of the shop, as administrators set them.

use crate::audit::{AuditAction, AuditSubject, NewAuditEvent, record_in_txn};
use crate::auth::{Permission, Viewer};
use crate::cart::pricing::MAX_LINE_TOTAL;
use crate::cart::service::facts::shipping_methods;
use crate::cart::service::tax::check_version;
use crate::cart::service::{Carts, Source, log_in_txn};
use crate::cart::{CartError, ShippingPrice, ShippingSettings};
use crate::country::Country;
use crate::db::Tx;
use crate::money::{Currency, Money, MoneyError};
use crate::validation::{Problem, ProblemKind, optional_text, required_line};
use entity::shipping_method::{Column, Entity};
use entity::shipping_price;
use sea_orm::sea_query::{Expr, ExprTrait, Query, SimpleExpr};

const MAX_CODE_CHARS: usize = 40;
const MAX_NAME_CHARS: usize = 100;
const MAX_DESCRIPTION_CHARS: usize = 500;
/// Every cart looks at all methods: there are not many.
const MAX_METHODS: usize = 50;
const MAX_PRICES: usize = 200;

/// A shipping method as it is to be.
#[derive(Debug, Clone)]
pub struct ShippingChange {
    /// Names it for ever: small letters, digits and hyphens.
    pub code: String,
    /// For people.
    pub name: String,
    /// More for people; may be empty.
    pub description: String,
    /// Where it goes; None: everywhere.
    pub countries: Option<Vec<Country>>,
    /// Methods are shown in the order of their positions.
    pub position: i32,
    /// Whether it can be chosen.
    pub active: bool,
    /// What it costs.
    pub prices: Vec<ShippingPriceAsk>,
    /// Only if the method still has this version.
    pub expected_version: Option<i64>,
}

/// What a method is to cost, as the client wrote it.
#[derive(Debug, Clone)]
pub struct ShippingPriceAsk {
    /// Of both amounts.
    pub currency: Currency,
    /// The price, as a decimal.
    pub amount: String,
    /// The least subtotal that it is for, as a decimal; None: 0.
    pub from_subtotal: Option<String>,
}

impl ShippingChange {
    /// What is to be written; everything that is wrong otherwise.
    fn checked(&self) -> Result<ShippingSettings, CartError> {
        let mut problems = Vec::new();
        let mut keep = |checked: Result<String, Problem>| {
            checked.unwrap_or_else(|problem| {
                problems.push(problem);
                String::new()
            })
        };
        let code = keep(check_code(&self.code));
        let name = keep(required_line("name", &self.name, MAX_NAME_CHARS));
        let description =
            keep(optional_text("description", &self.description, MAX_DESCRIPTION_CHARS));
        if self.countries.as_ref().is_some_and(Vec::is_empty) {
            let message = "Name a country, or leave countries out: then it goes everywhere.";
            problems.push(Problem::new(ProblemKind::Invalid, ["countries"], message));
        }
        let countries = self.countries.clone().map(|mut countries| {
            countries.sort_by_key(|country| country.code());
            countries.dedup();
            countries
        });
        let prices = check_prices(&self.prices, &mut problems);
        if !problems.is_empty() {
            return Err(CartError::Invalid(problems));
        }
        Ok(ShippingSettings {
            code,
            name,
            description,
            countries,
            position: self.position,
            active: self.active,
            prices,
            version: 0,
            updated_at: crate::db::Timestamp::UNIX_EPOCH,
        })
    }
}

fn check_code(code: &str) -> Result<String, Problem> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if (1..=MAX_CODE_CHARS).contains(&code.len()) && code.chars().all(plain) {
        return Ok(code.to_owned());
    }
    let message =
        format!("code must have 1 to {MAX_CODE_CHARS} small letters, digits and hyphens.");
    Err(Problem::new(ProblemKind::Invalid, ["code"], message))
}

fn check_prices(asks: &[ShippingPriceAsk], problems: &mut Vec<Problem>) -> Vec<ShippingPrice> {
    let mut prices: Vec<ShippingPrice> = Vec::with_capacity(asks.len());
    if asks.len() > MAX_PRICES {
        let message = format!("A method has at most {MAX_PRICES} prices.");
        problems.push(Problem::new(ProblemKind::TooLong, ["prices"], message));
        return prices;
    }
    for (index, ask) in asks.iter().enumerate() {
        let at = |field: &str| ["prices".to_owned(), index.to_string(), field.to_owned()];
        let mut read = |field: &str, text: &str| {
            amount(field, text, ask.currency)
                .map_err(|problem| {
                    let place = ["prices".to_owned(), index.to_string()];
                    problems.push(problem.within(place));
                })
                .ok()
        };
        let price = read("amount", &ask.amount);
        let from_subtotal = read("fromSubtotal", ask.from_subtotal.as_deref().unwrap_or("0"));
        let (Some(price), Some(from_subtotal)) = (price, from_subtotal) else { continue };
        let new = ShippingPrice { currency: ask.currency, from_subtotal, price };
        let same = |one: &ShippingPrice| {
            (one.currency, one.from_subtotal) == (new.currency, new.from_subtotal)
        };
        if prices.iter().any(same) {
            let message = "There is another price for the same currency and subtotal.";
            problems.push(Problem::new(ProblemKind::AlreadyExists, at("fromSubtotal"), message));
        } else {
            prices.push(new);
        }
    }
    prices
}

fn amount(field: &str, text: &str, currency: Currency) -> Result<i64, Problem> {
    let problem = |kind, message: String| Problem::new(kind, [field], message);
    match Money::parse(text, currency) {
        Ok(money) if (0..=MAX_LINE_TOTAL).contains(&money.minor) => Ok(money.minor),
        Ok(_) | Err(MoneyError::TooLarge) => {
            let most = Money { minor: MAX_LINE_TOTAL, currency }.amount();
            let message = format!("{field} must be between 0 and {most}.");
            Err(problem(ProblemKind::OutOfRange, message))
        }
        Err(error) => Err(problem(ProblemKind::Invalid, format!("{field} {error}."))),
    }
}

impl Carts {
    /// All shipping methods, in display order, those that cannot be chosen included. Staff only.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_shipping_methods(
        &self,
        viewer: &Viewer,
    ) -> Result<Vec<ShippingSettings>, CartError> {
        viewer.may(Permission::SalesSettingsRead)?;
        Ok(shipping_methods(Source::Db(&self.db), false).await?)
    }

    /// Sets a shipping method as a whole, whether or not there was one of its code.
    /// Administrators only.
    ///
    /// # Errors
    /// [`CartError::Invalid`] with everything that is wrong, [`CartError::VersionConflict`].
    pub async fn set_shipping_method(
        &self,
        viewer: &Viewer,
        change: &ShippingChange,
    ) -> Result<ShippingSettings, CartError> {
        viewer.may(Permission::SalesSettingsWrite)?;
        let checked = &change.checked()?;
        self.db
            .tx(|tx| async move {
                log_in_txn(&tx, viewer, "set a shipping method", &checked.code);
                let set = set_in_txn(&tx, checked, change.expected_version).await;
                let (old, new) = set.map_err(CartError::or_again)?;
                let subject = AuditSubject::shipping_method(&new.code);
                let event = NewAuditEvent::new(AuditAction::ShippingMethodSet, subject);
                let event = match old {
                    Some(old) => event.old_value(told(&old)),
                    None => event,
                };
                record_in_txn(&tx, viewer, event.new_value(told(&new))).await?;
                Ok(new)
            })
            .await
    }
}

/// A method as the audit log tells it.
fn told(method: &ShippingSettings) -> serde_json::Value {
    let countries = method.countries.as_ref();
    let price = |price: &ShippingPrice| {
        serde_json::json!({
            "currency": price.currency.code(),
            "fromSubtotal": price.from_subtotal,
            "price": price.price,
        })
    };
    serde_json::json!({
        "code": method.code,
        "countries": countries.map(|all| all.iter().map(|it| it.code()).collect::<Vec<_>>()),
        "active": method.active,
        "prices": method.prices.iter().map(price).collect::<Vec<_>>(),
    })
}

/// Gives the method that there was, and the one that there is.
async fn set_in_txn(
    tx: &Tx,
    new: &ShippingSettings,
    expected_version: Option<i64>,
) -> Result<(Option<ShippingSettings>, ShippingSettings), CartError> {
    let mut lock = Query::select();
    lock.column(Column::Code)
        .column(Column::Version)
        .from(Entity)
        .and_where(Expr::col(Column::Code).eq(new.code.as_str()))
        .lock_exclusive();
    #[derive(sea_orm::FromQueryResult)]
    struct Found {
        version: i64,
    }
    let found: Option<Found> = tx.one(&lock).await?;
    let version = found.as_ref().map_or(0, |found| found.version);
    check_version(expected_version, version)?;
    let before = shipping_methods(Source::Tx(tx), false).await?;
    let before = before.into_iter().find(|method| method.code == new.code);
    let codes = |countries: &Vec<Country>| {
        countries.iter().map(|country| country.code()).collect::<serde_json::Value>()
    };
    let values = vec![
        (Column::Name, Expr::value(new.name.as_str())),
        (Column::Description, Expr::value(new.description.as_str())),
        (Column::Countries, Expr::value(new.countries.as_ref().map(codes))),
        (Column::Position, Expr::value(new.position)),
        (Column::Active, Expr::value(new.active)),
        (Column::Version, Expr::value(version.saturating_add(1))),
        (Column::UpdatedAt, tx.db().now_sql()),
    ];
    match found {
        Some(_) => update_in_txn(tx, new, values).await?,
        None => insert_in_txn(tx, new, values).await?,
    }
    write_prices_in_txn(tx, new).await?;
    let all = shipping_methods(Source::Tx(tx), false).await?;
    if all.len() > MAX_METHODS && found.is_none() {
        let message = format!("The shop has at most {MAX_METHODS} shipping methods.");
        return Err(Problem::new(ProblemKind::LimitReached, ["code"], message).into());
    }
    let written = all.into_iter().find(|method| method.code == new.code);
    let written = written
        .ok_or_else(|| CartError::fault("a shipping method was written and is not there"))?;
    Ok((before, written))
}

async fn update_in_txn(
    tx: &Tx,
    new: &ShippingSettings,
    values: Vec<(Column, SimpleExpr)>,
) -> Result<(), CartError> {
    let mut update = Query::update();
    update.table(Entity).values(values).and_where(Expr::col(Column::Code).eq(new.code.as_str()));
    tx.run(&update).await?;
    let mut delete = Query::delete();
    delete
        .from_table(shipping_price::Entity)
        .and_where(Expr::col(shipping_price::Column::Method).eq(new.code.as_str()));
    tx.run(&delete).await?;
    Ok(())
}

async fn insert_in_txn(
    tx: &Tx,
    new: &ShippingSettings,
    values: Vec<(Column, SimpleExpr)>,
) -> Result<(), CartError> {
    let own =
        [(Column::Code, Expr::value(new.code.as_str())), (Column::CreatedAt, tx.db().now_sql())];
    let (columns, values): (Vec<Column>, Vec<SimpleExpr>) = own.into_iter().chain(values).unzip();
    let mut insert = Query::insert();
    insert.into_table(Entity).columns(columns).values_panic(values);
    tx.run(&insert).await?;
    Ok(())
}

async fn write_prices_in_txn(tx: &Tx, new: &ShippingSettings) -> Result<(), CartError> {
    use shipping_price::Column;
    if new.prices.is_empty() {
        return Ok(());
    }
    let mut insert = Query::insert();
    insert.into_table(shipping_price::Entity).columns([
        Column::Method,
        Column::Currency,
        Column::FromSubtotal,
        Column::Price,
    ]);
    for price in &new.prices {
        insert.values_panic([
            Expr::value(new.code.as_str()),
            Expr::value(price.currency.code()),
            Expr::value(price.from_subtotal),
            Expr::value(price.price),
        ]);
    }
    tx.run(&insert).await?;
    Ok(())
}
