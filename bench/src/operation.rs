//! What clients do: the documents, their variables, and what a right answer has.

use crate::load::Traffic;
use crate::shop::Shop;
use bytes::Bytes;
use memchr::memmem;
use rand::RngExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many pages the warm traffic goes round in.
pub const WARM_PAGES: usize = 16;
/// Pieces that go into a cart before another one is taken.
const ADDS_PER_CART: usize = 5;

/// A thing that clients do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// A page of products at a random place.
    Page,
    /// One of a few pages that everybody looks at.
    WarmPage,
    /// Categories with their products.
    Nested,
    /// A product's page.
    Detail,
    /// A piece into a cart.
    Add,
    /// A cart with one random variant becomes a paid order.
    Checkout,
    /// The same with one variant that everybody wants.
    HotCheckout,
}

impl Operation {
    /// All of them, in the order of the tables.
    pub const ALL: [Self; 7] = [
        Self::Page,
        Self::WarmPage,
        Self::Nested,
        Self::Detail,
        Self::Add,
        Self::Checkout,
        Self::HotCheckout,
    ];

    /// What the tables call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Page => "product page, cold",
            Self::WarmPage => "product page, warm",
            Self::Nested => "nested catalogue",
            Self::Detail => "product detail",
            Self::Add => "add to cart",
            Self::Checkout => "checkout, random",
            Self::HotCheckout => "checkout, one hot SKU",
        }
    }

    /// The document.
    #[must_use]
    pub fn document(self) -> &'static str {
        match self {
            Self::Page | Self::WarmPage => include_str!("../documents/page.graphql"),
            Self::Nested => include_str!("../documents/nested.graphql"),
            Self::Detail => include_str!("../documents/detail.graphql"),
            Self::Add => include_str!("../documents/add.graphql"),
            Self::Checkout | Self::HotCheckout => include_str!("../documents/checkout.graphql"),
        }
    }

    /// Whether it needs carts, of which each can be used only so often.
    #[must_use]
    pub fn uses_carts(self) -> bool {
        matches!(self, Self::Add | Self::Checkout | Self::HotCheckout)
    }

    /// Whether it is measured without caches: the server has one without them for that.
    #[must_use]
    pub fn is_cold(self) -> bool {
        matches!(self, Self::Page | Self::Nested | Self::Detail)
    }

    /// What a right answer must have, and how often at least.
    fn marks(self) -> &'static [(&'static str, usize)] {
        match self {
            // Each of the 20 products has a category and at least one variant with price and stock.
            Self::Page | Self::WarmPage => {
                &[("\"slug\":", 40), ("\"sku\":", 20), ("\"amount\":", 20), ("\"available\":", 20)]
            }
            Self::Nested => &[("\"inStock\":", 150), ("\"minimum\":", 150)],
            Self::Detail => &[("\"sku\":", 1), ("\"amount\":", 2), ("\"available\":", 1)],
            Self::Add => &[("\"userErrors\":[]", 1), ("\"lineTotal\":", 1)],
            Self::Checkout | Self::HotCheckout => {
                &[("\"userErrors\":[]", 1), ("\"status\":\"PAID\"", 1), ("\"sku\":", 1)]
            }
        }
    }
}

/// The requests of an operation.
pub struct Requests {
    operation: Operation,
    /// The body up to the variables.
    head: String,
    shop: Arc<Shop>,
    carts: Vec<String>,
    cart: AtomicUsize,
}

impl Requests {
    /// Those of an operation; `carts` are for those that need them.
    ///
    /// # Errors
    /// Never: text can be written as JSON.
    pub fn new(
        operation: Operation,
        shop: Arc<Shop>,
        carts: Vec<String>,
    ) -> anyhow::Result<Arc<Self>> {
        let query = serde_json::to_string(operation.document())?;
        let head = format!("{{\"query\":{query},\"variables\":");
        Ok(Arc::new(Self { operation, head, shop, carts, cart: AtomicUsize::new(0) }))
    }

    /// None: all carts are used up.
    fn variables(&self) -> Option<String> {
        let taken = || self.cart.fetch_add(1, Ordering::Relaxed);
        Some(match self.operation {
            Operation::Page => after(any(&self.shop.cursors)),
            Operation::WarmPage => after(any(self.shop.warm_cursors())),
            Operation::Nested => after(any(&self.shop.category_cursors)),
            Operation::Detail => format!("{{\"slug\":\"{}\"}}", any(&self.shop.slugs)),
            Operation::Add => {
                let cart = self.carts.get(taken() / ADDS_PER_CART)?;
                format!("{{\"cart\":\"{cart}\",\"sku\":\"{}\"}}", any(&self.shop.skus))
            }
            Operation::Checkout | Operation::HotCheckout => {
                let cart = self.carts.get(taken())?;
                format!("{{\"cart\":\"{cart}\",\"key\":\"checkout-of-{cart}\"}}")
            }
        })
    }
}

impl Traffic for Requests {
    fn next(&self, _connection: usize) -> Option<Bytes> {
        let variables = self.variables()?;
        Some(Bytes::from(format!("{}{variables}}}", self.head)))
    }

    fn check(&self, body: &[u8]) -> Result<(), String> {
        let shown = || String::from_utf8_lossy(body.get(..600).unwrap_or(body)).into_owned();
        if memmem::find(body, b"\"errors\":").is_some() {
            return Err(format!("an answer with errors: {}", shown()));
        }
        for (mark, at_least) in self.operation.marks() {
            let found = memmem::find_iter(body, mark.as_bytes()).count();
            if found < *at_least {
                return Err(format!("{found} times {mark}, not {at_least}: {}", shown()));
            }
        }
        Ok(())
    }
}

/// One of them at random; empty when there is none.
fn any(choices: &[String]) -> &str {
    let place = rand::rng().random_range(0..choices.len().max(1));
    choices.get(place).map_or("", String::as_str)
}

/// An empty cursor is the beginning.
fn after(cursor: &str) -> String {
    if cursor.is_empty() { "{}".to_owned() } else { format!("{{\"after\":\"{cursor}\"}}") }
}
