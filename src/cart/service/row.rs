//! How rows become carts, lines and settings, and which carts a viewer may use.

use crate::auth::Viewer;
use crate::cart::contents::Line;
use crate::cart::{Cart, Destination, ShippingPrice, ShippingSettings, TaxRate};
use crate::country::Country;
use crate::db::{Db, DbError, DbErrorKind};
use crate::money::Currency;
use entity::cart::{Column, Entity, Model};
use entity::{cart_line, shipping_method, tax_rate};
use sea_orm::sea_query::{Expr, ExprTrait, SimpleExpr};

/// The words of the column `status`.
pub(super) const OPEN: &str = "OPEN";
pub(super) const COMPLETED: &str = "COMPLETED";
pub(super) const MERGED: &str = "MERGED";

pub(super) fn column(column: Column) -> SimpleExpr {
    Expr::col((Entity, column))
}

/// Carts that can still be bought.
pub(super) fn is_open(db: &Db) -> SimpleExpr {
    column(Column::Status).eq(OPEN).and(column(Column::ExpiresAt).gt(db.now_sql()))
}

/// Carts that the viewer may use: a guest's by whoever knows the key, a customer's by that customer
/// alone.
pub(super) fn is_usable_by(viewer: &Viewer) -> SimpleExpr {
    let guests = column(Column::CustomerId).is_null();
    match viewer.user_id() {
        Some(own) => guests.or(column(Column::CustomerId).eq(own)),
        None => guests,
    }
}

pub(super) fn cart(model: Model) -> Result<Cart, DbError> {
    let currency = currency(&model.currency)?;
    // Only codes of the standard are written; one of a later version is shown as unknown.
    let country = model.country.map(|code| Country::from_code(&code).unwrap_or(Country::UNKNOWN));
    let (region, postal_code) = (model.region, model.postal_code);
    Ok(Cart {
        id: model.id,
        customer_id: model.customer_id,
        currency,
        destination: country.map(|country| Destination { country, region, postal_code }),
        shipping_method: model.shipping_method,
        version: model.version,
        created_at: model.created_at,
        updated_at: model.updated_at,
        expires_at: model.expires_at,
    })
}

pub(super) fn currency(code: &str) -> Result<Currency, DbError> {
    Currency::from_code(code).ok_or_else(|| DbError {
        kind: DbErrorKind::Fault,
        constraint: None,
        message: format!("{code} is no currency"),
    })
}

impl From<cart_line::Model> for Line {
    fn from(model: cart_line::Model) -> Self {
        Self {
            id: model.id,
            variant_id: model.variant_id,
            position: model.position,
            quantity: model.quantity,
            seen_price: model.seen_price,
        }
    }
}

impl From<tax_rate::Model> for TaxRate {
    fn from(model: tax_rate::Model) -> Self {
        let is_a_country = model.country != crate::cart::EVERYWHERE_ELSE;
        let country =
            is_a_country.then(|| Country::from_code(&model.country).unwrap_or(Country::UNKNOWN));
        Self {
            id: model.id,
            country,
            region: Some(model.region).filter(|region| !region.is_empty()),
            name: model.name,
            rate_ppm: model.rate_ppm,
            taxes_shipping: model.taxes_shipping,
            version: model.version,
            updated_at: model.updated_at,
        }
    }
}

/// A method with its prices.
pub(super) fn shipping(
    model: shipping_method::Model,
    prices: Vec<ShippingPrice>,
) -> ShippingSettings {
    let codes = model.countries.map(serde_json::from_value::<Vec<String>>);
    // Written by this program alone; what cannot be read is shown as nowhere.
    let codes = codes.map(Result::unwrap_or_default);
    ShippingSettings {
        code: model.code,
        name: model.name,
        description: model.description,
        countries: codes
            .map(|codes| codes.iter().filter_map(|code| Country::from_code(code)).collect()),
        position: model.position,
        active: model.active,
        prices,
        version: model.version,
        updated_at: model.updated_at,
    }
}
