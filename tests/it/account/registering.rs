//! Making an account: what strangers learn, what mails say, and what cannot be smuggled in.

use super::people::{PASSWORD, Shop, account, is_signed_in, ok, refused, run, signed_in, signs_in};
use crate::app::{Answer, TestApp};
use serde_json::{Value, json};
use stockroom::auth::Role;

fn ada() -> Value {
    json!({ "email": "Ada@Shop.example", "password": PASSWORD, "name": " Ada " })
}

#[tokio::test]
async fn whoever_registers_signs_in_at_once_and_proves_the_address_by_a_mail() {
    let shop = Shop::open().await;
    let guest = shop.app.guest();

    ok(&guest, "accountRegister", "", ada()).await;
    let own = signed_in(&shop.app, "ada@shop.example", PASSWORD).await;
    let me = own.query("{ me { name email emailVerified role active addresses { id } } }").await;
    assert_eq!(
        me.data()["me"],
        json!({ "name": "Ada", "email": "Ada@shop.example", "emailVerified": false,
            "role": "CUSTOMER", "active": true, "addresses": [] })
    );
    let token = shop.token_in_mail("Ada@shop.example", "verify-email").await;
    let input = json!({ "token": token });
    let verified = ok(&own, "emailVerify", "user { emailVerified }", input.clone()).await;

    assert_eq!(verified["user"]["emailVerified"], true);
    assert_eq!(refused(&own, "emailVerify", input).await, ["TOKEN_INVALID token"]);
}

#[tokio::test]
async fn a_guest_with_a_token_verifies_and_learns_nothing_of_the_account() {
    let shop = Shop::open().await;
    ok(&shop.app.guest(), "accountRegister", "", ada()).await;
    let token = shop.token_in_mail("Ada@shop.example", "verify-email").await;

    let input = json!({ "token": token });
    let verified = ok(&shop.app.guest(), "emailVerify", "user { email }", input).await;

    assert_eq!(verified["user"], Value::Null);
    assert_eq!(shop.app.number("SELECT count(*) FROM user_account WHERE email_verified").await, 1);
}

/// What of an answer depends on what happened inside; times do not count.
fn seen(answer: &Answer) -> (u16, Value, u64) {
    (answer.status.as_u16(), answer.json["data"].clone(), answer.sql_count())
}

#[tokio::test]
async fn known_and_unknown_addresses_are_answered_alike_with_as_many_statements_and_jobs() {
    let shop = Shop::open().await;
    let (app, guest) = (&shop.app, shop.app.guest());
    account(app, "known@shop.example", Role::Customer).await;
    let register = |email: &str| json!({ "email": email, "password": PASSWORD, "name": "Eve" });
    let ask = |email: &str| json!({ "email": email });
    for (mutation, known, unknown) in [
        ("accountRegister", register("known@shop.example"), register("new@shop.example")),
        ("passwordResetRequest", ask("known@shop.example"), ask("nobody@shop.example")),
        ("emailVerificationRequest", ask("known@shop.example"), ask("nobody@shop.example")),
    ] {
        let jobs = async || app.number("SELECT count(*) FROM job").await;
        let before = jobs().await;
        let of_known = run(&guest, mutation, "", known).await;
        let between = jobs().await;
        let of_unknown = run(&guest, mutation, "", unknown).await;

        assert_eq!(seen(&of_known), seen(&of_unknown), "{mutation}");
        assert_eq!((between - before, jobs().await - between), (1, 1), "{mutation}");
        assert!(of_known.data()[mutation]["userErrors"].as_array().unwrap().is_empty());
    }
}

