//! What the shop itself orders: from a draft to the last piece on the shelf.

use super::goods::{events, of_line, pieces, purchase};
use super::shop::{codes, shop};
use crate::app::warehouse_id;
use serde_json::{Value, json};

#[tokio::test]
async fn a_purchase_goes_from_a_draft_to_the_shelf() {
    let app = shop().await;
    let staff = app.staff().await;
    let lines = [("CUP", 10, 250), ("POT", 4, 1_999)];
    let draft = staff.order_payload("orderCreate", purchase(&lines, false)).await;
    assert_eq!(codes(&draft), [""; 0]);
    let order = &draft["order"];
    assert_eq!((&order["kind"], &order["status"]), (&json!("PURCHASE"), &json!("DRAFT")));
    assert!(order["number"].as_str().unwrap().starts_with("PO-"));
    assert_eq!(
        (&order["supplierName"], &order["email"]),
        (&json!("Clay & Co"), &json!("sales@clay.example"))
    );
    assert_eq!(order["total"]["amountMinor"], "10496");
    assert_eq!(order["warehouse"]["code"], "MAIN");
    assert_eq!(app.incoming("CUP").await, 0);
    let id = json!({ "orderId": order["id"] });

    let placed = staff.order_payload("purchaseOrderPlace", id.clone()).await;

    assert_eq!((codes(&placed), &placed["order"]["status"]), (vec![], &json!("ORDERED")));
    assert_eq!((app.incoming("CUP").await, app.incoming("POT").await), (10, 4));
    assert_eq!(staff.order_payload("purchaseOrderPlace", id).await, placed);
    let part = staff.takes_in(order, Some(&[("CUP", 6)])).await;
    assert_eq!((codes(&part), &part["order"]["status"]), (vec![], &json!("ORDERED")));
    assert_eq!(of_line(&part["order"], "CUP", "quantityReceived"), 6);
    assert_eq!((app.incoming("CUP").await, app.pieces("CUP").await), (4, (106, 0)));
    let rest = staff.takes_in(order, None).await;
    assert_eq!(rest["order"]["status"], "RECEIVED");
    assert_eq!(events(&rest["order"]), ["PLACED", "ORDERED", "RECEIVED", "RECEIVED"]);
    assert_eq!((app.incoming("CUP").await, app.incoming("POT").await), (0, 0));
    assert_eq!((app.pieces("CUP").await, app.pieces("POT").await), ((110, 0), (104, 0)));
    let number = order["number"].as_str().unwrap();
    let received = format!("kind = 'RECEIPT' AND reference_id = '{number}'");
    assert_eq!(app.rows("stock_movement", &received).await, 3);
    assert_eq!(codes(&staff.takes_in(order, None).await), ["INVALID_TRANSITION"]);
    app.stock_is_sound().await;
}

#[tokio::test]
async fn no_more_arrives_than_was_ordered() {
    let app = shop().await;
    let staff = app.staff().await;
    let order = staff.orders_in(&[("CUP", 5, 100)]).await;
    let line = |quantity: i64| pieces(&order, &[("CUP", quantity)])[0].clone();

    for lines in [json!([line(6)]), json!([line(3), line(3)]), json!([line(0)]), json!([line(-2)])]
    {
        let input = json!({ "orderId": order["id"], "lines": lines });
        let refused = staff.order_payload("purchaseOrderReceive", input).await;
        assert_eq!(codes(&refused), ["OUT_OF_RANGE"], "{lines}");
    }
    let refused = staff.takes_in(&order, Some(&[("CUP", 6)])).await;
    let message = refused["userErrors"][0]["message"].as_str().unwrap();
    assert_eq!(message, "Of CUP 5 are left to come, not 6.");
    assert_eq!((app.incoming("CUP").await, app.pieces("CUP").await), (5, (100, 0)));
}

#[tokio::test]
async fn a_purchase_that_is_called_off_brings_only_what_has_arrived() {
    let app = shop().await;
    let staff = app.staff().await;
    let order = staff.orders_in(&[("CUP", 10, 100)]).await;
    staff.takes_in(&order, Some(&[("CUP", 3)])).await;
    let id = json!({ "orderId": order["id"], "reason": "Out of clay" });

    let done = staff.order_payload("orderCancel", id.clone()).await;

    assert_eq!((codes(&done), &done["order"]["status"]), (vec![], &json!("CANCELLED")));
    assert_eq!((app.incoming("CUP").await, app.pieces("CUP").await), (0, (103, 0)));
    assert_eq!(staff.order_payload("orderCancel", id).await, done);
    assert_eq!(codes(&staff.takes_in(&order, None).await), ["INVALID_TRANSITION"]);
    let draft = staff.order_payload("orderCreate", purchase(&[("CUP", 1, 1)], false)).await;
    let id = json!({ "orderId": draft["order"]["id"] });
    let done = staff.order_payload("orderCancel", id.clone()).await;
    assert_eq!(done["order"]["status"], "CANCELLED");
    assert_eq!(codes(&staff.order_payload("purchaseOrderPlace", id).await), ["INVALID_TRANSITION"]);
    assert_eq!(app.incoming("CUP").await, 0);
}

