//! Builders: a shop with categories and products of a test's own making.

use crate::app::TestApp;
use std::future::Future;
use stockroom::auth::Viewer;
use stockroom::catalog::{
    Catalog, ErrorPolicy, NewCategory, NewPrice, NewProduct, NewVariant, ProductStatus,
};
use stockroom::graphql::NodeKind;
use stockroom::money::Currency;
use uuid::Uuid;

/// The catalogue of an application, as the server itself uses it.
pub fn catalog(app: &TestApp) -> &Catalog {
    &app.app.services.catalog
}

/// Makes a category and tells its key.
pub async fn category(app: &TestApp, name: &str, parent_id: Option<Uuid>) -> Uuid {
    let new = NewCategory { name: name.to_owned(), slug: None, parent_id };
    let made = catalog(app).create_category(&Viewer::System, &new, None).await;
    made.expect("the category is made").outcome
}

/// Makes products in one go and tells their keys.
pub async fn products(app: &TestApp, new: Vec<NewProduct>) -> Vec<Uuid> {
    let policy = ErrorPolicy::RejectEverything;
    let made = catalog(app).create_products(&Viewer::System, &new, policy, None).await;
    let rows = made.expect("the products are made").outcome;
    rows.into_iter()
        .map(|row| row.product_id.unwrap_or_else(|| panic!("{:?}", row.problems)))
        .collect()
}

/// Makes a product and tells its key.
pub async fn product(app: &TestApp, new: NewProduct) -> Uuid {
    products(app, vec![new]).await[0]
}

/// A product with one variant, which costs 10 EUR; its SKU is the name in capitals.
pub fn a_product(name: &str, category_id: Uuid) -> NewProduct {
    let sku: String = name.to_uppercase().split_whitespace().collect::<Vec<_>>().join("-");
    NewProduct {
        name: name.to_owned(),
        slug: None,
        description: None,
        category_id,
        status: None,
        variants: vec![a_variant(&sku, "10")],
    }
}

/// A variant with a price in EUR.
pub fn a_variant(sku: &str, eur: &str) -> NewVariant {
    NewVariant {
        sku: sku.to_owned(),
        name: None,
        prices: vec![price(eur, "EUR")],
        options: Vec::new(),
        stock: None,
        reorder_point: None,
    }
}

/// A price as it is typed.
pub fn price(amount: &str, currency: &str) -> NewPrice {
    let currency = Currency::from_code(currency).expect("a currency");
    NewPrice { amount: amount.to_owned(), currency }
}

/// Ways to say more of a product to make.
pub trait Described: Sized {
    fn described(self, description: &str) -> Self;
    fn with_status(self, status: ProductStatus) -> Self;
    fn with_variants(self, variants: Vec<NewVariant>) -> Self;
}

impl Described for NewProduct {
    fn described(mut self, description: &str) -> Self {
        self.description = Some(description.to_owned());
        self
    }

    fn with_status(mut self, status: ProductStatus) -> Self {
        self.status = Some(status);
        self
    }

    fn with_variants(mut self, variants: Vec<NewVariant>) -> Self {
        self.variants = variants;
        self
    }
}

/// The id of a product on the wire.
pub fn product_id(key: Uuid) -> String {
    NodeKind::Product.id(key).to_string()
}

/// The id of a category on the wire.
pub fn category_id(key: Uuid) -> String {
    NodeKind::Category.id(key).to_string()
}

/// The texts at `field` of a JSON list.
pub fn texts(list: &serde_json::Value, field: &str) -> Vec<String> {
    let list = list.as_array().unwrap_or_else(|| panic!("no list: {list}"));
    list.iter().map(|item| item[field].as_str().expect("a text").to_owned()).collect()
}

/// Runs many at once and gives what came of them.
pub async fn together<T: Send + 'static>(
    many: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let running: Vec<_> = many.into_iter().map(tokio::spawn).collect();
    let mut done = Vec::with_capacity(running.len());
    for task in running {
        done.push(task.await.expect("the task ends"));
    }
    done
}
