//! The audit log: each act that has to be answered for is there with its effect, says who and whom,
//! and is never changed.

use crate::app::{Answer, Caller, TestApp};
use serde_json::{Value, json};
use stockroom::auth::Role;
use stockroom::graphql::NodeKind;

const EVENT: &str = "{ id action actorKind actor { id } apiToken { id } subject { __typename id } \
    oldValue newValue requestId createdAt }";

/// The events that meet the conditions, the latest first.
async fn events(caller: &Caller, conditions: Value) -> Vec<Value> {
    let document = format!(
        "query ($where: AuditEventWhere) {{ auditEvents(first: 100, where: $where) {{ totalCount \
         nodes {EVENT} }} }}"
    );
    let answer = caller.query(document).with_variables(json!({ "where": conditions })).await;
    let nodes = answer.data()["auditEvents"]["nodes"].as_array().unwrap().clone();
    assert_eq!(answer.data()["auditEvents"]["totalCount"], nodes.len());
    nodes
}

/// What was done to this one, the earliest first.
async fn done_to(caller: &Caller, subject: &str) -> Vec<Value> {
    let mut events = events(caller, json!({ "subjectId": subject })).await;
    events.reverse();
    events
}

async fn act(admin: &Caller, mutation: &str, rest: &str, id: &str) -> Answer {
    let document = format!(
        "mutation {{ {mutation}(input: {{ id: \"{id}\"{rest} }}) {{ userErrors {{ code }} }} }}"
    );
    let answer = admin.query(document).await;
    answer.data();
    answer
}

fn actions(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["action"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn what_administrators_do_is_there_with_who_whom_and_what_changed() {
    let app = TestApp::start().await;
    let root = app.account(Role::Admin).await;
    let admin = app.with_token(app.token(root));
    let user = NodeKind::User.id(app.account(Role::Customer).await).to_string();

    act(&admin, "userRoleSet", ", role: STAFF", &user).await;
    act(&admin, "userSessionsRevoke", "", &user).await;
    act(&admin, "userDeactivate", "", &user).await;
    act(&admin, "userReactivate", "", &user).await;
    act(&admin, "userErase", "", &user).await;

    let events = done_to(&admin, &user).await;
    assert_eq!(
        actions(&events),
        [
            "USER_CREATED",
            "USER_ROLE_SET",
            "USER_SESSIONS_REVOKED",
            "USER_DEACTIVATED",
            "USER_REACTIVATED",
            "USER_ERASED"
        ]
    );
    let [made, promoted, signed_out, rest @ ..] = &events[..] else { panic!("six events") };
    assert_eq!((&made["actorKind"], &made["newValue"]), (&json!("SYSTEM"), &json!("CUSTOMER")));
    assert_eq!((&made["actor"], &made["requestId"]), (&Value::Null, &Value::Null));
    assert_eq!(promoted["oldValue"], "CUSTOMER");
    assert_eq!(promoted["newValue"], "STAFF");
    assert_eq!(signed_out["newValue"], 1);
    for event in events.iter().skip(1) {
        assert_eq!(event["actorKind"], "USER");
        assert_eq!(event["actor"]["id"], NodeKind::User.id(root).to_string());
        assert_eq!(event["subject"], json!({ "__typename": "User", "id": user }));
        assert_eq!(event["requestId"].as_str().unwrap().len(), 36);
    }
    assert!(rest.iter().all(|event| event["oldValue"].is_null() && event["newValue"].is_null()));
}

#[tokio::test]
async fn what_owners_do_to_their_accounts_is_there_as_theirs() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for (mutation, action) in
        [("accountDeactivate", "USER_DEACTIVATED"), ("accountErase", "USER_ERASED")]
    {
        let key = app.account(Role::Customer).await;
        let id = NodeKind::User.id(key).to_string();
        let document = format!(
            "mutation {{ {mutation}(input: {{ password: \"four words in a row\" }}) {{ \
             userErrors {{ code }} }} }}"
        );
        let answer = app.with_token(app.token(key)).query(document).await;
        assert_eq!(answer.user_errors(mutation), [] as [&str; 0]);

        let events = done_to(&admin, &id).await;

        assert_eq!(actions(&events), ["USER_CREATED", action]);
        assert_eq!(events[1]["actor"]["id"], id);
    }
}

#[tokio::test]
async fn what_was_refused_or_changed_nothing_is_not_there() {
    let app = TestApp::start().await;
    let root = app.account(Role::Admin).await;
    let admin = app.with_token(app.token(root));
    let me = NodeKind::User.id(root).to_string();
    let other = NodeKind::User.id(app.account(Role::Staff).await).to_string();

    let last = act(&admin, "userRoleSet", ", role: STAFF", &me).await;
    assert_eq!(last.user_errors("userRoleSet"), ["LAST_ADMINISTRATOR"]);
    let last = act(&admin, "userErase", "", &me).await;
    assert_eq!(last.user_errors("userErase"), ["LAST_ADMINISTRATOR"]);
    act(&admin, "userRoleSet", ", role: STAFF", &other).await;
    act(&admin, "userReactivate", "", &other).await;
    for _ in 0..2 {
        act(&admin, "userDeactivate", "", &other).await;
    }

    assert_eq!(actions(&done_to(&admin, &me).await), ["USER_CREATED"]);
    assert_eq!(actions(&done_to(&admin, &other).await), ["USER_CREATED", "USER_DEACTIVATED"]);
}

#[tokio::test]
async fn the_life_of_an_api_token_is_there_without_its_name_and_text() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let made = admin
        .query(
            "mutation { apiTokenCreate(input: { name: \"Ada's scanner\", \
             permissions: [STOCK_WRITE], expiresAt: \"2100-01-01T00:00:00Z\" }) { \
             token apiToken { id } } }",
        )
        .await;
    let id = made.data()["apiTokenCreate"]["apiToken"]["id"].as_str().unwrap();
    for _ in 0..2 {
        act(&admin, "apiTokenRevoke", "", id).await;
    }

    let events = done_to(&admin, id).await;

    assert_eq!(actions(&events), ["API_TOKEN_CREATED", "API_TOKEN_REVOKED"]);
    let permissions = json!(["STOCK_READ", "STOCK_WRITE"]);
    assert_eq!(events[0]["newValue"]["permissions"], permissions);
    assert_eq!(events[0]["newValue"]["expiresAt"], "2100-01-01T00:00:00+00:00");
    assert_eq!(events[0]["subject"], json!({ "__typename": "ApiToken", "id": id }));
    let rows = format!("{events:?}");
    assert!(!rows.contains("Ada") && !rows.contains("srk_"), "{rows}");
}