#[tokio::test]
async fn a_purchase_may_go_where_there_was_never_any_and_before_it_is_sold() {
    let app = shop().await;
    let staff = app.staff().await;
    app.drafts(&["NEW"]).await;
    let east = app.opens("EAST", 2).await;
    let mut input = purchase(&[("NEW", 2, 100), ("NEW", 3, 100)], true);
    input["warehouseId"] = json!(warehouse_id(east));

    let done = staff.order_payload("orderCreate", input).await;

    assert_eq!(codes(&done), [""; 0], "{done}");
    assert_eq!(done["order"]["lines"].as_array().unwrap().len(), 1, "named twice, added up");
    assert_eq!((app.incoming("NEW").await, app.pieces("NEW").await), (5, (0, 0)));
    staff.takes_in(&done["order"], None).await;
    assert_eq!((app.incoming("NEW").await, app.pieces("NEW").await), (0, (5, 0)));
    app.stock_is_sound().await;
}

#[tokio::test]
async fn a_purchase_is_for_staff_and_no_sale() {
    let app = shop().await;
    let (staff, customer) = (app.staff().await, app.customer().await);
    let order = staff.orders_in(&[("CUP", 1, 100)]).await;
    let id = json!({ "orderId": order["id"] });

    for mutation in ["purchaseOrderPlace", "purchaseOrderReceive"] {
        let refused = customer.order_call(mutation, id.clone()).await;
        assert_eq!(refused.error_codes(), ["FORBIDDEN"], "{mutation}");
    }
    let refused = customer.order_call("orderCreate", purchase(&[("CUP", 1, 1)], true)).await;
    assert_eq!(refused.error_codes(), ["FORBIDDEN"]);
    assert!(customer.order(&order["id"]).await.is_null());
    assert_eq!(codes(&customer.order_payload("orderCancel", id.clone()).await), ["NOT_FOUND"]);
    assert_eq!(
        codes(&staff.order_payload("orderFulfill", id.clone()).await),
        ["INVALID_TRANSITION"]
    );
    let sale = customer.bought(&[("CUP", 1)]).await;
    let refused = staff.takes_in(&sale, None).await;
    assert_eq!(codes(&refused), ["INVALID_TRANSITION"]);
    let message: &Value = &refused["userErrors"][0]["message"];
    assert!(message.as_str().unwrap().ends_with("It is a sale."), "{message}");
}

#[tokio::test]
async fn what_is_wrong_with_a_purchase_is_told_at_its_place() {
    let app = shop().await;
    let staff = app.staff().await;
    let cost = |amount: &str, currency: &str| json!({ "amount": amount, "currency": currency });
    let cases = [
        ("/lines/0/sku", json!("NONE"), "NOT_FOUND", json!(["lines", "0", "sku"])),
        ("/lines/0/quantity", json!(0), "OUT_OF_RANGE", json!(["lines", "0", "quantity"])),
        ("/lines/0/quantity", json!(-5), "OUT_OF_RANGE", json!(["lines", "0", "quantity"])),
        (
            "/lines/0/unitCost",
            cost("1", "JPY"),
            "CURRENCY_MISMATCH",
            json!(["lines", "0", "unitCost"]),
        ),
        ("/lines/0/unitCost", cost("-1", "EUR"), "OUT_OF_RANGE", json!(["lines", "0", "unitCost"])),
        (
            "/lines/0/unitCost",
            cost("9000000000000", "EUR"),
            "OUT_OF_RANGE",
            json!(["lines", "0", "quantity"]),
        ),
        ("/supplier/name", json!(" "), "REQUIRED", json!(["supplier", "name"])),
        ("/supplier/email", json!("nobody"), "INVALID", json!(["supplier", "email"])),
        ("/lines", json!([]), "REQUIRED", json!(["lines"])),
    ];
    for (place, value, code, path) in cases {
        let mut input = purchase(&[("CUP", 2, 100)], true);
        *input.pointer_mut(place).unwrap() = value.clone();

        let refused = staff.order_payload("orderCreate", input).await;

        assert_eq!(codes(&refused), [code], "{place} {value}");
        assert_eq!(refused["userErrors"][0]["path"], path, "{place} {value}");
    }
    let mut input = purchase(&[("CUP", 2, 100)], true);
    input["email"] = json!("a@b.example");
    input["holdMinutes"] = json!(5);
    let refused = staff.order_payload("orderCreate", input).await;
    assert_eq!(codes(&refused), ["INVALID", "INVALID"]);
    // A draft too: its pieces are what a GraphQL Int can show.
    let most = ("CUP", 2_147_483_647, 1);
    for (lines, index) in [(vec![most, most], "1"), (vec![("POT", 1, 1), most, most, most], "2")] {
        let refused = staff.order_payload("orderCreate", purchase(&lines, false)).await;
        assert_eq!(codes(&refused), ["OUT_OF_RANGE"], "{refused}");
        assert_eq!(refused["userErrors"][0]["path"], json!(["lines", index, "quantity"]));
    }
    let huge =
        staff.order_payload("orderCreate", purchase(&[("CUP", 2_147_483_647, 1)], true)).await;
    assert_eq!(codes(&huge), [""; 0]);
    let more = staff.order_payload("orderCreate", purchase(&[("CUP", 1, 1)], true)).await;
    assert_eq!(codes(&more), ["OUT_OF_RANGE"], "a level cannot hold more on its way");
    assert_eq!(app.rows("shop_order", "1 = 1").await, 1);
    assert_eq!(app.incoming("CUP").await, 2_147_483_647);
}
