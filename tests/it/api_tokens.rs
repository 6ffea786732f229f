//! API tokens: what a program may do with one, how it ends, and what is kept of it.

use crate::app::{Answer, Caller, MAIN, Socket, TestApp};
use chrono::TimeDelta;
use serde_json::{Value, json};
use stockroom::auth::Role;
use stockroom::graphql::NodeKind;

const TOKEN: &str = "{ id name prefix permissions active createdBy { id } createdAt expiresAt \
    lastUsedAt revokedAt }";

async fn create(admin: &Caller, input: Value) -> Answer {
    let document = format!(
        "mutation ($input: ApiTokenCreateInput!) {{ apiTokenCreate(input: $input) {{ token \
         apiToken {TOKEN} userErrors {{ code message path }} warnings {{ code }} }} }}"
    );
    admin.query(document).with_variables(json!({ "input": input })).await
}

/// The text and the id of a new token.
async fn made(admin: &Caller, input: Value) -> (String, String) {
    let answer = create(admin, input).await;
    let payload = &answer.data()["apiTokenCreate"];
    assert_eq!(payload["userErrors"], json!([]));
    let text = |value: &Value| value.as_str().expect("it was made").to_owned();
    (text(&payload["token"]), text(&payload["apiToken"]["id"]))
}

async fn revoke(admin: &Caller, id: &str) -> Answer {
    let document = format!(
        "mutation ($id: ID!) {{ apiTokenRevoke(input: {{ id: $id }}) {{ apiToken {TOKEN} \
         userErrors {{ code path }} }} }}"
    );
    admin.query(document).with_variables(json!({ "id": id })).await
}

async fn read(admin: &Caller, id: &str) -> Value {
    let document = format!("query ($id: ID!) {{ node(id: $id) {{ ... on ApiToken {TOKEN} }} }}");
    admin.query(document).with_variables(json!({ "id": id })).await.data()["node"].clone()
}

async fn warehouses(program: &Caller) -> Answer {
    program.query("{ warehouses { code } }").await
}

#[tokio::test]
async fn a_program_may_do_what_its_token_says_and_what_guests_may_and_nothing_else() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (token, _) =
        made(&admin, json!({ "name": "Scanner", "permissions": ["STOCK_READ"] })).await;
    let program = app.with_token(token);

    assert!(warehouses(&program).await.data()["warehouses"].is_array());
    assert!(program.query("{ products { nodes { id } } }").await.data()["products"].is_object());
    assert_eq!(program.query("{ me { id } }").await.data()["me"], Value::Null);
    let adjust = program.adjust(json!({ "sku": "A", "delta": 1, "type": "RECEIPT" })).await;
    assert_eq!(adjust.error_codes(), ["FORBIDDEN"]);
    let tokens = program.query("{ apiTokens { nodes { id } } }").await;
    assert_eq!(tokens.error_codes(), ["FORBIDDEN"]);
    let another =
        create(&program, json!({ "name": "Another", "permissions": ["STOCK_READ"] })).await;
    assert_eq!(another.error_codes(), ["FORBIDDEN"]);
}

#[tokio::test]
async fn the_text_is_told_once_and_kept_as_a_hash() {
    use sea_orm::EntityTrait;
    use sha2::{Digest, Sha256};
    let app = TestApp::start().await;
    let admin = app.admin().await;

    let answer =
        create(&admin, json!({ "name": " Shop floor ", "permissions": ["STOCK_READ", "STOCK_READ", "CATALOG_WRITE"] }))
            .await;

    let payload = &answer.data()["apiTokenCreate"];
    let text = payload["token"].as_str().unwrap();
    let token = &payload["apiToken"];
    assert_eq!(token["name"], "Shop floor");
    // Whoever may change the catalogue sees all of it.
    let permissions = json!(["CATALOG_READ_ALL", "CATALOG_WRITE", "STOCK_READ"]);
    assert_eq!(token["permissions"], permissions);
    assert_eq!(token["prefix"], text[..10]);
    assert_eq!(token["active"], true);
    assert_eq!((&token["lastUsedAt"], &token["expiresAt"]), (&Value::Null, &Value::Null));
    let row = entity::api_token::Entity::find().one(app.app.db.reader()).await.unwrap().unwrap();
    assert_eq!(row.token_hash, Sha256::digest(text.as_bytes()).to_vec());
    assert!(!format!("{row:?}").contains(&text[10..]), "the row holds the text");
    let list = admin.query(format!("{{ apiTokens {{ totalCount nodes {TOKEN} }} }}")).await;
    assert_eq!(list.data()["apiTokens"], json!({ "totalCount": 1, "nodes": [token] }));
    assert!(!list.text.contains(&text[10..]));
}

