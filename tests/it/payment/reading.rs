//! Payments as clients see them.

use crate::app::{Caller, TestApp};
use serde_json::json;
use stockroom::auth::Role;
use stockroom::graphql::NodeKind;
use stockroom::payment::{NextAction, NextActionKind, Outcome};

const PAYMENT: &str = "query ($id: ID!) { payment(id: $id) { id status provider \
    providerReference failureCode nextAction { type redirectUrl clientSecret } \
    amount { amount currency } authorized { amountMinor } captured { amountMinor } \
    refunded { amountMinor } } }";

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_sees_their_own_payments_and_staff_all() {
    let app = TestApp::start().await;
    let customer = app.account(Role::Customer).await;
    let order = app.owes(10_000, Some(customer)).await;
    let payment = app.opens_payment(order, 10_000, "card_pending", true).await.unwrap();
    let outcome = app.payments().authorize(&payment).await;
    let payment = app.settles(&payment, &outcome).await.unwrap();
    let id = NodeKind::Payment.id(payment.id).to_string();
    let variables = json!({ "id": id });

    let owner = app.with_token(app.token(customer));
    for caller in [owner, app.staff().await] {
        let answer = caller.query(PAYMENT).with_variables(variables.clone()).await;
        assert_eq!(
            answer.data()["payment"],
            json!({
                "id": id, "status": "PENDING", "provider": "sandbox",
                "providerReference": payment.provider_reference, "failureCode": null,
                "nextAction": { "type": "WAIT", "redirectUrl": null, "clientSecret": null },
                "amount": { "amount": "100.00", "currency": "EUR" },
                "authorized": { "amountMinor": "0" }, "captured": { "amountMinor": "0" },
                "refunded": { "amountMinor": "0" },
            })
        );
    }
    for caller in [app.guest(), app.customer().await] {
        let answer = caller.query(PAYMENT).with_variables(variables.clone()).await;
        assert_eq!(answer.data(), &json!({ "payment": null }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_confirms_a_payment_is_shown_to_the_payer_alone() {
    let app = TestApp::start().await;
    let buyer = app.account(Role::Customer).await;
    let clerk = app.account(Role::Staff).await;
    let payers = [app.with_token(app.token(buyer)), app.with_token(app.token(clerk))];
    let others = [app.staff().await, app.admin().await];
    for (customer, payer) in [buyer, clerk].into_iter().zip(payers) {
        let order = app.owes(10_000, Some(customer)).await;
        let payment = app.opens_payment(order, 10_000, "card_pending", true).await.unwrap();
        let next_action = NextAction {
            kind: NextActionKind::ClientSecret,
            redirect_url: Some("https://bank.example/3ds".to_owned()),
            client_secret: Some("pi_1_secret_2".to_owned()),
        };
        let reference = payment.id.to_string();
        app.settles(&payment, &Outcome::Pending { reference, next_action }).await.unwrap();
        let id = json!({ "id": NodeKind::Payment.id(payment.id).to_string() });
        let seen_by = async |caller: &Caller| {
            let answer = caller.query(PAYMENT).with_variables(id.clone()).await;
            answer.data()["payment"]["nextAction"].clone()
        };

        assert_eq!(seen_by(&payer).await["clientSecret"], "pi_1_secret_2");
        for other in &others {
            let seen = seen_by(other).await;
            assert_eq!(seen["clientSecret"], serde_json::Value::Null);
            assert_eq!(seen["redirectUrl"], "https://bank.example/3ds");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_of_another_kind_is_told() {
    let app = TestApp::start().await;
    let id = NodeKind::User.id(uuid::Uuid::now_v7()).to_string();

    let answer = app.guest().query(PAYMENT).with_variables(json!({ "id": id })).await;

    assert_eq!(answer.error_codes(), ["BAD_USER_INPUT"]);
}
