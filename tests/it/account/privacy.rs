//! What an owner gets of their account, and what is left of it when it is erased.

use super::people::{
    PASSWORD, Shop, account, is_signed_in, ok, refused, run, signed_in, signs_in, token_in, user_id,
};
use crate::app::Caller;
use serde_json::{Value, json};
use stockroom::auth::Role;

const ADA: &str = "ada@shop.example";

async fn keep_address(caller: &Caller) {
    let address = json!({ "name": "Ada Byron", "line1": "12 St James's Square", "city": "London",
        "postalCode": "SW1Y 4JH", "country": "GB" });
    ok(caller, "addressCreate", "", json!({ "address": address })).await;
}

#[tokio::test]
async fn an_owner_gets_everything_that_is_kept() {
    let shop = Shop::open().await;
    account(&shop.app, ADA, Role::Customer).await;
    account(&shop.app, "eve@shop.example", Role::Customer).await;
    let own = signed_in(&shop.app, ADA, PASSWORD).await;
    let eve = signed_in(&shop.app, "eve@shop.example", PASSWORD).await;
    keep_address(&own).await;
    ok(&own, "passwordResetRequest", "", json!({ "email": ADA })).await;
    shop.mails().await;

    let answer = own.query("{ accountExport }").await;
    let export = &answer.data()["accountExport"];

    assert_eq!(export["account"]["email"], ADA);
    assert_eq!(export["addresses"][0]["line1"], "12 St James's Square");
    assert_eq!(export["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(export["mailedLinks"][0]["purpose"], "RESET_PASSWORD");
    let job = &export["jobs"][0];
    assert_eq!((&job["kind"], &job["state"]), (&json!("account.reset_asked"), &json!("done")));
    assert!(job["createdAt"].is_string() && job["finishedAt"].is_string(), "{job}");
    assert_eq!(export["jobs"].as_array().unwrap().len(), 1);
    let event = &export["auditEvents"][0];
    assert_eq!((&event["action"], &event["byYou"]), (&json!("USER_CREATED"), &json!(false)));
    assert!(!answer.text.contains("argon2") && !answer.text.contains("Hash"), "{}", answer.text);
    let of_eve = eve.query("{ accountExport }").await;
    assert!(!of_eve.text.contains("ada@") && !of_eve.text.contains("James"), "{}", of_eve.text);
    let of_guest = shop.app.guest().query("{ accountExport }").await;
    assert_eq!(of_guest.error_codes(), ["UNAUTHENTICATED"]);
}

#[tokio::test]
async fn an_erased_account_leaves_its_row_and_nothing_of_the_person() {
    let shop = Shop::open().await;
    let app = &shop.app;
    let key = account(app, ADA, Role::Staff).await;
    let (own, admin) = (signed_in(app, ADA, PASSWORD).await, app.admin().await);
    keep_address(&own).await;
    let sku = app.a_sku().await;
    let adjust = json!({ "sku": sku, "delta": 3, "type": "RECEIPT" });
    ok(&own, "stockAdjust", "", adjust).await;
    ok(&own, "passwordResetRequest", "", json!({ "email": ADA })).await;
    let link = shop.token_in_mail(ADA, "reset-password").await;

    let told = refused(&own, "accountErase", json!({ "password": "not this one, no" })).await;
    assert_eq!(told, ["INVALID_CREDENTIALS password"]);
    ok(&own, "accountErase", "", json!({ "password": PASSWORD })).await;

    assert!(!is_signed_in(&own).await && !signs_in(app, ADA, PASSWORD).await);
    let reset = json!({ "token": link, "password": "quite another sentence" });
    assert_eq!(refused(&app.guest(), "passwordReset", reset).await, ["TOKEN_INVALID token"]);
    assert_eq!(shop.mail().await.to, [ADA]);
    let erased = "user_id IN (SELECT id FROM user_account WHERE erased_at IS NOT NULL)";
    for table in ["address", "account_token", "session"] {
        let count = format!("SELECT count(*) FROM {table} WHERE {erased}");
        assert_eq!(app.number(&count).await, 0, "{table}");
    }
    let named =
        "SELECT count(*) FROM user_account WHERE email LIKE 'ada@%' OR email_key LIKE 'ada@%'";
    assert_eq!(app.number(named).await, 0);
    // The ledger still says that somebody did it.
    let movements = "{ stockMovements(first: 1, where: { type: [RECEIPT] }) { nodes { actor {
        name email role active erasedAt } } } }";
    let answer = admin.query(movements).await;
    let actor = &answer.data()["stockMovements"]["nodes"][0]["actor"];
    assert_eq!((&actor["name"], &actor["email"]), (&json!("Erased account"), &json!("")));
    assert!(actor["erasedAt"].is_string() && actor["active"] == false, "{actor}");
    let again = refused(&admin, "userReactivate", json!({ "id": user_id(key) })).await;
    assert_eq!(again, ["INVALID id"]);
    let promote = json!({ "id": user_id(key), "role": "ADMIN" });
    assert_eq!(refused(&admin, "userRoleSet", promote).await, ["INVALID id"]);
}

/// Jobs whose arguments have this in them, in any case.
async fn jobs_naming(shop: &Shop, text: &str) -> i64 {
    let jobs = format!("SELECT count(*) FROM job WHERE lower(CAST(args AS text)) LIKE '%{text}%'");
    shop.app.number(&jobs).await
}