#[tokio::test]
async fn a_revoked_token_is_refused_at_once_and_never_a_guest() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (token, id) = made(&admin, json!({ "name": "A", "permissions": ["STOCK_READ"] })).await;
    let program = app.with_token(token);
    assert!(warehouses(&program).await.data()["warehouses"].is_array());

    let revoked = revoke(&admin, &id).await;

    assert_eq!(revoked.data()["apiTokenRevoke"]["apiToken"]["active"], false);
    let refused = program.query("{ products { nodes { id } } }").await;
    assert_eq!((refused.status.as_u16(), refused.error_codes()), (401, vec!["UNAUTHENTICATED"]));
    // Once more: the time of the first stays.
    let first = read(&admin, &id).await["revokedAt"].clone();
    app.waits(TimeDelta::minutes(1));
    let again = revoke(&app.with_token(admin.token().unwrap()), &id).await;
    assert_eq!(again.data()["apiTokenRevoke"]["apiToken"]["revokedAt"], first);
}

#[tokio::test]
async fn a_token_ends_when_it_was_said_to() {
    let app = TestApp::start().await;
    let end = app.app.db.now() + TimeDelta::minutes(10);
    let input = json!({ "name": "A", "permissions": ["STOCK_READ"], "expiresAt": end });
    let admin = app.admin().await;
    let (token, id) = made(&admin, input).await;
    let program = app.with_token(token);

    app.waits(TimeDelta::minutes(9));
    assert!(warehouses(&program).await.data()["warehouses"].is_array());
    app.waits(TimeDelta::minutes(2));

    assert_eq!(warehouses(&program).await.error_codes(), ["UNAUTHENTICATED"]);
    assert_eq!(read(&admin, &id).await["active"], false);
}

#[tokio::test]
async fn what_is_no_token_is_refused() {
    let app = TestApp::start().await;
    let (token, _) =
        made(&app.admin().await, json!({ "name": "A", "permissions": ["STOCK_READ"] })).await;
    let stranger = stockroom::auth::NewApiToken::random().reveal();
    let mistyped = format!("{}0", &token[..52]);
    for wrong in ["srk_", "srk_short", &stranger, &mistyped, &token.to_lowercase()] {
        if wrong == token {
            continue;
        }
        let answer = app.with_token(wrong).query("{ __typename }").await;
        assert_eq!(answer.status, 401, "{wrong}");
    }
}

#[tokio::test]
async fn a_token_belongs_to_the_shop_and_outlives_its_makers_rights() {
    let app = TestApp::start().await;
    let maker = app.account(Role::Admin).await;
    let input = json!({ "name": "A", "permissions": ["STOCK_READ"] });
    let (token, id) = made(&app.with_token(app.token(maker)), input).await;

    app.execute("UPDATE user_account SET role = 'CUSTOMER', active = FALSE").await;

    assert!(warehouses(&app.with_token(token)).await.data()["warehouses"].is_array());
    let by = NodeKind::User.id(maker).to_string();
    assert_eq!(read(&app.admin().await, &id).await["createdBy"]["id"], by);
}

