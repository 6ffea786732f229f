//! Tax rates and shipping methods: set by administrators, seen by staff, and there with the demo
//! catalogue.

use crate::app::{Answer, Caller, TestApp};
use serde_json::{Value, json};
use stockroom::seed::Seed;

const RATE: &str = "{ country region name percent taxesShipping version }";
const METHOD: &str = "{ code name description countries position active version \
    prices { fromSubtotal { amount currency } price { amount } } }";

async fn set(caller: &Caller, mutation: &str, object: &str, input: Value) -> Answer {
    let (first, rest) = mutation.split_at(1);
    let ty = format!("{}{rest}Input!", first.to_uppercase());
    let document = format!(
        "mutation ($input: {ty}) {{ {mutation}(input: $input) {{ {object} userErrors {{ \
         __typename code path ... on VersionConflictError {{ actualVersion }} }} }} }}"
    );
    caller.query(document).with_variables(json!({ "input": input })).await
}

async fn set_rate(caller: &Caller, input: Value) -> Answer {
    set(caller, "taxRateSet", &format!("taxRate {RATE}"), input).await
}

async fn set_method(caller: &Caller, input: Value) -> Answer {
    set(caller, "shippingMethodSet", &format!("shippingMethod {METHOD}"), input).await
}

fn errors(answer: &Answer, mutation: &str) -> Vec<(String, String)> {
    let errors = answer.data()[mutation]["userErrors"].as_array().unwrap();
    let path = |error: &Value| {
        let path = error["path"].as_array().unwrap();
        path.iter().map(|part| part.as_str().unwrap()).collect::<Vec<_>>().join(".")
    };
    errors.iter().map(|it| (it["code"].as_str().unwrap().to_owned(), path(it))).collect()
}

#[tokio::test]
async fn a_tax_rate_is_made_changed_and_deleted_with_its_version() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let rate = |percent: &str| {
        json!({ "country": "US", "region": " ca ", "name": "Sales tax", "percent": percent,
            "taxesShipping": false })
    };

    let made = set_rate(&admin, rate("7.25")).await;
    let expected = json!({ "country": "US", "region": "CA", "name": "Sales tax",
        "percent": "7.25", "taxesShipping": false, "version": "1" });
    assert_eq!(made.data()["taxRateSet"]["taxRate"], expected);
    let mut stale = rate("8");
    stale["expectedVersion"] = json!("0");
    let refused = set_rate(&admin, stale.clone()).await;
    let error = &refused.data()["taxRateSet"]["userErrors"][0];
    assert_eq!(
        (&error["code"], &error["actualVersion"]),
        (&json!("VERSION_CONFLICT"), &json!("1"))
    );
    stale["expectedVersion"] = json!("1");
    let changed = set_rate(&admin, stale).await;
    assert_eq!(changed.data()["taxRateSet"]["taxRate"]["version"], "2");

    let staff = app.staff().await;
    let answer = staff.query(format!("{{ taxRates {RATE} }}")).await;
    assert_eq!(answer.data()["taxRates"][0]["percent"], "8");
    let place = json!({ "country": "US", "region": "CA" });
    let deleted = set(&admin, "taxRateDelete", "", place.clone()).await;
    assert!(errors(&deleted, "taxRateDelete").is_empty());
    let again = set(&admin, "taxRateDelete", "", place).await;
    assert_eq!(errors(&again, "taxRateDelete"), [("NOT_FOUND".to_owned(), "country".to_owned())]);
}

#[tokio::test]
async fn bad_tax_rates_are_refused_each_at_its_place() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let error = |code: &str, path: &str| (code.to_owned(), path.to_owned());

    for percent in ["-1", "100.0001", "19.00001", "a lot", "", "1e1"] {
        let input = json!({ "country": "DE", "name": "USt", "percent": percent });
        let refused = set_rate(&admin, input).await;
        assert_eq!(errors(&refused, "taxRateSet"), [error("OUT_OF_RANGE", "percent")], "{percent}");
    }
    for percent in ["0", "100", "19.0001", "100.0000"] {
        let input = json!({ "country": "DE", "name": "USt", "percent": percent });
        assert!(errors(&set_rate(&admin, input).await, "taxRateSet").is_empty(), "{percent}");
    }
    let input = json!({ "region": "CA", "name": " ", "percent": "1" });
    let refused = set_rate(&admin, input).await;
    assert_eq!(
        errors(&refused, "taxRateSet"),
        [error("REQUIRED", "country"), error("REQUIRED", "name")]
    );
}

#[tokio::test]
async fn a_shipping_method_is_set_as_a_whole() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let price = |amount: &str, currency: &str, from: Value| json!({ "price": { "amount": amount, "currency": currency }, "fromSubtotal": from });
    let input = json!({ "code": "standard", "name": "Standard", "countries": ["DE", "AT", "DE"],
        "prices": [price("4.90", "EUR", Value::Null), price("0", "EUR", json!("50")),
            price("600", "JPY", Value::Null)] });

    let made = set_method(&admin, input.clone()).await;
    let method = &made.data()["shippingMethodSet"]["shippingMethod"];
    assert_eq!(method["countries"], json!(["AT", "DE"]));
    assert_eq!((&method["active"], &method["version"]), (&json!(true), &json!("1")));
    let steps: Vec<Value> = method["prices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| {
            json!([
                step["fromSubtotal"]["amount"],
                step["fromSubtotal"]["currency"],
                step["price"]["amount"]
            ])
        })
        .collect();
    assert_eq!(
        json!(steps),
        json!([["0.00", "EUR", "4.90"], ["50.00", "EUR", "0.00"], ["0", "JPY", "600"]])
    );

    let mut other = input;
    other["prices"] = json!([price("1", "USD", Value::Null)]);
    other["active"] = json!(false);
    let changed = set_method(&admin, other).await;
    let method = &changed.data()["shippingMethodSet"]["shippingMethod"];
    assert_eq!((&method["version"], method["prices"].as_array().unwrap().len()), (&json!("2"), 1));
    let answer = app.staff().await.query(format!("{{ shippingMethods {METHOD} }}")).await;
    assert_eq!(answer.data()["shippingMethods"][0], *method);
}

