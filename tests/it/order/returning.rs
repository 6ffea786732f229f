//! Goods that come back.

use super::goods::{events, of_line, pieces};
use super::money::{deal, refund};
use super::shop::{codes, shop};
use crate::app::{providers_answer_late, warehouse_id, without_patience};
use chrono::TimeDelta;
use serde_json::json;

#[tokio::test]
async fn what_comes_back_goes_to_the_shelf_that_it_left() {
    let app = shop().await;
    let east = app.opens("EAST", 2).await;
    app.receives("CUP", east, 20).await;
    let staff = app.staff().await;
    // 100 from the first warehouse, 10 from the other.
    let order = app.customer().await.bought(&[("CUP", 110)]).await;
    staff.sends(&order, None).await;
    let input = json!({ "orderId": order["id"], "lines": pieces(&order, &[("CUP", 105)]),
                        "reason": "Broken" });

    let done = staff.order_payload("orderReturn", input).await;

    assert_eq!((codes(&done), &done["order"]["status"]), (vec![], &json!("FULFILLED")));
    assert_eq!(of_line(&done["order"], "CUP", "quantityReturned"), 105);
    assert_eq!(events(&done["order"]).last(), Some(&"RETURNED"));
    let back: i64 = done["order"]["fulfillments"][0]["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["quantityReturned"].as_i64().unwrap())
        .sum();
    assert_eq!(back, 105);
    assert_eq!(app.pieces("CUP").await, (115, 0));
    let number = order["number"].as_str().unwrap();
    let moved = format!("kind = 'RETURN' AND reference_id = '{number}'");
    assert_eq!(app.rows("stock_movement", &moved).await, 2);
    app.stock_is_sound().await;
}

#[tokio::test]
async fn what_is_broken_does_not_go_back_on_the_shelf() {
    let app = shop().await;
    let staff = app.staff().await;
    let order = app.customer().await.bought(&[("CUP", 2)]).await;
    staff.sends(&order, None).await;
    let lines = pieces(&order, &[("CUP", 1)]);
    let input = json!({ "orderId": order["id"], "lines": lines, "restock": false });

    let done = staff.order_payload("orderReturn", input).await;

    assert_eq!(of_line(&done["order"], "CUP", "quantityReturned"), 1);
    assert_eq!(app.pieces("CUP").await, (98, 0));
    let elsewhere = app.opens("EAST", 2).await;
    let input = json!({ "orderId": order["id"], "lines": lines,
                        "warehouseId": warehouse_id(elsewhere) });
    let done = staff.order_payload("orderReturn", input).await;
    assert_eq!(codes(&done), [""; 0]);
    assert_eq!(app.pieces("CUP").await, (99, 0));
    app.stock_is_sound().await;
}

#[tokio::test]
async fn no_more_comes_back_than_was_sent() {
    let app = shop().await;
    let (staff, customer) = (app.staff().await, app.customer().await);
    let order = customer.bought(&[("CUP", 3)]).await;
    staff.sends(&order, Some(&[("CUP", 2)])).await;
    let back = |quantity: i64| json!({ "orderId": order["id"], "lines": pieces(&order, &[("CUP", quantity)]) });

    for quantity in [3, 0, -1, 2_147_483_647] {
        let refused = staff.order_payload("orderReturn", back(quantity)).await;
        assert_eq!(codes(&refused), ["OUT_OF_RANGE"], "{quantity}");
    }
    let done = staff.order_payload("orderReturn", back(2)).await;
    assert_eq!((codes(&done), &done["order"]["status"]), (vec![], &json!("PAID")));
    assert_eq!(codes(&staff.order_payload("orderReturn", back(1)).await), ["OUT_OF_RANGE"]);
    assert_eq!(app.pieces("CUP").await, (100, 1));
    let refused = customer.order_call("orderReturn", back(1)).await;
    assert_eq!(refused.error_codes(), ["FORBIDDEN"]);
}

#[tokio::test]
async fn the_money_of_what_comes_back_goes_back() {
    let app = shop().await;
    let staff = app.staff().await;
    // Three cups at 10.00 with 19 % are 35.70, a pot is 30.35 (30.345, to even); 5.83 of shipping.
    let order = app.customer().await.bought(&[("CUP", 3), ("POT", 1)]).await;
    staff.sends(&order, None).await;
    let back = |wanted: &[(&str, i64)], amount: serde_json::Value| {
        json!({ "orderId": order["id"], "lines": pieces(&order, wanted), "refund": true,
                "amount": amount })
    };

    let first = staff.order_payload("orderReturn", back(&[("CUP", 1)], json!(null))).await;

    assert_eq!((codes(&first), &first["order"]["status"]), (vec![], &json!("FULFILLED")));
    assert_eq!(first["order"]["refundedTotal"]["amountMinor"], "1190");
    assert_eq!(first["order"]["payments"][0]["status"], "PARTIALLY_REFUNDED");
    let rest = back(&[("CUP", 2), ("POT", 1)], json!(null));
    let second = staff.order_payload("orderReturn", rest).await;
    let goods = 3_570 + 3_034;
    assert_eq!(second["order"]["refundedTotal"]["amountMinor"], goods.to_string());
    assert_eq!(second["order"]["status"], "FULFILLED", "the shipping is kept");
    assert_eq!((app.pieces("CUP").await, app.pieces("POT").await), ((100, 0), (100, 0)));
    assert_eq!(app.rows("sandbox_refund", "1 = 1").await, 2);
    app.is_sound().await;
}

#[tokio::test]
async fn an_amount_may_be_named_and_all_of_it_ends_the_order() {
    let app = shop().await;
    let staff = app.staff().await;
    let order = app.customer().await.bought(&[("CUP", 1)]).await;
    staff.sends(&order, None).await;
    let back = |refund: bool, amount: &str| {
        json!({ "orderId": order["id"], "lines": pieces(&order, &[("CUP", 1)]), "refund": refund,
                "amount": { "amount": amount, "currency": "EUR" } })
    };
    let total = order["total"]["amount"].as_str().unwrap();

    for (refund, amount, code) in [
        (false, "1.00", "INVALID"),
        (true, "0", "OUT_OF_RANGE"),
        (true, "-1.00", "OUT_OF_RANGE"),
        (true, "17.74", "REFUND_AMOUNT"),
        (true, "90000000000000", "REFUND_AMOUNT"),
    ] {
        let refused = staff.order_payload("orderReturn", back(refund, amount)).await;
        assert_eq!(codes(&refused), [code], "{amount}");
    }
    assert_eq!((app.pieces("CUP").await, app.rows("refund", "1 = 1").await), ((99, 0), 0));
    let done = staff.order_payload("orderReturn", back(true, total)).await;
    assert_eq!((codes(&done), &done["order"]["status"]), (vec![], &json!("REFUNDED")));
    assert_eq!(done["order"]["refundedTotal"]["amountMinor"], order["total"]["amountMinor"]);
    assert_eq!(app.pieces("CUP").await, (100, 0));
    app.is_sound().await;
}

#[tokio::test]
async fn money_that_the_provider_keeps_is_told_with_the_goods_that_are_back() {
    let app = shop().await;
    let staff = app.staff().await;
    let order = app.customer().await.bought(&[("CUP", 2)]).await;
    staff.sends(&order, None).await;
    let input = json!({ "orderId": order["id"], "lines": pieces(&order, &[("CUP", 1)]),
                        "refund": true, "idempotencyKey": "back" });
    app.execute("UPDATE sandbox_charge SET refunded = captured").await;

    let done = staff.order_payload("orderReturn", input.clone()).await;
    app.execute("UPDATE sandbox_charge SET refunded = 0").await;

    assert_eq!((codes(&done), of_line(&done["order"], "CUP", "quantityReturned")), (vec![], 1));
    let warnings = done["warnings"].as_array().unwrap();
    let told: Vec<_> = warnings.iter().map(|it| (&it["code"], &it["path"])).collect();
    assert_eq!(told, [(&json!("REFUND_FAILED"), &json!(["refund"]))]);
    assert!(warnings[0]["message"].as_str().unwrap().contains("paymentRefund"), "{done}");
    assert_eq!(staff.order_payload("orderReturn", input.clone()).await, done);
    // As the warning says; what was asked for under the key stays refused.
    let payment = &order["payments"][0];
    let lines = pieces(&order, &[("CUP", 1)]);
    let paid = deal(&staff, "paymentRefund", refund(payment, &json!({ "lines": lines }))).await;
    assert_eq!(codes(&paid), [""; 0]);
    let again = staff.order_payload("orderReturn", input).await;
    assert_eq!(again["warnings"], done["warnings"]);
    assert_eq!(again["order"]["refundedTotal"]["amountMinor"], "1190");
    assert_eq!(app.pieces("CUP").await, (99, 0));
    app.is_sound().await;
}

#[tokio::test]
async fn while_nobody_knows_whether_the_money_of_goods_is_back_each_answer_says_so() {
    let app = shop().await;
    let order = app.customer().await.bought(&[("CUP", 2)]).await;
    app.staff().await.sends(&order, None).await;
    providers_answer_late();
    let impatient = app.replica_with(without_patience).await;
    let staff = impatient.staff().await;
    let input = json!({ "orderId": order["id"], "lines": pieces(&order, &[("CUP", 2)]),
                        "refund": true, "idempotencyKey": "back" });

    let pending = staff.order_payload("orderReturn", input.clone()).await;
    let still = staff.order_payload("orderReturn", input.clone()).await;
    app.waits(TimeDelta::minutes(1));
    app.orders().recover().await.unwrap();
    let known = staff.order_payload("orderReturn", input).await;

    for answer in [&pending, &still] {
        assert_eq!(codes(answer), [""; 0]);
        assert_eq!(answer["warnings"][0]["code"], "PAYMENT_PENDING", "{answer}");
        assert_eq!(answer["order"]["refundedTotal"]["amountMinor"], "0");
    }
    assert_eq!((codes(&known), &known["warnings"]), (vec![], &json!([])));
    assert_eq!(known["order"]["refundedTotal"]["amountMinor"], "2380");
    assert_eq!((app.pieces("CUP").await, app.rows("sandbox_refund", "1 = 1").await), ((100, 0), 1));
    app.is_sound().await;
}
