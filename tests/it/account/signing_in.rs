//! Signing in: which spellings are one account, and what becomes of old hashes.

use super::throttle::{PASSWORD, account, outcome, sign_in};
use crate::app::TestApp;
use argon2::password_hash::PasswordHasher;
use argon2::{Algorithm, Argon2, Params, Version};

#[tokio::test]
async fn every_spelling_of_an_address_is_the_same_account() {
    let app = TestApp::start().await;
    account(&app, "Zoë@Bücher.example").await;

    for email in ["zoë@bücher.example", " ZOE\u{308}@XN--BCHER-KVA.EXAMPLE "] {
        assert_eq!(outcome(&sign_in(&app.guest(), email, PASSWORD).await), "in", "{email}");
    }
    for email in
        ["zoe@bücher.example", "zo\u{200b}ë@bücher.example", "zoë@bucher.example", "zoë", ""]
    {
        assert_eq!(outcome(&sign_in(&app.guest(), email, PASSWORD).await), "wrong", "{email:?}");
    }
}

#[tokio::test]
async fn a_hash_that_cost_less_is_made_anew_at_the_next_sign_in() {
    let app = TestApp::start().await;
    account(&app, "ada@shop.example").await;
    let less =
        Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8, 1, 1, None).unwrap());
    let old = less.hash_password(PASSWORD.as_bytes()).unwrap().to_string();
    app.execute(&format!("UPDATE user_account SET password_hash = '{old}'")).await;
    let outdated = "SELECT count(*) FROM user_account WHERE password_hash LIKE '%m=8,%'";

    assert_eq!(
        outcome(&sign_in(&app.guest(), "ada@shop.example", "not the password").await),
        "wrong"
    );
    assert_eq!(app.number(outdated).await, 1);
    assert_eq!(outcome(&sign_in(&app.guest(), "ada@shop.example", PASSWORD).await), "in");
    assert_eq!(app.number(outdated).await, 0);
    assert_eq!(outcome(&sign_in(&app.guest(), "ada@shop.example", PASSWORD).await), "in");
}
