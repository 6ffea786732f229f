//! Whose orders are: a guest's join the account that proves the address, and an erased account's
//! keep their figures alone.

use super::shop::{shop, stock_up};
use crate::account::people::{PASSWORD, Shop, ok, signed_in, token_in};
use serde_json::json;
use stockroom::auth::{Role, Viewer};

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
