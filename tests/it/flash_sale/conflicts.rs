//! Where a guard of flash sales is missing, a constraint of the database refuses, and that is counted.

use crate::app::TestApp;
use crate::order::shop::{checkout, stock_up};
use serde_json::json;
use stockroom::telemetry::{STOCK_CONFLICTS, total};

/// From now on each piece that is taken takes all that the sale has, and one more.
async fn takes_too_much(app: &TestApp) {
    if app.app.db.is_postgres() {
        app.execute(
            "CREATE FUNCTION greedy() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN NEW.taken := NEW.allocation + 1; RETURN NEW; END $$",
        )
        .await;
        app.execute(
            "CREATE TRIGGER greedy BEFORE UPDATE OF taken ON flash_sale \
             FOR EACH ROW EXECUTE FUNCTION greedy()",
        )
        .await;
    } else {
        app.execute(
            "CREATE TRIGGER greedy AFTER UPDATE OF taken ON flash_sale BEGIN \
             UPDATE flash_sale SET taken = allocation + 1 WHERE id = NEW.id; END",
        )
        .await;
    }
}

#[tokio::test]
async fn a_sale_that_a_constraint_had_to_save_is_a_conflict() {
    let app = TestApp::start().await;
    stock_up(&app, 100).await;
    app.flashes("CUP", 200, 5, None).await;
    let guest = app.guest();
    guest.buys(&[("CUP", 1)], "card_approved").await;
    assert_eq!(total(STOCK_CONFLICTS), 0);
    takes_too_much(&app).await;

    let cart = guest.fills(&[("CUP", 1)]).await;
    let answer = guest.order_call("checkoutComplete", checkout(&cart, "card_approved")).await;

    assert_eq!(answer.error_codes(), ["INTERNAL_SERVER_ERROR"]);
    assert_eq!(total(STOCK_CONFLICTS), 1);
    assert_eq!(app.rows("flash_sale", "taken = 1").await, 1, "nothing was given");
}

#[tokio::test]
async fn more_given_back_than_was_taken_is_a_conflict() {
    let app = TestApp::start().await;
    stock_up(&app, 100).await;
    let staff = app.staff().await;
    app.flashes("CUP", 200, 5, None).await;
    let bought = app.guest().buys(&[("CUP", 2)], "card_approved").await;
    app.execute("UPDATE flash_sale SET taken = 1").await;

    let input = json!({ "orderId": bought["order"]["id"] });
    let answer = staff.order_call("orderCancel", input).await;

    assert_eq!(answer.error_codes(), ["INTERNAL_SERVER_ERROR"]);
    assert_eq!(total(STOCK_CONFLICTS), 1);
    assert_eq!(app.rows("flash_sale", "taken = 1").await, 1);
}