#[tokio::test]
async fn the_owner_of_a_known_address_is_told_by_mail_and_nothing_changes() {
    let shop = Shop::open().await;
    let key = account(&shop.app, "ada@shop.example", Role::Customer).await;
    let token = shop.app.with_token({
        shop.app.open_sessions().await;
        shop.app.token(key)
    });

    let other =
        json!({ "email": "ADA@shop.example", "password": "quite another sentence", "name": "E" });
    ok(&shop.app.guest(), "accountRegister", "", other).await;
    let mail = shop.mail().await;

    assert_eq!(
        (mail.to.clone(), mail.header("Subject")),
        (vec!["ada@shop.example".into()], "You already have an account".into())
    );
    assert!(mail.text().contains("https://shop.example/en/forgot-password"));
    assert!(!mail.text().contains("token="), "{}", mail.text());
    assert!(signs_in(&shop.app, "ada@shop.example", PASSWORD).await);
    assert!(!signs_in(&shop.app, "ada@shop.example", "quite another sentence").await);
    assert!(is_signed_in(&token).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn registered_by_many_at_once_an_address_is_one_account() {
    let shop = Shop::open().await;
    let tries = (0..5).map(|n| {
        let guest = shop.app.guest();
        // Spellings of one address.
        let email: String = "ada@shop.example"
            .char_indices()
            .map(|(i, c)| if i == n { c.to_ascii_uppercase() } else { c })
            .collect();
        let input = json!({ "email": email, "password": PASSWORD, "name": format!("Ada {n}") });
        tokio::spawn(async move { run(&guest, "accountRegister", "", input).await })
    });
    for answer in futures::future::join_all(tries).await {
        assert_eq!(answer.unwrap().data()["accountRegister"]["userErrors"], json!([]));
    }

    assert_eq!(shop.app.number("SELECT count(*) FROM user_account").await, 1);
    let mails = shop.mails().await;
    let verify = mails.iter().filter(|mail| mail.text().contains("verify-email")).count();
    assert_eq!((mails.len(), verify), (5, 1));
}

#[tokio::test]
async fn nobody_registers_as_anything_but_a_customer() {
    let app = TestApp::start().await;
    for smuggled in
        ["role: ADMIN", "role: \"ADMIN\"", "emailVerified: true", "id: \"user_1\"", "active: true"]
    {
        let document = format!(
            r#"mutation {{ accountRegister(input: {{ email: "a@shop.example", name: "A",
                password: "{PASSWORD}", {smuggled} }}) {{ userErrors {{ code }} }} }}"#
        );
        let answer = app.guest().query(document).await;
        assert_eq!(answer.error_codes(), ["GRAPHQL_VALIDATION_FAILED"], "{}", answer.text);
        let mut input = json!({ "email": "a@shop.example", "name": "A", "password": PASSWORD });
        input[smuggled.split(':').next().unwrap()] = json!("ADMIN");
        let answer = run(&app.guest(), "accountRegister", "", input).await;
        assert_eq!(answer.error_codes(), ["BAD_USER_INPUT"], "{}", answer.text);
    }
    assert_eq!(app.number("SELECT count(*) FROM user_account").await, 0);
}

#[tokio::test]
async fn bad_input_is_told_field_by_field() {
    let app = TestApp::start().await;
    let guest = app.guest();
    let input =
        json!({ "email": "a\u{200b}@shop.example", "password": "short", "name": "A\u{7}B" });
    assert_eq!(
        refused(&guest, "accountRegister", input).await,
        ["INVALID email", "OUT_OF_RANGE password", "INVALID name"]
    );
    let with = |field: &str, value: Value| {
        let mut input = ada();
        input[field] = value;
        input
    };
    for (field, value, told) in [
        ("email", json!(""), "REQUIRED email"),
        ("email", json!(format!("{}@shop.example", "a".repeat(300))), "TOO_LONG email"),
        ("email", json!("\u{202e}ada@shop.example"), "INVALID email"),
        ("email", json!("ﬁona@shop.example"), "INVALID email"),
        ("name", json!(" "), "REQUIRED name"),
        ("name", json!("a".repeat(201)), "TOO_LONG name"),
        ("name", json!("Ada\r\nBcc: all@shop.example"), "INVALID name"),
        ("password", json!(""), "REQUIRED password"),
        ("password", json!("a1".repeat(1_000)), "TOO_LONG password"),
        ("password", json!("passwordpassword"), "INVALID password"),
        ("password", json!("ada@shop.example"), "INVALID password"),
    ] {
        assert_eq!(refused(&guest, "accountRegister", with(field, value)).await, [told]);
    }
    for field in ["email", "name", "password"] {
        let nul = run(&guest, "accountRegister", "", with(field, json!("Ada\u{0}Byron@a.example")));
        assert_eq!(nul.await.error_codes(), ["BAD_USER_INPUT"], "{field}");
    }
    assert_eq!(app.number("SELECT count(*) FROM job").await, 0);
}