#[tokio::test]
async fn bad_input_is_told_beside_its_field() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let past = app.app.db.now() - TimeDelta::seconds(1);
    let with = |name: &str, permissions: Value| json!({ "name": name, "permissions": permissions });
    let read = || json!(["STOCK_READ"]);
    let mut ended = with("A", read());
    ended["expiresAt"] = json!(past);
    let cases = [
        (with("  ", read()), "REQUIRED", json!(["name"])),
        (with(&"x".repeat(101), read()), "TOO_LONG", json!(["name"])),
        (with("a\nb", read()), "INVALID", json!(["name"])),
        (with("a\u{7f}b", read()), "INVALID", json!(["name"])),
        (with("scanner\u{202e}nimda", read()), "INVALID", json!(["name"])),
        (with("A", json!([])), "REQUIRED", json!(["permissions"])),
        (with("A", json!(["STOCK_READ", "ACCOUNT_OWN"])), "INVALID", json!(["permissions", "1"])),
        (with("A", json!(["API_TOKEN_MANAGE"])), "INVALID", json!(["permissions", "0"])),
        (with("A", json!(["ACCOUNT_MANAGE"])), "INVALID", json!(["permissions", "0"])),
        (with("A", json!(vec!["STOCK_READ"; 101])), "TOO_LONG", json!(["permissions"])),
        (ended, "OUT_OF_RANGE", json!(["expiresAt"])),
    ];
    for (input, code, path) in cases {
        let answer = create(&admin, input.clone()).await;
        let payload = &answer.data()["apiTokenCreate"];
        let error = &payload["userErrors"][0];
        assert_eq!((&error["code"], &error["path"]), (&json!(code), &path), "{input}");
        assert_eq!(payload["token"], Value::Null);
    }
    let nul = create(&admin, with("a\0b", read())).await;
    assert!(nul.json["data"]["apiTokenCreate"]["token"].is_null(), "{}", nul.text);
    let unknown = create(&admin, with("A", json!(["EVERYTHING"]))).await;
    assert_eq!(unknown.error_codes(), ["BAD_USER_INPUT"]);
    assert_eq!(app.number("SELECT count(*) FROM api_token").await, 0);
    let nobody = revoke(&admin, &NodeKind::ApiToken.id(uuid::Uuid::now_v7())).await;
    assert_eq!(nobody.user_errors("apiTokenRevoke"), ["NOT_FOUND"]);
}

#[tokio::test]
async fn a_shop_has_at_most_a_hundred_tokens_that_are_good() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let input = || json!({ "name": "A", "permissions": ["STOCK_READ"] });
    let mut last = String::new();
    for _ in 0..100 {
        last = made(&admin, input()).await.1;
    }

    let refused = create(&admin, input()).await;

    assert_eq!(refused.user_errors("apiTokenCreate"), ["LIMIT_REACHED"]);
    revoke(&admin, &last).await.data();
    made(&admin, input()).await;
}

#[tokio::test]
async fn its_last_use_is_noted_once_a_minute() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (token, id) = made(&admin, json!({ "name": "A", "permissions": ["STOCK_READ"] })).await;
    let program = app.with_token(token);
    let noted = async || read(&admin, &id).await["lastUsedAt"].as_str().map(str::to_owned);

    warehouses(&program).await.data();
    app.until("the first use is noted", async |_| noted().await.is_some()).await;
    let first = noted().await;
    app.waits(TimeDelta::seconds(30));
    warehouses(&program).await.data();
    assert_eq!(noted().await, first);
    app.waits(TimeDelta::seconds(31));
    warehouses(&program).await.data();

    app.until("a later use is noted", async |_| noted().await > first).await;
}

#[tokio::test]
async fn a_movement_of_a_program_names_its_token_and_no_account() {
    let app = TestApp::start().await;
    app.has("A", 0).await;
    let staff = app.staff().await;
    let input = json!({ "name": "Scanner", "permissions": ["STOCK_READ", "STOCK_WRITE"] });
    let (token, id) = made(&app.admin().await, input).await;
    let program = app.with_token(token);

    let answer =
        program.adjust(json!({ "sku": "A", "delta": 2, "type": "RECEIPT", "note": "scan" })).await;

    let movement = &answer.data()["stockAdjust"]["movement"];
    assert_eq!((&movement["quantityChange"], &movement["actor"]), (&json!(2), &Value::Null));
    staff.adjust(json!({ "sku": "A", "delta": 1, "type": "RECEIPT" })).await.data();
    let north = app.opens("NORTH", 1).await;
    let moved =
        json!({ "sku": "A", "toWarehouseId": NodeKind::Warehouse.id(north), "quantity": 1 });
    let transfer = "mutation ($input: StockTransferInput!) { stockTransfer(input: $input) { \
        userErrors { code } } }";
    let transfer = program.query(transfer).with_variables(json!({ "input": moved })).await;
    assert_eq!(transfer.user_errors("stockTransfer"), [] as [&str; 0]);
    let listed =
        "{ stockMovements(first: 4) { nodes { type actor { id } apiToken { id name } } } }";
    let answer = staff.query(listed).await;
    let nodes = answer.data()["stockMovements"]["nodes"].as_array().unwrap();
    let scanner = json!({ "id": id, "name": "Scanner" });
    for node in nodes {
        // The second receipt was a person's.
        let by_person = node["type"] == "RECEIPT" && node["actor"].is_object();
        assert_eq!(
            node["apiToken"],
            if by_person { Value::Null } else { scanner.clone() },
            "{node}"
        );
        assert_eq!(node["actor"].is_null(), !by_person);
    }
    let by_people = nodes.iter().filter(|node| node["actor"].is_object()).count();
    assert_eq!((nodes.len(), by_people), (4, 1));
    // A program that may not see who did what does not see other programs.
    let answer = program.query("{ stockMovements(first: 1) { nodes { apiToken { id } } } }").await;
    assert_eq!(answer.json["data"]["stockMovements"]["nodes"][0]["apiToken"], Value::Null);
}

