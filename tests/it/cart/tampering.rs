//! What nobody sends by accident: it is refused, and nothing has changed.

use super::shop::{refusals, shop, to_lines};
use serde_json::{Value, json};

#[tokio::test]
async fn quantities_that_are_none_are_refused_everywhere() {
    let app = shop().await;
    let guest = app.guest();
    let cart = guest.new_cart(&[("CUP", 1)]).await;
    let out_of_range = [("OUT_OF_RANGE".to_owned(), "lines.1.quantity".to_owned())];

    for quantity in [0_i64, -1, -999, 1_000, 2_147_483_647, -2_147_483_648] {
        let lines = to_lines(&[("CUP", 1), ("POT", quantity)]);
        let input = json!({ "cartId": cart["id"], "lines": lines });
        let added = guest.cart_call("cartLinesAdd", input.clone()).await;
        assert_eq!(refusals(&added, "cartLinesAdd"), out_of_range, "{quantity}");
        let made = guest.cart_call("cartCreate", json!({ "lines": lines })).await;
        assert_eq!(refusals(&made, "cartCreate"), out_of_range, "{quantity}");
        if quantity != 0 {
            let set = guest.cart_call("cartLinesUpdate", input).await;
            assert_eq!(refusals(&set, "cartLinesUpdate"), out_of_range, "{quantity}");
        }
    }
    for quantity in [json!(2_147_483_648_i64), json!(1.5), json!("2"), Value::Null, json!(true)] {
        let lines = json!([{ "sku": "CUP", "quantity": quantity }]);
        let input = json!({ "cartId": cart["id"], "lines": lines });
        let answer = guest.cart_call("cartLinesAdd", input).await;
        assert_eq!(answer.error_codes(), ["BAD_USER_INPUT"], "{quantity}");
    }
    assert_eq!(guest.cart(&cart["id"]).await, cart);
}

#[tokio::test]
async fn lines_that_are_none_or_too_many_are_refused() {
    let app = shop().await;
    let guest = app.guest();
    let cart = guest.new_cart(&[("CUP", 1)]).await;
    let many: Vec<(&str, i64)> = vec![("CUP", 1); 101];

    for (lines, code) in [(json!([]), "REQUIRED"), (to_lines(&many), "TOO_LONG")] {
        for mutation in ["cartLinesAdd", "cartLinesUpdate"] {
            let input = json!({ "cartId": cart["id"], "lines": lines });
            let answer = guest.cart_call(mutation, input).await;
            assert_eq!(refusals(&answer, mutation), [(code.to_owned(), "lines".to_owned())]);
        }
    }
    assert_eq!(guest.cart(&cart["id"]).await, cart);
}

#[tokio::test]
async fn someone_elses_cart_is_not_found_by_any_mutation() {
    let app = shop().await;
    let owner = app.customer().await;
    let cart = owner.new_cart(&[("CUP", 1)]).await;
    let id = &cart["id"];
    let lines = to_lines(&[("CUP", 5)]);
    let inputs = [
        ("cartLinesAdd", json!({ "cartId": id, "lines": lines })),
        ("cartLinesUpdate", json!({ "cartId": id, "lines": lines })),
        ("cartDeliverySet", json!({ "cartId": id, "country": "DE" })),
        ("cartClear", json!({ "cartId": id })),
        ("cartMerge", json!({ "cartId": id })),
    ];
    let not_found = [("NOT_FOUND".to_owned(), "cartId".to_owned())];

    for stranger in [app.guest(), app.customer().await, app.staff().await, app.admin().await] {
        for (mutation, input) in &inputs {
            if *mutation == "cartMerge" && stranger.token().is_none() {
                continue;
            }
            let answer = stranger.cart_call(mutation, input.clone()).await;
            assert_eq!(refusals(&answer, mutation), not_found, "{mutation}");
        }
    }
    assert_eq!(owner.cart(id).await, cart);
}

#[tokio::test]
async fn a_price_a_total_or_an_owner_cannot_be_sent() {
    let app = shop().await;
    let guest = app.guest();
    let cart = guest.new_cart(&[("CUP", 1)]).await;
    let line = |extra: Value| {
        let mut line = json!({ "sku": "CUP", "quantity": 1 });
        line.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        json!({ "cartId": cart["id"], "lines": [line] })
    };

    for extra in [json!({ "unitPrice": "0.01" }), json!({ "price": 1 }), json!({ "total": "0" })] {
        let answer = guest.cart_call("cartLinesAdd", line(extra)).await;
        assert_eq!(answer.error_codes(), ["BAD_USER_INPUT"]);
    }
    let owned = json!({ "currency": "EUR", "customerId": "user_x" });
    let answer = guest.cart_call("cartCreate", owned).await;
    assert_eq!(answer.error_codes(), ["BAD_USER_INPUT"]);
    assert_eq!(guest.cart(&cart["id"]).await, cart);
}

#[tokio::test]
async fn more_than_a_line_may_cost_is_refused_and_a_later_price_is_a_problem() {
    let app = shop().await;
    let gem = app.offers("GEM", 999, 1_000_000_000_000).await;
    let guest = app.guest();
    let out_of_range = [("OUT_OF_RANGE".to_owned(), "lines.0.quantity".to_owned())];

    let two = guest.cart_call("cartCreate", json!({ "lines": to_lines(&[("GEM", 2)]) })).await;
    assert_eq!(refusals(&two, "cartCreate"), out_of_range);
    let cart = guest.new_cart(&[("GEM", 1)]).await;
    assert_eq!(cart["total"]["amountMinor"], "1000000000000");
    let more = json!({ "cartId": cart["id"], "lines": to_lines(&[("GEM", 2)]) });
    let more = guest.cart_call("cartLinesUpdate", more).await;
    assert_eq!(refusals(&more, "cartLinesUpdate"), out_of_range);

    app.costs(gem, "EUR", i64::MAX).await;
    let cart = guest.cart(&cart["id"]).await;
    assert_eq!(cart["problems"][0]["__typename"], "VariantUnavailableProblem");
    assert_eq!(cart["total"]["amountMinor"], "0");
}

#[tokio::test]
async fn an_id_that_is_no_carts_is_not_found() {
    let app = shop().await;
    let guest = app.guest();
    let not_found = [("NOT_FOUND".to_owned(), "cartId".to_owned())];

    for id in ["", "cart_", "prod_01jd", "cart_00000000000000000000000000", "'; DROP TABLE cart"] {
        let input = json!({ "cartId": id, "lines": to_lines(&[("CUP", 1)]) });
        let answer = guest.cart_call("cartLinesAdd", input).await;
        assert_eq!(refusals(&answer, "cartLinesAdd"), not_found, "{id}");
    }
}

#[tokio::test]
async fn ids_of_guests_carts_are_random_in_all_their_bits() {
    let app = shop().await;
    let guest = app.guest();
    let (mut ones, mut zeros) = (0_u128, 0_u128);
    for _ in 0..64 {
        let cart = guest.new_cart(&[]).await;
        let id = cart["id"].as_str().unwrap();
        let bits = stockroom::graphql::NodeKind::Cart.key(id).unwrap().as_u128();
        ones |= bits;
        zeros |= !bits;
    }
    // By chance a bit is the same 64 times once in 2^56 runs.
    assert_eq!((ones, zeros), (u128::MAX, u128::MAX));
}