#[tokio::test]
async fn a_new_link_ends_the_earlier_one_and_all_end_with_time() {
    let shop = Shop::open().await;
    let guest = shop.app.guest();
    ok(&guest, "accountRegister", "", ada()).await;
    let first = shop.token_in_mail("Ada@shop.example", "verify-email").await;
    // However it is spelt, the mail goes to the address of the account.
    let ask = json!({ "email": "ADA@SHOP.EXAMPLE" });
    ok(&guest, "emailVerificationRequest", "", ask).await;
    let second = shop.token_in_mail("Ada@shop.example", "verify-email").await;

    let input = json!({ "token": first });
    assert_eq!(refused(&guest, "emailVerify", input).await, ["TOKEN_INVALID token"]);
    shop.app.waits(chrono::TimeDelta::days(7));
    let input = json!({ "token": second });
    assert_eq!(refused(&guest, "emailVerify", input).await, ["TOKEN_INVALID token"]);
}

#[tokio::test]
async fn tokens_are_stored_as_hashes_and_stand_in_no_job() {
    let shop = Shop::open().await;
    ok(&shop.app.guest(), "accountRegister", "", ada()).await;
    let token = shop.token_in_mail("Ada@shop.example", "verify-email").await;

    let folder = &shop.app.app.settings.data_dir;
    let in_jobs = format!("SELECT count(*) FROM job WHERE CAST(args AS text) LIKE '%{token}%'");
    assert_eq!(shop.app.number(&in_jobs).await, 0);
    let hashes = "SELECT count(*) FROM account_token WHERE length(token_hash) = 32";
    assert_eq!(shop.app.number(hashes).await, 1);
    // Not even somewhere in the file of an embedded database.
    for file in std::fs::read_dir(folder).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(token.len()).any(|window| window == token.as_bytes()));
    }
}

#[tokio::test]
async fn registrations_are_limited_by_client_and_by_address() {
    let app = TestApp::start().await;
    let guest = app.guest().at("203.0.113.1");
    for n in 0..30 {
        let input =
            json!({ "email": format!("u{n}@shop.example"), "password": PASSWORD, "name": "U" });
        ok(&guest, "accountRegister", "", input).await;
    }
    let limited = run(&guest, "accountRegister", "", ada()).await;
    assert_eq!(limited.error_codes(), ["RATE_LIMITED"]);
    assert!(limited.header("retry-after").parse::<u32>().unwrap() > 3_500);
    let elsewhere = app.guest().at("203.0.113.2");
    for _ in 0..5 {
        ok(&elsewhere, "accountRegister", "", ada()).await;
    }
    assert_eq!(run(&elsewhere, "accountRegister", "", ada()).await.error_codes(), ["RATE_LIMITED"]);
}

#[tokio::test]
async fn requests_for_mails_are_limited_alike_for_known_and_unknown() {
    let app = TestApp::start().await;
    account(&app, "known@shop.example", Role::Customer).await;
    for mutation in ["passwordResetRequest", "emailVerificationRequest"] {
        for email in ["known@shop.example", "nobody@shop.example"] {
            let input = json!({ "email": email });
            for _ in 0..3 {
                ok(&app.guest(), mutation, "", input.clone()).await;
            }
            let limited = run(&app.guest(), mutation, "", input).await;
            assert_eq!(limited.error_codes(), ["RATE_LIMITED"], "{mutation} {email}");
        }
    }
}