#[tokio::test]
async fn bad_shipping_methods_are_refused_each_at_its_place() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let eur = |amount: &str, from: &str| json!({ "price": { "amount": amount, "currency": "EUR" }, "fromSubtotal": from });
    let input = json!({ "code": "Not Good", "name": "", "countries": [],
        "prices": [eur("-1", "0"), eur("0.001", "0"), eur("1", "x"), eur("1", "5"), eur("2", "5.0")] });

    let refused = set_method(&admin, input).await;

    let error = |code: &str, path: &str| (code.to_owned(), path.to_owned());
    assert_eq!(
        errors(&refused, "shippingMethodSet"),
        [
            error("INVALID", "code"),
            error("REQUIRED", "name"),
            error("INVALID", "countries"),
            error("OUT_OF_RANGE", "prices.0.amount"),
            error("INVALID", "prices.1.amount"),
            error("INVALID", "prices.2.fromSubtotal"),
            error("ALREADY_EXISTS", "prices.4.fromSubtotal"),
        ]
    );
    assert_eq!(app.number("SELECT count(*) FROM shipping_method").await, 0);
}

#[tokio::test]
async fn the_demo_shop_can_ship_to_and_tax_the_whole_world_and_keeps_what_was_changed() {
    let app = TestApp::start().await;
    let seed = Seed::new(app.app.db.clone(), app.app.settings.shop_currency);
    seed.run(10, |_| ()).await.unwrap();
    app.taxes(Some("DE"), 160_000).await;
    app.ships("standard", None, &[("EUR", 0, 100)]).await;

    seed.run(10, |_| ()).await.unwrap();

    let guest = app.guest();
    let answer =
        guest.query("{ products(first: 1) { nodes { variants { nodes { sku } } } } }").await;
    let sku = answer.data()["products"]["nodes"][0]["variants"]["nodes"][0]["sku"].clone();
    let lines = json!([{ "sku": sku, "quantity": 1 }]);
    for (country, currency) in [("DE", "EUR"), ("JP", "JPY"), ("US", "USD"), ("ZM", "EUR")] {
        let new = json!({ "currency": currency, "lines": lines });
        let cart = guest.cart_done("cartCreate", new).await;
        let method = if country == "DE" { "standard" } else { "express" };
        let place = json!({ "cartId": cart["id"], "country": country, "shippingMethod": method });
        let cart = guest.cart_done("cartDeliverySet", place).await;
        assert_eq!(cart["totalIsFinal"], true, "{country}");
        if country == "DE" {
            assert_eq!(cart["shippingTotal"]["amount"], "1.00");
        }
    }
    let rate = "SELECT rate_ppm FROM tax_rate WHERE country = 'DE'";
    assert_eq!(app.number(rate).await, 160_000);
}

#[tokio::test]
async fn each_change_of_tax_and_shipping_is_in_the_audit_log_with_who_and_what() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let rate = |percent: &str| json!({ "country": "DE", "name": "VAT", "percent": percent, "taxesShipping": true });
    let method = |amount: &str| {
        json!({ "code": "standard", "name": "Standard", "countries": ["DE"],
            "prices": [{ "price": { "amount": amount, "currency": "EUR" } }] })
    };

    set_rate(&admin, rate("19")).await;
    set_rate(&admin, rate("16")).await;
    set(&admin, "taxRateDelete", "", json!({ "country": "DE" })).await;
    set_method(&admin, method("4.90")).await;
    set_method(&admin, method("5.90")).await;
    // What is refused did not happen.
    set_rate(&admin, rate("-1")).await;
    set(&admin, "taxRateDelete", "", json!({ "country": "DE" })).await;
    set_method(&admin, method("-1")).await;
    set_rate(&app.staff().await, rate("7")).await;

    let events = admin
        .query(
            "{ auditEvents(first: 10, where: { action: [TAX_RATE_SET, TAX_RATE_DELETED, \
             SHIPPING_METHOD_SET] }) { nodes { action oldValue newValue actor { id } \
             subject { id } } } me { id } }",
        )
        .await;
    let mut found = events.data()["auditEvents"]["nodes"].as_array().unwrap().clone();
    found.reverse();
    for event in &found {
        assert_eq!(event["actor"]["id"], events.data()["me"]["id"]);
        assert_eq!(event["subject"], Value::Null);
    }
    let told: Vec<_> =
        found.iter().map(|it| json!([it["action"], it["oldValue"], it["newValue"]])).collect();
    let rate =
        |ppm: i64| json!({ "country": "DE", "region": "", "ratePpm": ppm, "taxesShipping": true });
    let method = |price: i64| {
        json!({ "code": "standard", "countries": ["DE"], "active": true,
            "prices": [{ "currency": "EUR", "fromSubtotal": 0, "price": price }] })
    };
    assert_eq!(
        told,
        [
            json!(["TAX_RATE_SET", null, rate(190_000)]),
            json!(["TAX_RATE_SET", rate(190_000), rate(160_000)]),
            json!(["TAX_RATE_DELETED", rate(160_000), null]),
            json!(["SHIPPING_METHOD_SET", null, method(490)]),
            json!(["SHIPPING_METHOD_SET", method(490), method(590)]),
        ]
    );
}
