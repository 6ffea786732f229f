//! Orders in flash sales: nobody gets more than there is, nor more than one customer may have, and
//! what is not kept comes back once.

use super::entering::sale;
use super::money::{deal, refund};
use super::racing::{addresses, check_out, counted};
use super::shop::{checkout, codes, shop, stock_up};
use crate::app::TestApp;
use chrono::TimeDelta;
use futures::StreamExt;
use serde_json::{Value, json};
use std::collections::HashMap;
use stockroom::auth::{Role, Viewer};
use stockroom::graphql::NodeKind;
use uuid::Uuid;

/// A cup at 8.00 with shipping at 4.90 and 19 % tax, and at 10.00.
const ON_SALE: &str = "15.35";
const AT_LIST_PRICE: &str = "17.73";
/// Those who wait for one customer's or one sale's row: the last of them is not told to come back.
const AT_ONCE: usize = 16;

impl TestApp {
    /// Pieces that orders have of the sales, by the sales and by what orders took; of all orders
    /// that are not over.
    async fn taken(&self) -> i64 {
        let by_sales = "SELECT CAST(COALESCE(SUM(taken), 0) AS bigint) FROM flash_sale";
        let by_orders = "SELECT CAST(COALESCE(SUM(t.quantity), 0) AS bigint) FROM flash_sale_take t \
                         JOIN shop_order o ON o.id = t.order_id \
                         WHERE o.status NOT IN ('CANCELLED', 'REFUNDED')";
        let all = "SELECT CAST(COALESCE(SUM(quantity), 0) AS bigint) FROM flash_sale_take";
        let taken = self.number(by_sales).await;
        assert_eq!((taken, taken), (self.number(by_orders).await, self.number(all).await));
        taken
    }

    /// Lines of orders at this price, and whether they say that it is a sale's.
    async fn lines_at(&self, cents: i64, is_on_sale: bool) -> i64 {
        let not = if is_on_sale { "NOT" } else { "" };
        let which = format!("unit_price = {cents} AND flash_sale_id IS {not} NULL");
        self.rows("order_line", &which).await
    }
}

/// A checkout of this cart under this e-mail address.
fn by(email: &str, cart: &Value) -> Value {
    let mut input = checkout(cart, "card_approved");
    input["email"] = json!(email);
    input
}

fn expecting(total: &str, mut input: Value) -> Value {
    input["expectedTotal"] = json!({ "amount": total, "currency": "EUR" });
    input
}

/// The input of a checkout of so many cups, for each of so many guests with addresses of their own.
async fn guests(app: &TestApp, n: usize, pieces: i64) -> Vec<Value> {
    let mut inputs = Vec::with_capacity(n);
    for turn in 0..n {
        let cart = app.cart_of(&Viewer::Guest, &[("CUP", pieces)]).await;
        let cart = json!(NodeKind::Cart.id(cart).to_string());
        inputs.push(by(&format!("buyer{turn}@shop.example"), &cart));
    }
    inputs
}

