//! Where the goods of a cart go, and what that adds to their price.

use super::shop::{refusals, shop, to_lines};
use serde_json::{Value, json};

fn codes(methods: &Value) -> Vec<(&str, &str)> {
    let methods = methods.as_array().unwrap();
    let text = |value: &'_ Value| value.as_str().map(str::to_owned);
    assert!(methods.iter().all(|method| text(&method["code"]).is_some()));
    methods
        .iter()
        .map(|method| {
            (method["code"].as_str().unwrap(), method["price"]["amount"].as_str().unwrap())
        })
        .collect()
}

#[tokio::test]
async fn the_total_is_final_once_destination_and_method_are_known() {
    let app = shop().await;
    let guest = app.guest();
    let cart = guest.new_cart(&[("CUP", 2)]).await;
    assert_eq!(codes(&cart["shippingMethods"]), [("express", "12.90"), ("standard", "4.90")]);
    assert_eq!(cart["totalIsFinal"], false);

    let place = json!({ "cartId": cart["id"], "country": "DE", "postalCode": " 10115 " });
    let cart = guest.cart_done("cartDeliverySet", place).await;
    let place = json!({ "country": "DE", "region": null, "postalCode": "10115" });
    assert_eq!((&cart["destination"], &cart["totalIsFinal"]), (&place, &json!(false)));
    assert_eq!(
        (&cart["taxTotal"]["amount"], &cart["shippingMethod"]),
        (&json!("3.80"), &Value::Null)
    );

    let method = json!({ "cartId": cart["id"], "shippingMethod": "standard" });
    let cart = guest.cart_done("cartDeliverySet", method).await;
    assert_eq!((&cart["destination"], &cart["totalIsFinal"]), (&place, &json!(true)));
    let amounts: Vec<&Value> = ["subtotal", "shippingTotal", "taxTotal", "total"]
        .iter()
        .map(|name| &cart[name]["amount"])
        .collect();
    assert_eq!(amounts, ["20.00", "4.90", "4.73", "29.63"]);

    let more = json!({ "cartId": cart["id"], "lines": to_lines(&[("CUP", 3)]) });
    let cart = guest.cart_done("cartLinesAdd", more).await;
    assert_eq!(
        (&cart["shippingTotal"]["amount"], &cart["total"]["amount"]),
        (&json!("0.00"), &json!("59.50"))
    );
}

#[tokio::test]
async fn where_no_rate_holds_the_total_is_not_final() {
    let app = shop().await;
    let guest = app.guest();
    let cart = guest.new_cart(&[("CUP", 1)]).await;

    let place = json!({ "cartId": cart["id"], "country": "FR", "shippingMethod": "express" });
    let cart = guest.cart_done("cartDeliverySet", place).await;
    assert_eq!(codes(&cart["shippingMethods"]), [("express", "12.90")]);
    assert_eq!(
        (&cart["totalIsFinal"], &cart["taxTotal"]["amount"]),
        (&json!(false), &json!("0.00"))
    );
    app.taxes(None, 0).await;
    assert_eq!(guest.cart(&cart["id"]).await["totalIsFinal"], true);
}

#[tokio::test]
async fn a_method_that_does_not_go_there_is_refused_and_an_old_choice_is_not_shown() {
    let app = shop().await;
    let guest = app.guest();
    let cart = guest.new_cart(&[("CUP", 1)]).await;
    let set = |input: Value| {
        let mut all = json!({ "cartId": cart["id"] });
        all.as_object_mut().unwrap().extend(input.as_object().unwrap().clone());
        all
    };

    let asked = [
        (json!({ "country": "FR", "shippingMethod": "standard" }), "INVALID", "shippingMethod"),
        (json!({ "shippingMethod": "pigeon" }), "NOT_FOUND", "shippingMethod"),
        (json!({ "region": "CA" }), "REQUIRED", "country"),
        (json!({ "postalCode": "1", "shippingMethod": "express" }), "REQUIRED", "country"),
        (json!({}), "REQUIRED", "country"),
        (json!({ "country": "DE", "region": "x".repeat(101) }), "TOO_LONG", "region"),
    ];
    for (input, code, path) in asked {
        let refused = guest.cart_call("cartDeliverySet", set(input)).await;
        assert_eq!(refusals(&refused, "cartDeliverySet"), [(code.to_owned(), path.to_owned())]);
    }
    assert_eq!(guest.cart(&cart["id"]).await["version"], "1");

    let both = set(json!({ "country": "DE", "shippingMethod": "standard" }));
    assert_eq!(guest.cart_done("cartDeliverySet", both).await["totalIsFinal"], true);
    app.taxes(Some("FR"), 200_000).await;
    let moved = guest.cart_done("cartDeliverySet", set(json!({ "country": "FR" }))).await;
    assert_eq!((&moved["shippingMethod"], &moved["totalIsFinal"]), (&Value::Null, &json!(false)));
    let back = guest.cart_done("cartDeliverySet", set(json!({ "country": "AT" }))).await;
    assert_eq!(back["shippingMethod"]["code"], "standard");
}

#[tokio::test]
async fn every_currency_adds_up_to_the_minor_unit() {
    let app = shop().await;
    let variant = app.offers("ODD", 99, 333).await;
    app.taxes(None, 77_777).await;
    for (code, unit, shipping, decimals) in
        [("JPY", 333, 77, 0), ("EUR", 333, 77, 2), ("KWD", 3_333, 777, 3)]
    {
        app.costs(variant, code, unit).await;
        app.ships(&format!("by-{}", code.to_lowercase()), None, &[(code, 0, shipping)]).await;
        let guest = app.guest();
        let lines = to_lines(&[("ODD", 7)]);
        let cart = guest.cart_done("cartCreate", json!({ "currency": code, "lines": lines })).await;
        let method = format!("by-{}", code.to_lowercase());
        let place = json!({ "cartId": cart["id"], "country": "NZ", "shippingMethod": method });
        guest.cart_done("cartDeliverySet", place).await;

        let document = "query ($id: ID!) { cart(id: $id) { totalIsFinal \
            lines { taxTotal { amountMinor } } \
            subtotal { amountMinor decimals } shippingTotal { amountMinor } taxTotal { amountMinor } \
            total { amountMinor } } }";
        let answer = guest.query(document).with_variables(json!({ "id": cart["id"] })).await;
        let cart = &answer.data()["cart"];
        let minor =
            |value: &Value| -> i64 { value["amountMinor"].as_str().unwrap().parse().unwrap() };
        let line_tax = (unit * 7 * 77_777 + 500_000) / 1_000_000;
        let tax = line_tax + (shipping * 77_777 + 500_000) / 1_000_000;
        assert_eq!(cart["totalIsFinal"], true, "{code}");
        assert_eq!(cart["subtotal"]["decimals"], decimals);
        assert_eq!(minor(&cart["lines"][0]["taxTotal"]), line_tax, "{code}");
        assert_eq!(minor(&cart["taxTotal"]), tax, "{code}");
        assert_eq!(minor(&cart["total"]), unit * 7 + shipping + tax, "{code}");
    }
}
