//! Changing the password and getting back in without it.

use super::people::{
    NEW_PASSWORD, PASSWORD, Shop, WRONG, account, is_signed_in, ok, refused, run, signed_in,
    signs_in,
};
use super::throttle::PAUSES;
use chrono::TimeDelta;
use serde_json::{Value, json};
use stockroom::account::AccountError;
use stockroom::auth::{Denied, Role, Viewer};

const ADA: &str = "ada@shop.example";

async fn shop_with_ada() -> Shop {
    let shop = Shop::open().await;
    account(&shop.app, ADA, Role::Customer).await;
    shop
}

async fn reset_token(shop: &Shop) -> String {
    ok(&shop.app.guest(), "passwordResetRequest", "", json!({ "email": ADA })).await;
    shop.token_in_mail(ADA, "reset-password").await
}

#[tokio::test]
async fn a_changed_password_ends_the_other_sessions_and_the_owner_is_told() {
    let shop = shop_with_ada().await;
    let here = signed_in(&shop.app, ADA, PASSWORD).await;
    let elsewhere = signed_in(&shop.app, ADA, PASSWORD).await;
    let link = reset_token(&shop).await;

    let input = json!({ "currentPassword": PASSWORD, "newPassword": NEW_PASSWORD });
    let changed = ok(&here, "passwordChange", "user { email }", input).await;

    assert_eq!(changed["user"]["email"], ADA);
    assert!(is_signed_in(&here).await && !is_signed_in(&elsewhere).await);
    assert!(signs_in(&shop.app, ADA, NEW_PASSWORD).await);
    assert!(!signs_in(&shop.app, ADA, PASSWORD).await);
    let mail = shop.mail().await;
    assert_eq!(mail.header("Subject"), "Your password was changed");
    let input = json!({ "token": link, "password": "yet another long sentence" });
    assert_eq!(refused(&here, "passwordReset", input).await, ["TOKEN_INVALID token"]);
}

#[tokio::test]
async fn the_present_password_is_needed_and_cannot_be_guessed_by_an_open_session() {
    let shop = shop_with_ada().await;
    let own = signed_in(&shop.app, ADA, PASSWORD).await;
    let input =
        |current: &str, new: &str| json!({ "currentPassword": current, "newPassword": new });

    let (last, before) = PAUSES.split_last().unwrap();
    for pause in before {
        shop.app.waits(TimeDelta::seconds(*pause));
        let told = refused(&own, "passwordChange", input(WRONG, NEW_PASSWORD)).await;
        assert_eq!(told, ["INVALID_CREDENTIALS currentPassword"]);
    }
    shop.app.waits(TimeDelta::seconds(*last));
    let told = refused(&own, "passwordChange", input(PASSWORD, "fourwords")).await;
    assert_eq!(told, ["OUT_OF_RANGE newPassword"]);
    for mutation in ["accountErase", "accountDeactivate"] {
        let answer = run(&own, mutation, "", json!({ "password": PASSWORD })).await;
        assert_eq!(answer.error_codes(), ["RATE_LIMITED"], "{mutation}");
    }
    assert!(signs_in(&shop.app, ADA, PASSWORD).await);
}

#[tokio::test]
async fn a_reset_ends_all_sessions_and_proves_the_address() {
    let shop = shop_with_ada().await;
    let thief = signed_in(&shop.app, ADA, PASSWORD).await;
    let token = reset_token(&shop).await;

    // A refused password does not use the link up.
    let input = |password: &str| json!({ "token": token, "password": password });
    let guest = shop.app.guest();
    assert_eq!(
        refused(&guest, "passwordReset", input("too short")).await,
        ["OUT_OF_RANGE password"]
    );
    assert_eq!(
        refused(&guest, "passwordReset", input("ada@shop.example")).await,
        ["INVALID password"]
    );
    ok(&guest, "passwordReset", "", input(NEW_PASSWORD)).await;

    assert!(!is_signed_in(&thief).await);
    assert!(!signs_in(&shop.app, ADA, PASSWORD).await);
    let own = signed_in(&shop.app, ADA, NEW_PASSWORD).await;
    assert_eq!(own.query("{ me { emailVerified } }").await.data()["me"]["emailVerified"], true);
    assert_eq!(shop.mail().await.header("Subject"), "Your password was changed");
    assert_eq!(
        refused(&guest, "passwordReset", input(NEW_PASSWORD)).await,
        ["TOKEN_INVALID token"]
    );
}