#[tokio::test]
async fn a_movement_is_of_an_account_or_of_a_program_and_never_of_both() {
    let app = TestApp::start().await;
    app.has("A", 1).await;
    let (token, _) =
        made(&app.admin().await, json!({ "name": "A", "permissions": ["STOCK_READ"] })).await;
    assert!(token.starts_with("srk_"));

    let both = app
        .raw(
            "INSERT INTO stock_movement (id, level_id, kind, on_hand_change, reserved_change, \
             on_hand_after, reserved_after, version, actor_id, api_token_id, created_at) \
             SELECT t.id, m.level_id, m.kind, 1, 0, 2, 0, 99, t.created_by_id, t.id, m.created_at \
             FROM stock_movement m, api_token t",
        )
        .await;

    let error = both.expect_err("the database refuses it");
    assert!(error.message.contains("stock_movement_one_actor_check"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_make_tokens_at_once_do_not_pass_the_limit() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let input = || json!({ "name": "A", "permissions": ["STOCK_READ"] });
    for _ in 0..97 {
        made(&admin, input()).await;
    }

    let at_once = (0..8).map(|_| {
        let admin = admin.clone();
        tokio::spawn(async move { create(&admin, input()).await })
    });
    let answers = futures::future::join_all(at_once).await;

    let refused = answers
        .into_iter()
        .filter(|answer| !answer.as_ref().unwrap().user_errors("apiTokenCreate").is_empty());
    assert_eq!(refused.count(), 5);
    assert_eq!(app.number("SELECT count(*) FROM api_token").await, 100);
}

#[tokio::test]
async fn two_programs_may_use_the_same_idempotency_key() {
    let app = TestApp::start().await;
    let variant = app.has("A", 0).await;
    let admin = app.admin().await;
    for name in ["one", "other"] {
        let input = json!({ "name": name, "permissions": ["STOCK_WRITE"] });
        let program = app.with_token(made(&admin, input).await.0);
        for _ in 0..2 {
            let input = json!({ "sku": "A", "delta": 1, "type": "RECEIPT", "idempotencyKey": "k" });
            program.adjust(input).await.data();
        }
    }
    assert_eq!(app.level(variant, MAIN).await.unwrap().on_hand, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_may_watch_until_its_token_is_revoked() {
    let app = TestApp::start().await;
    app.has("A", 3).await;
    let (token, id) =
        made(&app.admin().await, json!({ "name": "A", "permissions": ["STOCK_READ"] })).await;

    let mut socket = Socket::ready(app.listen().await, Some(&token)).await;
    let document = "subscription { stockChanged(skus: [\"A\"]) { sku \
        variant { stockLevels { onHand } } } }";
    socket.subscribe("1", document).await;

    let change = &socket.next_of("1").await["data"]["stockChanged"];
    assert_eq!(change["variant"]["stockLevels"], json!([{ "onHand": 3 }]));

    // Revoked, it ends with what runs on it.
    revoke(&app.admin().await, &id).await.data();
    assert_eq!(socket.close_code().await, 4403);
}
