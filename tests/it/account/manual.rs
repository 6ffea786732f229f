//! The documents of the manual for front-end developers are good documents.

use super::people::{PASSWORD, account, signed_in, user_id};
use crate::app::TestApp;
use serde_json::json;
use stockroom::auth::Role;

#[tokio::test]
async fn every_document_of_the_manual_runs() {
    let manual = include_str!("../../../docs/accounts.md");
    let app = TestApp::with(|settings| settings.rate_limit_enabled = false).await;
    let mut operations = 0;
    for document in manual.split("```graphql\n").skip(1) {
        let document = document.split("```").next().unwrap();
        let named = document.lines().filter_map(|line| {
            let rest = line.strip_prefix("mutation ").or_else(|| line.strip_prefix("query "))?;
            Some(rest.split([' ', '(']).next().unwrap().to_owned())
        });
        for name in named {
            let email = format!("{}@shop.example", name.to_lowercase());
            let key = account(&app, &email, Role::Admin).await;
            let caller = signed_in(&app, &email, PASSWORD).await;
            let body = json!({ "query": document, "operationName": name,
                "variables": { "id": user_id(key) } });
            let answer = caller.post(body.to_string()).await;
            // The id is not always one of the right kind, and then the input says so.
            let codes = answer.error_codes();
            assert!(matches!(codes[..], [] | ["BAD_USER_INPUT"]), "{name}: {}", answer.text);
            operations += 1;
        }
    }
    assert!(operations >= 20, "{operations}");
}