#[tokio::test]
async fn an_event_names_the_request_that_its_client_named() {
    let app = TestApp::start().await;
    let root = app.account(Role::Admin).await;
    let token = format!("Bearer {}", app.token(root));
    let user = NodeKind::User.id(app.account(Role::Customer).await).to_string();
    let mutation = format!(
        "mutation {{ a: userDeactivate(input: {{ id: \"{user}\" }}) {{ user {{ id }} }} \
         b: userReactivate(input: {{ id: \"{user}\" }}) {{ user {{ id }} }} }}"
    );
    let headers = [
        ("content-type", "application/json"),
        ("authorization", &token),
        ("x-request-id", "support-case-4711"),
    ];
    app.guest().post_with(&headers, json!({ "query": mutation }).to_string()).await.data();

    let admin = app.with_token(app.token(root));
    let found = events(&admin, json!({ "requestId": "support-case-4711" })).await;

    assert_eq!(actions(&found), ["USER_REACTIVATED", "USER_DEACTIVATED"]);
}

#[tokio::test]
async fn an_event_is_written_once_and_stays() {
    let app = TestApp::start().await;
    app.account(Role::Admin).await;

    let truncate = app.app.db.is_postgres().then_some("TRUNCATE audit_event");
    let change = ["UPDATE audit_event SET action = 'NOTHING'", "DELETE FROM audit_event"];
    for sql in change.into_iter().chain(truncate) {
        let error = app.raw(sql).await.expect_err(sql);
        assert!(error.message.contains("append-only"), "{error}");
    }

    assert_eq!(app.number("SELECT count(*) FROM audit_event").await, 1);
}

#[tokio::test]
async fn an_erased_account_keeps_its_events_and_no_personal_data() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let key = app.account(Role::Admin).await;
    let (id, own) = (NodeKind::User.id(key).to_string(), app.with_token(app.token(key)));
    let customer = NodeKind::User.id(app.account(Role::Customer).await).to_string();
    act(&own, "userRoleSet", ", role: STAFF", &customer).await;

    act(&admin, "userErase", "", &id).await;

    let by = events(&admin, json!({ "actorId": id })).await;
    assert_eq!(actions(&by), ["USER_ROLE_SET"]);
    let document = "query ($id: ID!) { auditEvents(where: { actorId: $id }) { nodes { \
        actor { name email erasedAt } } } }";
    let answer = admin.query(document).with_variables(json!({ "id": id })).await;
    let actor = &answer.data()["auditEvents"]["nodes"][0]["actor"];
    assert_eq!((&actor["name"], &actor["email"]), (&json!("Erased account"), &json!("")));
    let text = if app.app.db.is_postgres() {
        "audit_event::text"
    } else {
        "coalesce(old_value, '') || coalesce(new_value, '') || coalesce(request_id, '')"
    };
    let named = format!("SELECT count(*) FROM audit_event WHERE {text} LIKE '%@%'");
    assert_eq!(app.number(&named).await, 0);
}

