//! Look-ups of many carts at once: what loaders call. Who may see one is part of every query.

use crate::auth::Viewer;
use crate::cart::quote::{Ask, Choice, assemble};
use crate::cart::service::lock::{lines_of, select_carts};
use crate::cart::service::row::{cart, column, is_open, is_usable_by};
use crate::cart::service::{Carts, Source};
use crate::cart::{Cart, CartError, Destination, Item, Quote};
use crate::db::DbError;
use crate::db::keys::{MAX_KEYS, among};
use crate::money::Currency;
use entity::cart::{Column, Model};
use entity::cart_line;
use sea_orm::sea_query::{Expr, SimpleExpr};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use uuid::Uuid;

/// A cart with what is in it, priced at the moment of reading.
#[derive(Clone)]
pub struct Contents {
    /// The cart.
    pub cart: Arc<Cart>,
    /// Its lines and what they cost, with what the buyer has to know about them.
    pub quote: Quote,
}

impl Carts {
    /// Carts by key, those that the viewer may use.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_carts(
        &self,
        viewer: &Viewer,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Arc<Cart>>, CartError> {
        let carts = self.read_carts(viewer, Column::Id, ids).await?;
        Ok(carts.into_iter().map(|cart| (cart.id, Arc::new(cart))).collect())
    }

    /// The open carts of customers: the viewer's own alone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_carts_of(
        &self,
        viewer: &Viewer,
        customers: &[Uuid],
    ) -> Result<HashMap<Uuid, Arc<Cart>>, CartError> {
        let own: Vec<Uuid> =
            customers.iter().copied().filter(|id| viewer.user_id() == Some(*id)).collect();
        if own.is_empty() {
            return Ok(HashMap::new());
        }
        let carts = self.read_carts(viewer, Column::CustomerId, &own).await?;
        let of_customer = |cart: Cart| cart.customer_id.map(|customer| (customer, Arc::new(cart)));
        Ok(carts.into_iter().filter_map(of_customer).collect())
    }

    /// Carts by key with what is in them, those that the viewer may use.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_contents(
        &self,
        viewer: &Viewer,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Arc<Contents>>, CartError> {
        let carts = self.find_carts(viewer, ids).await?;
        let found: Vec<Uuid> = carts.keys().copied().collect();
        let mut items: HashMap<Uuid, Vec<Item>> = HashMap::new();
        let mut variants = HashSet::new();
        for carts in found.chunks(MAX_KEYS) {
            let of_carts = among(Expr::col(cart_line::Column::CartId), carts);
            for line in lines_of(Source::Db(&self.db), of_carts).await? {
                variants.insert(line.variant_id);
                let cart_id = line.cart_id;
                items.entry(cart_id).or_default().push(Item::from(&line.into()));
            }
        }
        let variants: Vec<Uuid> = variants.into_iter().collect();
        let places: Vec<&Destination> =
            carts.values().filter_map(|cart| cart.destination.as_ref()).collect();
        let currencies: Vec<Currency> = carts.values().map(|cart| cart.currency).collect();
        let source = Source::Db(&self.db);
        let mut facts = self.facts(source, &variants, &places, &currencies).await?;
        facts.available = Some(self.available(&variants).await?);
        facts.had = Some(self.had(viewer, &facts.wares).await?);
        let priced = carts.into_iter().map(|(id, cart)| {
            let ask = Ask {
                currency: cart.currency,
                items: items.get(&id).map(Vec::as_slice).unwrap_or_default(),
                destination: cart.destination.as_ref(),
                method: cart.shipping_method.as_deref().map_or(Choice::Open, Choice::This),
            };
            // A hundred lines of the dearest kind, taxed in full, are well below what is too much.
            let quote = assemble(&ask, &facts).map_err(|error| CartError::fault(error.to_string()));
            quote.map(|quote| (id, Arc::new(Contents { cart, quote })))
        });
        priced.collect()
    }

    async fn read_carts(
        &self,
        viewer: &Viewer,
        by: Column,
        keys: &[Uuid],
    ) -> Result<Vec<Cart>, DbError> {
        let mut carts = Vec::with_capacity(keys.len());
        for keys in keys.chunks(MAX_KEYS) {
            let which: SimpleExpr = among(column(by), keys);
            let mut select = select_carts(which);
            select.and_where(is_open(&self.db)).and_where(is_usable_by(viewer));
            for model in self.db.all::<Model>(&select).await? {
                carts.push(cart(model)?);
            }
        }
        Ok(carts)
    }
}
