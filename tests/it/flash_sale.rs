//! Flash sales: how staff set them, and what shoppers see of them.

mod conflicts;
mod manual;
mod reading;
mod setting;

use crate::app::{Answer, Caller};
use serde_json::{Value, json};

/// What `flashSaleSet` and `flashSaleEnd` tell.
const SALE: &str = "flashSale { id status startsAt endsAt allocation remaining limitPerCustomer version \
    price { amount } prices { amount currency } variant { sku } }";
const ERRORS: &str = "userErrors { code message path ... on VersionConflictError { actualVersion } } \
    warnings { code }";

impl Caller {
    async fn set_sale(&self, input: Value) -> Answer {
        let document = format!(
            "mutation ($input: FlashSaleSetInput!) {{ flashSaleSet(input: $input) {{ {SALE} {ERRORS} }} }}"
        );
        self.query(document).with_variables(json!({ "input": input })).await
    }

    async fn end_sale(&self, input: Value) -> Value {
        let document = format!(
            "mutation ($input: FlashSaleEndInput!) {{ flashSaleEnd(input: $input) {{ \
             deletedId {SALE} {ERRORS} }} }}"
        );
        let answer = self.query(document).with_variables(json!({ "input": input })).await;
        answer.data()["flashSaleEnd"].clone()
    }

    /// As [`Caller::set_sale`], which must succeed: the sale.
    async fn sets_sale(&self, input: Value) -> Value {
        let answer = self.set_sale(input).await;
        assert_eq!(answer.user_errors("flashSaleSet"), Vec::<&str>::new(), "{}", answer.text);
        answer.data()["flashSaleSet"]["flashSale"].clone()
    }
}

/// Code and path of each error of `flashSaleSet`.
fn wrong(answer: &Answer) -> Vec<(String, String)> {
    let errors = answer.data()["flashSaleSet"]["userErrors"].as_array().unwrap();
    let path = |error: &Value| {
        let parts = error["path"].as_array().unwrap().iter();
        parts.map(|part| part.as_str().unwrap()).collect::<Vec<_>>().join(".")
    };
    let code = |error: &Value| error["code"].as_str().unwrap().to_owned();
    errors.iter().map(|error| (code(error), path(error))).collect()
}