#[tokio::test]
async fn events_are_found_by_every_condition_and_read_page_by_page() {
    let app = TestApp::start().await;
    let root = app.account(Role::Admin).await;
    let admin = app.with_token(app.token(root));
    let user = NodeKind::User.id(app.account(Role::Customer).await).to_string();
    act(&admin, "userDeactivate", "", &user).await;
    let later = app.app.db.now();
    act(&admin, "userReactivate", "", &user).await;
    let found = async |conditions: Value| {
        let events = events(&admin, conditions).await;
        actions(&events).join(" ")
    };

    assert_eq!(
        found(json!({ "actorId": NodeKind::User.id(root) })).await,
        "USER_REACTIVATED USER_DEACTIVATED"
    );
    assert_eq!(
        found(json!({ "action": ["USER_DEACTIVATED", "USER_ERASED"] })).await,
        "USER_DEACTIVATED"
    );
    assert_eq!(found(json!({ "action": [] })).await, "");
    assert_eq!(found(json!({ "createdAt": { "gte": later } })).await, "USER_REACTIVATED");
    assert_eq!(
        found(json!({ "createdAt": { "lt": later }, "actorId": NodeKind::User.id(root) })).await,
        "USER_DEACTIVATED"
    );
    assert_eq!(found(json!({ "actorId": user })).await, "");
    assert_eq!(found(json!({ "requestId": "none-such" })).await, "");

    let all = actions(&events(&admin, json!({})).await).join(" ");
    let (mut seen, mut after) = (Vec::new(), Value::Null);
    loop {
        let page = admin
            .query(
                "query ($after: String) { auditEvents(first: 1, after: $after) { \
                 nodes { action } pageInfo { hasNextPage endCursor } } }",
            )
            .with_variables(json!({ "after": after }))
            .await;
        let page = &page.data()["auditEvents"];
        seen.push(page["nodes"][0]["action"].as_str().unwrap().to_owned());
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!((seen.len(), seen.join(" ")), (4, all));
    for bad in [
        json!({ "actorId": NodeKind::Product.id(root) }),
        json!({ "subjectId": NodeKind::Warehouse.id(root) }),
        json!({ "subjectId": "nonsense" }),
        json!({ "requestId": "x".repeat(65) }),
        json!({ "requestId": "a\0b" }),
    ] {
        let document = "query ($where: AuditEventWhere) { auditEvents(where: $where) { \
            totalCount } }";
        let answer = admin.query(document).with_variables(json!({ "where": bad })).await;
        assert_eq!(answer.error_codes(), ["BAD_USER_INPUT"], "{bad}");
    }
}

#[tokio::test]
async fn a_program_may_read_the_log_when_its_token_says_so() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let token = async |permission: &str| {
        let made = admin
            .query(format!(
                "mutation {{ apiTokenCreate(input: {{ name: \"A\", permissions: [{permission}] }}) \
                 {{ token }} }}"
            ))
            .await;
        made.data()["apiTokenCreate"]["token"].as_str().unwrap().to_owned()
    };
    let (reader, other) = (token("AUDIT_READ").await, token("ACCOUNT_LIST").await);
    let document = "{ auditEvents { nodes { action actorKind actor { id } subject { id } } } }";

    let read = app.with_token(reader).query(document).await;
    let refused = app.with_token(other).query(document).await;

    let nodes = read.data()["auditEvents"]["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), 3);
    // It may not read accounts: it learns what was done, and not by whom.
    assert!(nodes.iter().all(|event| event["actor"].is_null() && event["subject"].is_null()));
    assert_eq!(refused.error_codes(), ["FORBIDDEN"]);
}

#[tokio::test]
async fn what_is_set_of_flash_sales_is_there_with_what_it_was_before() {
    let app = TestApp::start().await;
    let (staff, admin) = (app.staff().await, app.admin().await);
    app.offers("CUP", 10, 1_000).await;
    let set = async |input: Value| {
        let document = "mutation ($input: FlashSaleSetInput!) { flashSaleSet(input: $input) { \
                        flashSale { id } userErrors { code } } }";
        let answer = staff.query(document).with_variables(json!({ "input": input })).await;
        assert_eq!(answer.user_errors("flashSaleSet"), [] as [&str; 0]);
        answer.data()["flashSaleSet"]["flashSale"]["id"].as_str().unwrap().to_owned()
    };
    let ends_at = (app.app.db.now() + chrono::TimeDelta::hours(1)).to_rfc3339();
    let prices = json!([{ "amount": "8.00", "currency": "EUR" }]);
    let input = json!({ "sku": "CUP", "prices": prices, "endsAt": ends_at, "allocation": 10 });
    let id = set(input).await;
    let input = json!({ "id": id, "prices": prices, "endsAt": ends_at, "allocation": 7 });
    set(input).await;
    act(&staff, "flashSaleEnd", "", &id).await;

    let events = done_to(&admin, &id).await;

    assert_eq!(actions(&events), ["FLASH_SALE_SET", "FLASH_SALE_SET", "FLASH_SALE_ENDED"]);
    let [made, changed, ended] = &events[..] else { panic!("three events") };
    assert_eq!((&made["oldValue"], &made["newValue"]["allocation"]), (&Value::Null, &json!(10)));
    assert_eq!(made["newValue"]["prices"], json!([{ "currency": "EUR", "price": 800 }]));
    assert_eq!(changed["oldValue"], made["newValue"]);
    assert_eq!(changed["newValue"]["allocation"], 7);
    assert_eq!((&ended["oldValue"], &ended["newValue"]), (&changed["newValue"], &Value::Null));
    for event in &events {
        assert_eq!(event["actorKind"], "USER");
        assert_eq!(event["subject"], json!({ "__typename": "FlashSale", "id": id }));
    }
}
