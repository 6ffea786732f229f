//! Where the goods of a cart go, and how.

use crate::auth::{Permission, Viewer};
use crate::cart::quote::{Ask, Choice, assemble};
use crate::cart::service::keyed::bind;
use crate::cart::service::lock::lines_in_txn;
use crate::cart::service::quote::not_offered;
use crate::cart::service::row::column;
use crate::cart::service::{Carts, Changed, Source};
use crate::cart::{Cart, CartError, Destination, Item};
use crate::country::Country;
use crate::db::{DbError, Tx};
use crate::validation::{Problem, ProblemKind};
use entity::cart::{Column, Entity};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use uuid::Uuid;

/// What is to change of a cart's delivery; what is None stays.
#[derive(Debug, Clone, Default)]
pub struct Delivery {
    /// The country. With it the whole destination is another.
    pub country: Option<Country>,
    /// State, province or the like.
    pub region: Option<String>,
    /// The postal code.
    pub postal_code: Option<String>,
    /// The code of a shipping method.
    pub shipping_method: Option<String>,
}

impl Delivery {
    /// The destination, if there is a new one.
    fn destination(&self) -> Result<Option<Destination>, CartError> {
        let (region, postal_code) = (self.region.clone(), self.postal_code.clone());
        let nothing = region.is_none() && postal_code.is_none();
        match self.country {
            Some(country) => {
                let destination = Destination { country, region, postal_code };
                destination.checked().map(Some).map_err(CartError::Invalid)
            }
            None if nothing && self.shipping_method.is_some() => Ok(None),
            None => {
                let message = "Say the country of the destination.";
                Err(Problem::new(ProblemKind::Required, ["country"], message).into())
            }
        }
    }
}

impl Carts {
    /// Sets where the goods of a cart go and how, so that its total is what will be charged.
    ///
    /// # Errors
    /// [`CartError::Invalid`] with everything that is wrong, [`CartError::VersionConflict`].
    pub async fn set_delivery(
        &self,
        viewer: &Viewer,
        cart_id: Uuid,
        delivery: &Delivery,
        expected_version: Option<i64>,
        idempotency_key: Option<&str>,
    ) -> Result<Changed, CartError> {
        viewer.may(Permission::CartUse)?;
        let Delivery { country, region, postal_code, shipping_method } = delivery;
        let country = country.map(Country::code);
        let input = (country, region, postal_code, shipping_method, expected_version);
        let key = bind(viewer, cart_id, "cartDeliverySet", idempotency_key, &input)?;
        let destination = &delivery.destination()?;
        self.keyed(key, |tx| async move {
            let cart = self.change_in_txn(&tx, viewer, cart_id, expected_version).await?;
            let destination = destination.clone().or_else(|| cart.destination.clone());
            if let Some(code) = shipping_method {
                self.check_offered_in_txn(&tx, &cart, destination.as_ref(), code).await?;
            }
            let method = shipping_method.clone().or_else(|| cart.shipping_method.clone());
            write_in_txn(&tx, cart.id, destination.as_ref(), method.as_deref()).await?;
            Ok((cart.id, Vec::new()))
        })
        .await
    }

    async fn check_offered_in_txn(
        &self,
        tx: &Tx,
        cart: &Cart,
        destination: Option<&Destination>,
        code: &str,
    ) -> Result<(), CartError> {
        let lines = lines_in_txn(tx, cart.id).await?;
        let items: Vec<Item> = lines.iter().map(Item::from).collect();
        let variants: Vec<Uuid> = lines.iter().map(|line| line.variant_id).collect();
        let places: Vec<&Destination> = destination.into_iter().collect();
        let currencies = [cart.currency];
        let facts = self.facts(Source::Tx(tx), &variants, &places, &currencies).await?;
        let method = Choice::This(code);
        let ask = Ask { currency: cart.currency, items: &items, destination, method };
        let quote = assemble(&ask, &facts).map_err(|error| CartError::fault(error.to_string()))?;
        if quote.shipping_method.is_some() {
            return Ok(());
        }
        let is_known = facts.methods.iter().any(|method| method.code == code);
        Err(not_offered(code, is_known).into())
    }
}

/// Writes where the goods of a locked cart go, and how.
pub(super) async fn write_in_txn(
    tx: &Tx,
    cart_id: Uuid,
    destination: Option<&Destination>,
    method: Option<&str>,
) -> Result<(), DbError> {
    let text = |text: Option<&String>| Expr::value(text.cloned());
    let country = destination.map(|place| place.country.code());
    let region = destination.and_then(|place| place.region.as_ref());
    let postal_code = destination.and_then(|place| place.postal_code.as_ref());
    let mut update = Query::update();
    update
        .table(Entity)
        .value(Column::Country, country)
        .value(Column::Region, text(region))
        .value(Column::PostalCode, text(postal_code))
        .value(Column::ShippingMethod, method)
        .and_where(column(Column::Id).eq(cart_id));
    tx.run(&update).await.map(drop)
}
