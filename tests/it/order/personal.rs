//! Whose orders are: a guest's join the account that proves the address, and an erased account's
//! keep their figures alone.

use super::shop::{codes, shop, stock_up};
use crate::account::people::{PASSWORD, Shop, account, ok, refused, signed_in, token_in};
use serde_json::json;
use stockroom::auth::{Role, Viewer};
use stockroom::config::CaptureAt;
use stockroom::graphql::NodeKind;

#[tokio::test]
async fn a_guests_orders_join_the_account_when_the_address_is_proved() {
    let shop = Shop::open().await;
    stock_up(&shop.app, 5).await;
    let placed = shop.app.guest().buys(&[("CUP", 1)], "card_approved").await;
    let id = &placed["order"]["id"];
    let input = json!({ "email": "Buyer@shop.example", "name": "B", "password": PASSWORD });
    ok(&shop.app.guest(), "accountRegister", "", input).await;
    let owner = signed_in(&shop.app, "buyer@shop.example", PASSWORD).await;
    assert!(owner.order(id).await.is_null(), "an address that is not proved shows nothing");
    let mails = shop.mails().await;
    let mail = mails.iter().find(|mail| mail.text().contains("verify-email")).unwrap();

    let input = json!({ "token": token_in(mail, "verify-email") });
    ok(&owner, "emailVerify", "", input).await;

    assert_eq!(owner.order(id).await["number"], placed["order"]["number"]);
    let other = shop.app.customer().await;
    assert!(other.order(id).await.is_null());
}

#[tokio::test]
async fn an_erased_accounts_orders_keep_their_figures_and_nothing_of_the_person() {
    let app = shop().await;
    let user = app.account(Role::Customer).await;
    let owner = app.with_token(app.token(user));
    let placed = owner.buys(&[("CUP", 2)], "card_approved").await;
    let staff = app.staff().await;
    let parcel = json!({ "orderId": placed["order"]["id"], "carrier": "Bike & Co",
                         "trackingNumber": "B-1", "note": "Rings twice" });
    staff.order_payload("orderFulfill", parcel).await;
    let placed = json!({ "order": staff.order(&placed["order"]["id"]).await });
    let exported = app.orders().export(user).await.unwrap();
    assert_eq!(exported[0]["fulfillments"][0]["trackingNumber"], "B-1");
    assert_eq!(exported[0]["number"], placed["order"]["number"]);
    assert_eq!(exported[0]["lines"][0]["sku"], "CUP");

    let admin = Viewer::User { id: app.account(Role::Admin).await, role: Role::Admin };
    app.app.services.accounts.erase(&admin, user).await.unwrap();

    let order = staff.order(&placed["order"]["id"]).await;
    let parcel = &order["fulfillments"][0];
    assert_eq!((&parcel["trackingNumber"], &parcel["note"]), (&json!(null), &json!(null)));
    assert_eq!(parcel["carrier"], "Bike & Co");
    assert_eq!((&order["email"], &order["shippingAddress"]), (&json!(""), &json!(null)));
    assert_eq!(order["total"], placed["order"]["total"]);
    assert_eq!(order["lines"], placed["order"]["lines"]);
}

#[tokio::test]
async fn an_account_is_not_erased_while_its_orders_are_to_be_paid_or_sent() {
    for (capture, method, status) in [
        (CaptureAt::Checkout, "card_declined", "PENDING_PAYMENT"),
        (CaptureAt::Fulfilment, "card_approved", "AUTHORIZED"),
        (CaptureAt::Checkout, "card_approved", "PAID"),
    ] {
        let shop = Shop::open_with(|settings| settings.payment.capture = capture).await;
        let app = &shop.app;
        stock_up(app, 5).await;
        let user = account(app, "ada@shop.example", Role::Customer).await;
        let owner = signed_in(app, "ada@shop.example", PASSWORD).await;
        let order = owner.buys(&[("CUP", 2)], method).await["order"].clone();
        assert_eq!(order["status"], status);
        let before = owner.order(&order["id"]).await;
        let admin = app.admin().await;
        let erase = json!({ "password": PASSWORD });
        let erase_for = json!({ "id": NodeKind::User.id(user).to_string() });

        let own = refused(&owner, "accountErase", erase.clone()).await;
        let by_admin = refused(&admin, "userErase", erase_for.clone()).await;

        assert_eq!((own, by_admin), (vec!["IN_USE ".to_owned()], vec!["IN_USE ".to_owned()]));
        // Nothing of it happened: not even the session has ended.
        assert_eq!(owner.order(&order["id"]).await, before);
        assert_eq!(app.rows("audit_event", "action = 'USER_ERASED'").await, 0);
        if status == "PAID" {
            app.staff().await.sends(&order, Some(&[("CUP", 1)])).await;
            let partly = refused(&owner, "accountErase", erase.clone()).await;
            assert_eq!(partly, ["IN_USE "], "a piece is still to be sent");
            app.staff().await.sends(&order, None).await;
        } else {
            let cancel = json!({ "orderId": order["id"] });
            assert_eq!(codes(&owner.order_payload("orderCancel", cancel).await), [""; 0]);
        }
        ok(&owner, "accountErase", "", erase).await;
        assert!(app.staff().await.order(&order["id"]).await["shippingAddress"].is_null());
    }
}