#[tokio::test]
async fn a_buyer_pays_the_price_of_the_sale_and_the_line_says_so() {
    let app = shop().await;
    let sale = app.flashes("CUP", 800, 10, None).await;

    let placed = app.guest().buys(&[("CUP", 3), ("POT", 1)], "card_approved").await;

    assert_eq!((codes(&placed), &placed["order"]["status"]), (vec![], &json!("PAID")));
    let lines = placed["order"]["lines"].as_array().unwrap();
    let prices: Vec<_> = lines.iter().map(|line| &line["unitPrice"]["amountMinor"]).collect();
    assert_eq!(prices, ["800", "2550"]);
    assert_eq!((app.lines_at(800, true).await, app.lines_at(2_550, false).await), (1, 1));
    assert_eq!(app.taken().await, 3);
    let staff = app.staff().await;
    let document = "query ($id: ID!, $sale: ID!) { order(by: { id: $id }) { lines { isInFlashSale } } \
                    node(id: $sale) { ... on FlashSale { allocation remaining status } } }";
    let sale = NodeKind::FlashSale.id(sale).to_string();
    let variables = json!({ "id": placed["order"]["id"], "sale": sale });
    let answer = staff.query(document).with_variables(variables).await;
    assert_eq!(
        answer.data(),
        &json!({
            "order": { "lines": [{ "isInFlashSale": true }, { "isInFlashSale": false }] },
            "node": { "allocation": 10, "remaining": 7, "status": "RUNNING" },
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_buyers_who_want_the_price_shown_get_the_hundred_pieces_of_the_sale() {
    let app = TestApp::start().await;
    stock_up(&app, 500).await;
    app.flashes("CUP", 800, 100, Some(2)).await;
    let inputs = guests(&app, 1_000, 1).await.into_iter();
    let inputs: Vec<Value> = inputs.map(|input| expecting(ON_SALE, input)).collect();
    let (addresses, _processes) = addresses(&app).await;

    let payloads = check_out(&addresses, inputs).await;

    let expected = HashMap::from([(String::new(), 100), ("PRICE_CHANGED".to_owned(), 900)]);
    assert_eq!(counted(&payloads), expected);
    let refused = payloads.iter().filter(|payload| codes(payload) == ["PRICE_CHANGED"]);
    let told: Vec<_> = refused.map(|payload| &payload["userErrors"][0]["newTotal"]).collect();
    assert!(told.iter().all(|total| total["amount"] == AT_LIST_PRICE));
    assert_eq!((app.lines_at(800, true).await, app.taken().await), (100, 100));
    assert_eq!(app.pieces("CUP").await, (500, 100));
    app.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_names_no_total_buys_at_the_list_price_once_the_share_is_gone() {
    let app = TestApp::start().await;
    stock_up(&app, 60).await;
    app.flashes("CUP", 800, 25, None).await;
    let inputs = guests(&app, 150, 1).await;
    let (addresses, _processes) = addresses(&app).await;

    let payloads = check_out(&addresses, inputs).await;

    let expected = HashMap::from([(String::new(), 60), ("INSUFFICIENT_STOCK".to_owned(), 90)]);
    assert_eq!(counted(&payloads), expected);
    assert_eq!((app.lines_at(800, true).await, app.lines_at(1_000, false).await), (25, 35));
    assert_eq!(app.taken().await, 25);
    app.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn crowds_of_checkouts_under_one_address_get_what_one_customer_may_have() {
    let app = TestApp::start().await;
    stock_up(&app, 100).await;
    app.flashes("CUP", 800, 50, Some(4)).await;
    let mut inputs = guests(&app, 50, 2).await;
    for (turn, input) in inputs.iter_mut().enumerate() {
        // Written as people do; it is one address.
        input["email"] = json!(if turn % 2 == 0 { "a@shop.example" } else { "A@SHOP.example" });
    }
    let (addresses, _processes) = addresses(&app).await;

    let mut payloads = Vec::new();
    for crowd in inputs.chunks(AT_ONCE) {
        payloads.extend(check_out(&addresses, crowd.to_vec()).await);
    }

    let expected = HashMap::from([(String::new(), 2), ("FLASH_SALE_LIMIT".to_owned(), 48)]);
    assert_eq!(counted(&payloads), expected);
    assert_eq!((app.taken().await, app.pieces("CUP").await), (4, (100, 4)));
    app.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn crowds_of_checkouts_of_one_account_get_what_one_customer_may_have() {
    let app = TestApp::start().await;
    stock_up(&app, 100).await;
    app.flashes("CUP", 800, 50, Some(3)).await;
    let buyer = app.signed_in(Role::Customer).await;
    let mut calls = Vec::new();
    for turn in 0..50 {
        // Carts of guests, bought by someone who is signed in, under an address each.
        let cart = app.cart_of(&Viewer::Guest, &[("CUP", 1)]).await;
        let cart = json!(NodeKind::Cart.id(cart).to_string());
        let input = by(&format!("mine{turn}@shop.example"), &cart);
        let buyer = buyer.clone();
        calls.push(async move { buyer.order_payload("checkoutComplete", input).await });
    }

    let payloads: Vec<_> = futures::stream::iter(calls).buffer_unordered(AT_ONCE).collect().await;

    let expected = HashMap::from([(String::new(), 3), ("FLASH_SALE_LIMIT".to_owned(), 47)]);
    assert_eq!(counted(&payloads), expected);
    assert_eq!(app.taken().await, 3);
    app.is_sound().await;
}

#[tokio::test]
async fn more_than_the_limit_is_refused_with_how_many_there_can_be() {
    let app = shop().await;
    app.flashes("CUP", 800, 10, Some(3)).await;
    let guest = app.guest();
    let first = guest.fills(&[("CUP", 2)]).await;
    let placed = guest.order_payload("checkoutComplete", by("a@shop.example", &first)).await;
    assert_eq!(codes(&placed), Vec::<&str>::new());
    let refusal = async |email: &str, pieces: i64| {
        let cart = guest.fills(&[("CUP", pieces)]).await;
        let input = by(email, &cart);
        let document = "mutation ($input: CheckoutCompleteInput!) { checkoutComplete(input: $input) { \
            order { id } userErrors { code path ... on FlashSaleLimitError { sku requested maximum } } } }";
        let answer = guest.query(document).with_variables(json!({ "input": input })).await;
        answer.data()["checkoutComplete"].clone()
    };
    let told = |requested: i64, maximum: i64| {
        json!({ "order": null, "userErrors": [{
            "code": "FLASH_SALE_LIMIT", "path": ["cartId"],
            "sku": "CUP", "requested": requested, "maximum": maximum,
        }] })
    };

    assert_eq!(refusal("a@shop.example", 2).await, told(2, 1));
    assert_eq!(refusal("b@shop.example", 4).await, told(4, 3));
    assert_eq!(refusal("a@shop.example", 1).await["userErrors"], json!([]));
    assert_eq!(refusal("a@shop.example", 1).await, told(1, 0));

    assert_eq!((app.taken().await, app.pieces("CUP").await), (3, (100, 3)));
    assert_eq!(app.rows("cart", "status = 'OPEN'").await, 3);
}

#[tokio::test]
async fn a_limit_counts_what_an_account_bought_as_a_guest_under_the_same_address() {
    let app = shop().await;
    app.flashes("CUP", 800, 10, Some(2)).await;
    let (guest, buyer) = (app.guest(), app.customer().await);
    let cart = guest.fills(&[("CUP", 2)]).await;
    guest.order_payload("checkoutComplete", by("a@shop.example", &cart)).await;

    let cart = buyer.fills(&[("CUP", 1)]).await;
    let refused = buyer.order_payload("checkoutComplete", by("a@shop.example", &cart)).await;

    assert_eq!(codes(&refused), ["FLASH_SALE_LIMIT"]);
}

#[tokio::test]
async fn more_than_is_left_of_the_share_is_refused_and_not_split() {
    let app = shop().await;
    app.flashes("CUP", 800, 5, None).await;
    let guest = app.guest();
    guest.buys(&[("CUP", 3)], "card_approved").await;

    let refused = guest.buys(&[("CUP", 3)], "card_approved").await;
    let fits = guest.buys(&[("CUP", 2)], "card_approved").await;
    let at_list_price = guest.buys(&[("CUP", 3)], "card_approved").await;

    assert_eq!(codes(&refused), ["FLASH_SALE_LIMIT"]);
    assert_eq!(fits["order"]["lines"][0]["unitPrice"]["amountMinor"], "800");
    assert_eq!(at_list_price["order"]["lines"][0]["unitPrice"]["amountMinor"], "1000");
    assert_eq!(app.taken().await, 5);
}

#[tokio::test]
async fn what_is_called_off_comes_back_once() {
    let app = shop().await;
    app.flashes("CUP", 800, 5, Some(5)).await;
    let guest = app.guest();
    let placed = guest.buys(&[("CUP", 5)], "card_approved").await;
    assert_eq!(app.taken().await, 5);
    let input = json!({
        "orderId": placed["order"]["id"], "guestAccessToken": placed["guestAccessToken"],
    });

    let calls = (0..10).map(|_| guest.order_call("orderCancel", input.clone()));
    let answers = futures::future::join_all(calls).await;

    assert!(answers.iter().all(|answer| answer.user_errors("orderCancel").is_empty()));
    assert_eq!((app.taken().await, app.rows("flash_sale_take", "1 = 1").await), (0, 0));
    // The same customer can have them again.
    let again = guest.buys(&[("CUP", 5)], "card_approved").await;
    assert_eq!((codes(&again), app.taken().await), (vec![], 5));
    // Once more, late.
    guest.order_call("orderCancel", input).await;
    assert_eq!(app.taken().await, 5);
    app.is_sound().await;
}

#[tokio::test]
async fn what_nobody_pays_comes_back_when_its_hold_ends() {
    let app = shop().await;
    app.flashes("CUP", 800, 5, None).await;
    let placed = app.guest().buys(&[("CUP", 4)], "card_declined").await;
    assert_eq!((codes(&placed), app.taken().await), (vec!["PAYMENT_DECLINED"], 4));
    app.waits(TimeDelta::minutes(16));

    assert_eq!(app.orders().expire_due().await.unwrap(), 1);

    assert_eq!(app.taken().await, 0);
    assert_eq!(app.orders().expire_due().await.unwrap(), 0);
    let bought = app.guest().buys(&[("CUP", 5)], "card_approved").await;
    assert_eq!(bought["order"]["lines"][0]["unitPrice"]["amountMinor"], "800");
}

/// A buyer whose card is declined takes so many cups; its time is over, and no job runs.
async fn dies_with(app: &TestApp, pieces: i64) -> Value {
    let dead = app.guest().buys(&[("CUP", pieces)], "card_declined").await;
    assert_eq!(codes(&dead), ["PAYMENT_DECLINED"]);
    app.waits(TimeDelta::minutes(16));
    dead["order"].clone()
}

#[tokio::test]
async fn nobody_is_refused_for_a_dead_share_though_no_job_runs() {
    // In part and as a whole; of those of another customer and of one's own.
    for (allocation, limit, pieces) in [(5, None, 4), (5, None, 5), (50, Some(4), 4)] {
        let app = shop().await;
        let staff = app.staff().await;
        app.flashes("CUP", 800, allocation, limit).await;
        let dead = dies_with(&app, pieces).await;
        let cart = app.guest().fills(&[("CUP", pieces)]).await;

        let bought =
            app.guest().order_payload("checkoutComplete", checkout(&cart, "card_approved")).await;

        assert_eq!((codes(&bought), &bought["order"]["status"]), (vec![], &json!("PAID")));
        assert_eq!(bought["order"]["lines"][0]["unitPrice"]["amountMinor"], "800");
        assert_eq!(app.taken().await, pieces);
        assert_eq!(staff.order(&dead["id"]).await["status"], "CANCELLED");
        app.is_sound().await;
    }
}

#[tokio::test]
async fn nobody_is_charged_the_list_price_for_a_dead_share() {
    let app = shop().await;
    app.flashes("CUP", 800, 1, None).await;
    dies_with(&app, 1).await;
    // As the cart shows it while the dead order has all of the share.
    let cart = app.guest().fills(&[("CUP", 1)]).await;
    let at_list_price = expecting(AT_LIST_PRICE, checkout(&cart, "card_approved"));
    let on_sale = expecting(ON_SALE, checkout(&cart, "card_approved"));

    let changed = app.guest().order_payload("checkoutComplete", at_list_price).await;
    let bought = app.guest().order_payload("checkoutComplete", on_sale).await;

    assert_eq!(codes(&changed), ["PRICE_CHANGED"]);
    assert_eq!(changed["userErrors"][0]["newTotal"]["amount"], ON_SALE);
    assert_eq!((codes(&bought), &bought["order"]["status"]), (vec![], &json!("PAID")));
    assert_eq!(app.taken().await, 1);
    app.is_sound().await;
}

#[tokio::test]
async fn staff_are_not_refused_for_a_dead_share_of_which_the_stock_is_free_already() {
    let app = shop().await;
    let staff = app.staff().await;
    app.flashes("CUP", 800, 3, Some(3)).await;
    let dead = dies_with(&app, 3).await;
    app.app.services.stock.expire_holds().await.unwrap();
    assert_eq!(staff.order(&dead["id"]).await["status"], "PENDING_PAYMENT");

    let entered = staff.order_payload("orderCreate", sale(&[("CUP", 3)])).await;

    assert_eq!(codes(&entered), [""; 0]);
    assert_eq!(entered["order"]["lines"][0]["unitPrice"]["amountMinor"], "800");
    assert_eq!(staff.order(&dead["id"]).await["status"], "CANCELLED");
    assert_eq!(app.taken().await, 3);
    app.is_sound().await;
}

#[tokio::test]
async fn who_may_still_be_charged_keeps_the_share() {
    let app = shop().await;
    app.flashes("CUP", 800, 3, None).await;
    let pending = app.guest().buys(&[("CUP", 2)], "card_pending").await;
    assert_eq!(pending["order"]["status"], "PENDING_PAYMENT");
    app.waits(TimeDelta::minutes(16));

    let refused = app.guest().buys(&[("CUP", 2)], "card_approved").await;

    assert_eq!((codes(&refused), app.taken().await), (vec!["FLASH_SALE_LIMIT"], 2));
    app.is_sound().await;
}

#[tokio::test]
async fn what_staff_enter_takes_from_the_sale_and_keeps_to_its_limit() {
    let app = shop().await;
    app.flashes("CUP", 800, 5, Some(3)).await;
    let staff = app.staff().await;

    // Two lines of one thing are one take.
    let entered = staff.order_payload("orderCreate", sale(&[("CUP", 1), ("CUP", 2)])).await;
    let refused = staff.order_payload("orderCreate", sale(&[("CUP", 1)])).await;

    assert_eq!(codes(&entered), Vec::<&str>::new());
    assert_eq!(codes(&refused), ["FLASH_SALE_LIMIT"]);
    assert_eq!(app.taken().await, 3);
    app.is_sound().await;
}

#[tokio::test]
async fn what_is_refunded_before_it_is_sent_comes_back_piece_by_piece() {
    let app = shop().await;
    app.flashes("CUP", 800, 5, Some(5)).await;
    let staff = app.staff().await;
    let placed = app.guest().buys(&[("CUP", 4)], "card_approved").await;
    let line = &placed["order"]["lines"][0]["id"];
    let pieces = |quantity: i64| {
        let lines = json!([{ "orderLineId": line, "quantity": quantity }]);
        refund(&placed["payment"], &json!({ "lines": lines, "restock": true }))
    };

    let one = deal(&staff, "paymentRefund", pieces(1)).await;
    assert_eq!((codes(&one), app.taken().await), (vec![], 3));
    let rest = deal(&staff, "paymentRefund", pieces(3)).await;
    assert_eq!((codes(&rest), app.taken().await), (vec![], 0));

    app.is_sound().await;
}

#[tokio::test]
async fn who_was_declined_pays_again_at_the_price_of_the_sale_though_it_is_over() {
    let app = shop().await;
    app.flashes("CUP", 800, 5, None).await;
    let guest = app.guest();
    let placed = guest.buys(&[("CUP", 1)], "card_declined").await;
    for _ in 0..5 {
        app.waits(TimeDelta::minutes(14));
        let input = |method: &str| {
            json!({
                "orderId": placed["order"]["id"],
                "guestAccessToken": placed["guestAccessToken"],
                "payment": { "provider": "sandbox", "method": method },
                "idempotencyKey": Uuid::new_v4().to_string(),
            })
        };
        guest.order_payload("orderPay", input("card_declined")).await;
    }
    let input = json!({
        "orderId": placed["order"]["id"],
        "guestAccessToken": placed["guestAccessToken"],
        "payment": { "provider": "sandbox", "method": "card_approved" },
        "idempotencyKey": Uuid::new_v4().to_string(),
    });

    let paid = guest.order_payload("orderPay", input).await;

    assert_eq!((codes(&paid), &paid["order"]["status"]), (vec![], &json!("PAID")));
    assert_eq!(paid["order"]["lines"][0]["unitPrice"]["amountMinor"], "800");
    assert_eq!(app.taken().await, 1);
}

#[tokio::test]
async fn a_checkout_repeated_under_its_key_takes_once() {
    let app = shop().await;
    app.flashes("CUP", 800, 10, None).await;
    let guest = app.guest();
    let cart = guest.fills(&[("CUP", 2)]).await;
    let input = checkout(&cart, "card_approved");

    let calls = (0..10).map(|_| guest.order_payload("checkoutComplete", input.clone()));
    let payloads = futures::future::join_all(calls).await;

    assert!(payloads.iter().all(|payload| payload["order"] == payloads[0]["order"]));
    assert_eq!((app.taken().await, app.rows("shop_order", "1 = 1").await), (2, 1));
    app.is_sound().await;
}

#[tokio::test]
async fn a_sale_that_ends_between_cart_and_checkout_is_told_by_the_total() {
    let app = shop().await;
    app.flashes("CUP", 800, 10, None).await;
    let guest = app.guest();
    let (asked, unasked) = (guest.fills(&[("CUP", 1)]).await, guest.fills(&[("CUP", 1)]).await);
    app.waits(TimeDelta::minutes(61));

    let asked = expecting(ON_SALE, checkout(&asked, "card_approved"));
    let refused = guest.order_payload("checkoutComplete", asked).await;
    let placed = guest.order_payload("checkoutComplete", checkout(&unasked, "card_approved")).await;

    assert_eq!(codes(&refused), ["PRICE_CHANGED"]);
    assert_eq!(placed["order"]["lines"][0]["unitPrice"]["amountMinor"], "1000");
    assert_eq!(app.taken().await, 0);
}

#[tokio::test]
async fn a_buyer_who_comes_to_a_hot_row_too_late_for_one_statement_buys_all_the_same() {
    for table in ["stock_level", "flash_sale"] {
        let app = shop().await;
        if !app.app.db.is_postgres() {
            return;
        }
        app.flashes("CUP", 800, 10, None).await;
        // The first one to change a row waits for longer than a statement may.
        app.execute("CREATE SEQUENCE turn").await;
        app.execute(
            "CREATE FUNCTION waits_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             IF nextval('turn') = 1 THEN PERFORM pg_sleep(60); END IF; RETURN NEW; END $$",
        )
        .await;
        app.execute(&format!(
            "CREATE TRIGGER waits_once BEFORE UPDATE ON {table} \
             FOR EACH ROW EXECUTE FUNCTION waits_once()"
        ))
        .await;

        let placed = app.guest().buys(&[("CUP", 2)], "card_approved").await;

        assert_eq!((codes(&placed), &placed["order"]["status"]), (vec![], &json!("PAID")));
        assert!(
            app.number("SELECT last_value FROM turn").await > 1,
            "{table}: it was cut off once"
        );
        assert_eq!((app.taken().await, app.rows("shop_order", "1 = 1").await), (2, 1));
        assert_eq!(app.pieces("CUP").await, (100, 2));
        app.is_sound().await;
    }
}

#[tokio::test]
async fn carts_with_two_sales_in_any_order_never_lock_each_other_out() {
    let app = shop().await;
    app.flashes("CUP", 800, 15, None).await;
    app.flashes("POT", 2_000, 15, None).await;
    let mut calls = Vec::new();
    for turn in 0..40 {
        let mut lines = [("CUP", 1), ("POT", 1)];
        if turn % 2 == 0 {
            lines.reverse();
        }
        let cart = app.cart_of(&Viewer::Guest, &lines).await;
        let cart = json!(NodeKind::Cart.id(cart).to_string());
        let (guest, input) = (app.guest(), checkout(&cart, "card_approved"));
        calls.push(async move { guest.order_payload("checkoutComplete", input).await });
    }

    let payloads: Vec<_> = futures::stream::iter(calls).buffer_unordered(AT_ONCE).collect().await;

    assert_eq!(counted(&payloads), HashMap::from([(String::new(), 40)]));
    assert_eq!((app.lines_at(800, true).await, app.lines_at(2_000, true).await), (15, 15));
    assert_eq!(app.taken().await, 30);
}