#[tokio::test]
async fn whoever_guessed_too_often_gets_in_by_a_reset() {
    let shop = shop_with_ada().await;
    for pause in PAUSES {
        shop.app.waits(TimeDelta::seconds(pause));
        assert!(!signs_in(&shop.app, ADA, WRONG).await);
    }
    let input = json!({ "email": ADA, "password": PASSWORD });
    let limited = run(&shop.app.guest(), "tokenCreate", "", input).await;
    assert_eq!(limited.error_codes(), ["RATE_LIMITED"]);

    let token = reset_token(&shop).await;
    let input = json!({ "token": token, "password": NEW_PASSWORD });
    ok(&shop.app.guest(), "passwordReset", "", input).await;

    assert!(signs_in(&shop.app, ADA, NEW_PASSWORD).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_use_a_link_at_once_one_succeeds() {
    let shop = shop_with_ada().await;
    let token = reset_token(&shop).await;
    let passwords = ["quite another sentence", "and now something different"];

    let uses = passwords.map(|password| {
        let guest = shop.app.guest();
        let input = json!({ "token": token, "password": password });
        tokio::spawn(async move { run(&guest, "passwordReset", "", input).await })
    });
    let mut winners = Vec::new();
    for (used, password) in futures::future::join_all(uses).await.into_iter().zip(passwords) {
        match used.unwrap().user_errors("passwordReset")[..] {
            [] => winners.push(password),
            ref codes => assert_eq!(codes, ["TOKEN_INVALID"]),
        }
    }

    assert_eq!(winners.len(), 1);
    assert!(signs_in(&shop.app, ADA, winners[0]).await);
    assert_eq!(shop.mails().await.len(), 1);
}

#[tokio::test]
async fn links_open_nothing_but_what_they_are_for_and_not_for_long() {
    let shop = shop_with_ada().await;
    let guest = shop.app.guest();
    let token = reset_token(&shop).await;

    let only = json!({ "token": token });
    assert_eq!(refused(&guest, "emailVerify", only.clone()).await, ["TOKEN_INVALID token"]);
    assert_eq!(refused(&guest, "emailChange", only).await, ["TOKEN_INVALID token"]);
    let odd = ["", "nonsense", &"x".repeat(10_000)].map(str::to_owned);
    for odd in odd {
        let input = json!({ "token": odd, "password": NEW_PASSWORD });
        assert_eq!(refused(&guest, "passwordReset", input).await, ["TOKEN_INVALID token"]);
    }
    shop.app.waits(TimeDelta::hours(1));
    let input = json!({ "token": token, "password": NEW_PASSWORD });
    assert_eq!(refused(&guest, "passwordReset", input).await, ["TOKEN_INVALID token"]);
    // What is past is deleted in time.
    shop.app.waits(TimeDelta::days(2));
    assert!(shop.app.app.services.accounts.purge().await.unwrap() > 0);
    assert_eq!(shop.app.number("SELECT count(*) FROM account_token").await, 0);
    assert_eq!(shop.app.number("SELECT count(*) FROM throttle").await, 0);
}

#[tokio::test]
async fn a_closed_account_gets_no_links_and_keeps_none() {
    let shop = shop_with_ada().await;
    let token = reset_token(&shop).await;
    let own = signed_in(&shop.app, ADA, PASSWORD).await;
    ok(&own, "accountDeactivate", "", json!({ "password": PASSWORD })).await;
    assert_eq!(shop.mail().await.header("Subject"), "Your account was closed");

    let input = json!({ "token": token, "password": NEW_PASSWORD });
    assert_eq!(refused(&shop.app.guest(), "passwordReset", input).await, ["TOKEN_INVALID token"]);
    ok(&shop.app.guest(), "passwordResetRequest", "", json!({ "email": ADA })).await;
    assert_eq!(shop.mails().await.len(), 0);
    assert!(!is_signed_in(&own).await && !signs_in(&shop.app, ADA, PASSWORD).await);
}

#[tokio::test]
async fn an_address_changes_when_whoever_reads_there_says_so() {
    let shop = shop_with_ada().await;
    let own = signed_in(&shop.app, ADA, PASSWORD).await;
    let old_link = reset_token(&shop).await;
    let ask = |password: &str| json!({ "email": "Ada@new.example", "password": password });

    let told = refused(&own, "emailChangeRequest", ask(WRONG)).await;
    assert_eq!(told, ["INVALID_CREDENTIALS password"]);
    ok(&own, "emailChangeRequest", "", ask(PASSWORD)).await;
    let mails = shop.mails().await;
    let mut to: Vec<&str> = mails.iter().map(|mail| mail.to[0].as_str()).collect();
    to.sort_unstable();
    assert_eq!(to, ["Ada@new.example", ADA]);
    let new = mails.iter().find(|mail| mail.to == ["Ada@new.example"]).unwrap();
    let token = super::people::token_in(new, "change-email");
    assert!(signs_in(&shop.app, ADA, PASSWORD).await, "nothing has changed yet");
    let changed =
        ok(&own, "emailChange", "user { email emailVerified }", json!({ "token": token })).await;

    assert_eq!(changed["user"], json!({ "email": "Ada@new.example", "emailVerified": true }));
    assert!(signs_in(&shop.app, "ada@new.example", PASSWORD).await);
    assert!(!signs_in(&shop.app, ADA, PASSWORD).await);
    let notice = shop.mail().await;
    assert_eq!(notice.to, [ADA]);
    // What was mailed to the old address opens nothing any more.
    let input = json!({ "token": old_link, "password": NEW_PASSWORD });
    assert_eq!(refused(&own, "passwordReset", input).await, ["TOKEN_INVALID token"]);
}

#[tokio::test]
async fn an_address_of_another_account_is_told_to_its_owner_alone() {
    let shop = shop_with_ada().await;
    account(&shop.app, "eve@shop.example", Role::Customer).await;
    let eve = signed_in(&shop.app, "eve@shop.example", PASSWORD).await;

    let known =
        run(&eve, "emailChangeRequest", "", json!({ "email": ADA, "password": PASSWORD })).await;
    let mails = shop.mails().await;
    let free = json!({ "email": "free@shop.example", "password": PASSWORD });
    let unknown = run(&eve, "emailChangeRequest", "", free).await;

    assert_eq!(known.json["data"], unknown.json["data"]);
    assert_eq!(known.sql_count(), unknown.sql_count());
    let to_ada = mails.iter().find(|mail| mail.to == [ADA]).unwrap();
    assert_eq!(to_ada.header("Subject"), "This e-mail address is in use");
    assert!(!to_ada.text().contains("token="));
    // It was free, and is taken before the link is opened.
    let mails = shop.mails().await;
    let link = mails.iter().find(|mail| mail.to == ["free@shop.example"]).unwrap();
    let token = super::people::token_in(link, "change-email");
    account(&shop.app, "FREE@shop.example", Role::Customer).await;
    let input = json!({ "token": token });
    assert_eq!(refused(&eve, "emailChange", input).await, ["ALREADY_EXISTS token"]);
    let me = eve.query("{ me { email } }").await;
    assert_eq!(me.data()["me"]["email"], Value::from("eve@shop.example"));
}

#[tokio::test]
async fn a_name_is_changed_by_its_owner() {
    let shop = shop_with_ada().await;
    let own = signed_in(&shop.app, ADA, PASSWORD).await;
    let renamed =
        ok(&own, "profileUpdate", "user { name }", json!({ "name": " Ada  Byron " })).await;
    assert_eq!(renamed["user"]["name"], "Ada  Byron");
    for name in ["", "a\u{202e}b", "a\nb"] {
        assert_eq!(refused(&own, "profileUpdate", json!({ "name": name })).await.len(), 1);
    }
    let guest = run(&shop.app.guest(), "profileUpdate", "", json!({ "name": "G" })).await;
    assert_eq!(guest.error_codes(), ["UNAUTHENTICATED"]);
}

#[tokio::test]
async fn a_changed_password_ends_an_address_change_whose_mail_has_not_left() {
    let shop = shop_with_ada().await;
    let own = signed_in(&shop.app, ADA, PASSWORD).await;
    let ask = json!({ "email": "thief@new.example", "password": PASSWORD });
    ok(&own, "emailChangeRequest", "", ask).await;

    let change = json!({ "currentPassword": PASSWORD, "newPassword": NEW_PASSWORD });
    ok(&own, "passwordChange", "", change).await;

    let mails = shop.mails().await;
    assert!(mails.iter().all(|mail| mail.to == [ADA]), "no link is mailed: {}", mails.len());
    assert_eq!(shop.app.number("SELECT count(*) FROM account_token").await, 0);
}

#[tokio::test]
async fn a_request_under_way_puts_no_name_on_an_erased_account() {
    let shop = shop_with_ada().await;
    let accounts = &shop.app.app.services.accounts;
    let id = account(&shop.app, "eve@shop.example", Role::Customer).await;
    accounts.erase(&Viewer::System, id).await.unwrap();

    let late = Viewer::User { id, role: Role::Customer };
    let renamed = accounts.rename(&late, "Eve").await;

    assert!(matches!(renamed, Err(AccountError::Denied(Denied::Unauthenticated))));
    let named = "SELECT count(*) FROM user_account WHERE name = 'Eve'";
    assert_eq!(shop.app.number(named).await, 0);
}
