//! Tests of the document front against a small schema of its own, executed by the real engine.

mod corpus;
mod language;
mod persisted;
mod properties;
mod refusals;
mod shop;
mod sizes;
mod variables;

use async_graphql::Response;
use serde_json::{Value, json};

use crate::graphql::document::tests::shop::{Shop, scalars, shop};
use crate::graphql::document::{
    Access, DocumentFront, GraphqlParams, Limits, Prepared, Refused, Transport,
};

/// A front over the small schema, and the schema.
struct Bench {
    front: DocumentFront,
    shop: Shop,
}

impl Bench {
    fn new() -> Self {
        Self::with(Limits::default())
    }

    fn with(limits: Limits) -> Self {
        let shop = shop();
        let front =
            DocumentFront::new(&shop.sdl(), limits, scalars()).expect("the engine's SDL is valid");
        Self { front, shop }
    }

    fn prepare(&self, query: &str, variables: Value) -> Result<Prepared, Refused> {
        self.send(json!({ "query": query, "variables": variables }))
    }

    fn send(&self, request: Value) -> Result<Prepared, Refused> {
        let params: GraphqlParams = serde_json::from_value(request).expect("parameters are read");
        self.front.prepare(params, Transport::Post, Access::GUEST)
    }

    /// Code of the refusal of a document.
    fn code(&self, query: &str) -> &'static str {
        match self.prepare(query, Value::Null) {
            Ok(prepared) => panic!("prepared: {prepared:?}"),
            Err(refused) => refused.code(),
        }
    }

    async fn run(&self, query: &str, variables: Value) -> Response {
        let prepared = self.prepare(query, variables).expect("the request is good");
        self.shop.execute(prepared.request).await
    }

    /// The text of `data`, in which the order of keys shows.
    async fn data(&self, query: &str, variables: Value) -> String {
        let response = self.run(query, variables).await;
        assert_eq!(response.errors, vec![], "{query}");
        serde_json::to_string(&response.data).expect("data is JSON")
    }
}
