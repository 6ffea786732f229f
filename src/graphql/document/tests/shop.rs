//! A schema with one of everything that documents can ask.

use std::sync::atomic::{AtomicI32, Ordering};

use async_graphql::{
    Context, Enum, ID, InputObject, InputValueError, InputValueResult, Interface, Object,
    OneofObject, Scalar, ScalarType, Schema, SimpleObject, Subscription, Union, ValidationMode,
    Value,
};
use futures::Stream;

use crate::graphql::document::Scalars;

pub type Shop = Schema<Query, Mutation, Subscriptions>;

/// How often mutations ran.
#[derive(Default)]
pub struct Runs(AtomicI32);

pub fn shop() -> Shop {
    Schema::build(Query, Mutation, Subscriptions)
        .data(Runs::default())
        .register_output_type::<Branded>()
        .validation_mode(ValidationMode::Fast)
        .limit_recursive_depth(usize::MAX)
        .finish()
}

/// Checks of the scalars below.
pub fn scalars() -> Scalars {
    Scalars::default().with::<Decimal>().with::<Anything>()
}

#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    Red,
    DarkBlue,
}

#[derive(Clone)]
pub struct Decimal(String);

#[Scalar]
impl ScalarType for Decimal {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(digits) => Ok(Self(digits)),
            Value::Boolean(_) => Err(InputValueError::custom("is not a decimal")),
            other => Err(InputValueError::expected_type(other)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

#[derive(Clone)]
pub struct Anything(Value);

#[Scalar]
impl ScalarType for Anything {
    fn parse(value: Value) -> InputValueResult<Self> {
        Ok(Self(value))
    }

    fn to_value(&self) -> Value {
        self.0.clone()
    }
}

#[derive(OneofObject)]
pub enum ProductBy {
    Id(ID),
    Slug(String),
}

#[derive(InputObject)]
pub struct Filter {
    pub name: Option<String>,
    #[graphql(default = 7)]
    pub limit: i32,
    #[graphql(default)]
    pub colors: Vec<Color>,
    pub nested: Option<Box<Filter>>,
    pub price: Option<Decimal>,
}

impl Filter {
    fn describe(&self) -> String {
        let nested = self.nested.as_ref().map(|nested| nested.describe());
        format!(
            "name={:?} limit={} colors={} nested=({}) price={:?}",
            self.name,
            self.limit,
            self.colors.len(),
            nested.unwrap_or_default(),
            self.price.as_ref().map(|price| &price.0),
        )
    }
}

#[derive(SimpleObject, Clone)]
pub struct Money {
    pub amount: Decimal,
    pub currency: String,
}

#[derive(Clone)]
pub struct Product(pub i32);

#[Object]
impl Product {
    async fn id(&self) -> ID {
        ID(format!("prod_{}", self.0))
    }
    async fn name(&self) -> String {
        format!("Product {}", self.0)
    }
    async fn brand(&self) -> String {
        "Acme".to_owned()
    }
    async fn price(&self, #[graphql(default = 1)] factor: i32) -> Money {
        let amount = Decimal(self.0.wrapping_mul(factor).to_string());
        Money { amount, currency: "EUR".to_owned() }
    }
    async fn related(&self) -> Vec<Product> {
        vec![Product(self.0 + 1), Product(self.0 + 2)]
    }
    async fn variants(&self, first: Option<i32>, last: Option<i32>) -> ProductConnection {
        page(first, last)
    }
}

#[derive(Clone)]
pub struct Category;

#[Object]
impl Category {
    async fn id(&self) -> ID {
        ID("cat_1".to_owned())
    }
    async fn title(&self) -> String {
        "Books".to_owned()
    }
}

#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID"))]
pub enum Node {
    Product(Product),
    Category(Category),
}

#[derive(Interface)]
#[graphql(field(name = "brand", ty = "String"))]
pub enum Branded {
    Product(Product),
}

#[derive(Union)]
pub enum Hit {
    Product(Product),
    Category(Category),
}

#[derive(SimpleObject)]
pub struct PageInfo {
    pub has_next_page: bool,
}

#[derive(SimpleObject)]
pub struct Edge {
    pub node: Product,
    pub cursor: String,
}

#[derive(SimpleObject)]
pub struct ProductConnection {
    pub nodes: Vec<Product>,
    pub edges: Vec<Edge>,
    pub page_info: PageInfo,
    pub total_count: i32,
}

fn page(first: Option<i32>, last: Option<i32>) -> ProductConnection {
    let rows = first.or(last).unwrap_or(20).clamp(0, 3);
    ProductConnection {
        nodes: (1..=rows).map(Product).collect(),
        edges: (1..=rows).map(|n| Edge { node: Product(n), cursor: n.to_string() }).collect(),
        page_info: PageInfo { has_next_page: false },
        total_count: rows,
    }
}

pub struct Query;

#[Object]
impl Query {
    async fn hello(&self, #[graphql(default = "world")] name: String) -> String {
        format!("Hello {name}")
    }
    async fn maybe(&self, #[graphql(default = 5)] number: Option<i32>) -> String {
        format!("{number:?}")
    }
    async fn add(&self, a: i32, #[graphql(default = 2)] b: i32) -> i32 {
        a + b
    }
    async fn float(&self, value: f64) -> f64 {
        value
    }
    async fn text(&self, value: String) -> String {
        value
    }
    async fn id(&self, value: ID) -> ID {
        value
    }
    async fn color(&self, value: Color) -> Color {
        value
    }
    async fn colors(&self, values: Vec<Option<Color>>) -> usize {
        values.len()
    }
    async fn matrix(&self, rows: Vec<Vec<i32>>) -> i32 {
        rows.into_iter().flatten().sum()
    }
    async fn anything(&self, value: Anything) -> Anything {
        value
    }
    async fn filter(&self, by: Option<Filter>) -> String {
        by.map_or_else(|| "none".to_owned(), |filter| filter.describe())
    }
    async fn product(&self, by: ProductBy) -> Option<Product> {
        match by {
            ProductBy::Id(id) => id.strip_prefix("prod_")?.parse().ok().map(Product),
            ProductBy::Slug(slug) => slug.strip_prefix("product-")?.parse().ok().map(Product),
        }
    }
    async fn products(
        &self,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
    ) -> ProductConnection {
        let _ = after;
        page(first, last)
    }
    async fn node(&self, id: ID) -> Option<Node> {
        match id.split_once('_') {
            Some(("prod", number)) => number.parse().ok().map(|n| Node::Product(Product(n))),
            Some(("cat", _)) => Some(Node::Category(Category)),
            _ => None,
        }
    }
    async fn nodes(&self, ids: Vec<ID>) -> Vec<Option<Node>> {
        ids.iter().map(|_| Some(Node::Category(Category))).collect()
    }
    async fn search(&self) -> Vec<Hit> {
        vec![Hit::Product(Product(1)), Hit::Category(Category)]
    }
    async fn broken(&self) -> Option<async_graphql::Result<i32>> {
        Some(Err("broken".into()))
    }
    async fn runs(&self, ctx: &Context<'_>) -> i32 {
        ctx.data_unchecked::<Runs>().0.load(Ordering::SeqCst)
    }
}

#[derive(SimpleObject)]
pub struct Bump {
    pub runs: i32,
    pub note: String,
}

pub struct Mutation;

#[Object]
impl Mutation {
    async fn bump(&self, ctx: &Context<'_>) -> Bump {
        let runs = ctx.data_unchecked::<Runs>().0.fetch_add(1, Ordering::SeqCst) + 1;
        Bump { runs, note: "bumped".to_owned() }
    }
    async fn token_create(&self) -> Option<Bump> {
        None
    }
}

pub struct Subscriptions;

#[Subscription]
impl Subscriptions {
    async fn ticks(&self, #[graphql(default = 2)] count: i32) -> impl Stream<Item = Tick> {
        futures::stream::iter((1..=count).map(|number| Tick { number }))
    }
}

#[derive(SimpleObject)]
pub struct Tick {
    pub number: i32,
}