#[tokio::test]
async fn nothing_that_was_to_be_mailed_to_an_erased_account_goes_out_but_the_notice_of_it() {
    let shop = Shop::open().await;
    let app = &shop.app;
    account(app, ADA, Role::Customer).await;
    account(app, "eve@shop.example", Role::Customer).await;
    let own = signed_in(app, ADA, PASSWORD).await;
    // Dead, due and done; typed otherwise, and to an address that is not theirs yet.
    ok(&own, "passwordResetRequest", "", json!({ "email": "ADA@shop.example" })).await;
    app.execute("UPDATE job SET status = 'dead', finished_at = created_at").await;
    ok(&own, "emailVerificationRequest", "", json!({ "email": "Ada@Shop.example" })).await;
    shop.mails().await;
    ok(&own, "passwordResetRequest", "", json!({ "email": ADA })).await;
    let change = json!({ "email": "ada@new.example", "password": PASSWORD });
    ok(&own, "emailChangeRequest", "", change).await;
    let eve = json!({ "email": "eve@shop.example" });
    ok(&app.guest(), "passwordResetRequest", "", eve).await;
    assert_eq!(jobs_naming(&shop, "ada@").await, 4);

    ok(&own, "accountErase", "", json!({ "password": PASSWORD })).await;

    // The notice of it is all that still names them, until it has gone out.
    assert_eq!(jobs_naming(&shop, "ada@").await, 1);
    let mut mails = shop.mails().await;
    mails.sort_by_key(|mail| mail.to.clone());
    let told: Vec<_> =
        mails.iter().map(|mail| (mail.to[0].as_str(), mail.header("Subject"))).collect();
    assert_eq!(
        told,
        [
            (ADA, "Your account was erased".to_owned()),
            ("eve@shop.example", "Choose a new password".to_owned())
        ]
    );
    assert_eq!(jobs_naming(&shop, "@").await, 0);
}

#[tokio::test]
async fn what_was_mailed_to_a_former_address_is_known_as_its_owners_and_goes_with_them() {
    let shop = Shop::open().await;
    let app = &shop.app;
    account(app, ADA, Role::Customer).await;
    let own = signed_in(app, ADA, PASSWORD).await;
    ok(&own, "passwordResetRequest", "", json!({ "email": ADA })).await;
    shop.mail().await;
    let change = json!({ "email": "ada@new.example", "password": PASSWORD });
    ok(&own, "emailChangeRequest", "", change).await;
    let mails = shop.mails().await;
    let link = mails.iter().find(|mail| mail.to == ["ada@new.example"]).unwrap();
    let token = token_in(link, "change-email");
    ok(&app.guest(), "emailChange", "", json!({ "token": token })).await;
    // The mail to the former address cannot be sent, ever.
    app.execute("UPDATE job SET status = 'dead', finished_at = created_at WHERE status = 'queued'")
        .await;
    assert_eq!(jobs_naming(&shop, ADA).await, 1);

    let export = own.query("{ accountExport }").await;
    let jobs = export.data()["accountExport"]["jobs"].as_array().unwrap().clone();
    let told: Vec<_> = jobs.iter().map(|job| (&job["kind"], &job["state"])).collect();
    let mailed = |kind: &str, state: &str| (json!(kind), json!(state));
    let expected = [
        mailed("account.reset_asked", "done"),
        mailed("account.email_change_asked", "done"),
        mailed("account.notice", "done"),
        mailed("account.notice", "dead"),
    ];
    assert_eq!(told, expected.iter().map(|(kind, state)| (kind, state)).collect::<Vec<_>>());

    ok(&own, "accountErase", "", json!({ "password": PASSWORD })).await;

    assert_eq!(jobs_naming(&shop, ADA).await, 0);
}

#[tokio::test]
async fn an_erased_address_can_be_registered_anew() {
    let shop = Shop::open().await;
    let key = account(&shop.app, ADA, Role::Customer).await;
    let admin = shop.app.admin().await;
    let id = json!({ "id": user_id(key) });

    let erased = ok(&admin, "userErase", "user { name email active }", id.clone()).await;
    let left = json!({ "name": "Erased account", "email": "", "active": false });
    assert_eq!(erased["user"], left);
    let again = ok(&admin, "userErase", "user { name email active }", id).await;
    assert_eq!(again["user"], left);
    assert_eq!(shop.mail().await.header("Subject"), "Your account was erased");
    let new = json!({ "email": ADA, "password": PASSWORD, "name": "Ada" });
    ok(&shop.app.guest(), "accountRegister", "", new).await;
    shop.token_in_mail(ADA, "verify-email").await;

    let own = signed_in(&shop.app, ADA, PASSWORD).await;
    let me = own.query("{ me { id name } }").await;
    assert_eq!(me.data()["me"]["name"], "Ada");
    assert_ne!(me.data()["me"]["id"], Value::from(user_id(key)));
}

#[tokio::test]
async fn the_key_of_an_erased_account_is_no_address() {
    let shop = Shop::open().await;
    let key = account(&shop.app, ADA, Role::Customer).await;
    let own = signed_in(&shop.app, ADA, PASSWORD).await;
    ok(&own, "accountErase", "", json!({ "password": PASSWORD })).await;

    for email in [String::new(), format!("erased:{key}")] {
        assert!(!signs_in(&shop.app, &email, PASSWORD).await);
        assert!(!signs_in(&shop.app, &email, "").await);
        let new = json!({ "email": email, "password": PASSWORD, "name": "Ada" });
        let answer = run(&shop.app.guest(), "accountRegister", "", new).await;
        assert_eq!(answer.user_errors("accountRegister").len(), 1);
    }
}
