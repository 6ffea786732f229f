//! What administrators see and change of accounts.

use super::people::{
    PASSWORD, account, is_signed_in, ok, refused, run, signed_in, signs_in, user_id,
};
use crate::app::{Caller, TestApp};
use serde_json::{Value, json};
use stockroom::auth::Role;

/// A shop with accounts of these addresses, made in this order, and one of the administrators.
async fn shop() -> (TestApp, Caller) {
    let app = TestApp::start().await;
    account(&app, "root@shop.example", Role::Admin).await;
    account(&app, "sam@shop.example", Role::Staff).await;
    account(&app, "ada@one.example", Role::Customer).await;
    account(&app, "bob_1@two.example", Role::Customer).await;
    app.execute("UPDATE user_account SET name = 'Zoë', name_key = 'zoe' WHERE email LIKE 'ada%'")
        .await;
    app.execute("UPDATE user_account SET active = FALSE WHERE email LIKE 'bob%'").await;
    app.execute("UPDATE user_account SET email_verified = TRUE WHERE email LIKE 'sam%'").await;
    let admin = signed_in(&app, "root@shop.example", PASSWORD).await;
    (app, admin)
}

/// What stands before the @ of each account on the list.
async fn users(admin: &Caller, arguments: &str) -> Vec<String> {
    let document = format!("{{ users({arguments}) {{ totalCount nodes {{ email }} }} }}");
    let answer = admin.query(document).await;
    let nodes = answer.data()["users"]["nodes"].as_array().unwrap();
    assert_eq!(answer.data()["users"]["totalCount"], nodes.len());
    let name = |node: &Value| node["email"].as_str().unwrap().split('@').next().unwrap().to_owned();
    nodes.iter().map(name).collect()
}

#[tokio::test]
async fn accounts_are_found_by_what_is_known_of_them() {
    let (_app, admin) = shop().await;
    for (arguments, found) in [
        ("first: 10", vec!["root", "sam", "ada", "bob_1"]),
        (r#"first: 10, search: "SHOP.example""#, vec!["root", "sam"]),
        (r#"first: 10, search: "zoe""#, vec!["ada"]),
        (r#"first: 10, search: "_""#, vec!["bob_1"]),
        (r#"first: 10, search: " ""#, vec!["root", "sam", "ada", "bob_1"]),
        (r#"where: { email: { contains: "ONE" } }"#, vec!["ada"]),
        (r#"where: { email: { eq: "SAM@shop.example" } }"#, vec!["sam"]),
        (r#"where: { email: { contains: "b_1" } }"#, vec!["bob_1"]),
        (r#"where: { email: { contains: "bx1" } }"#, vec![]),
        (r#"where: { name: { contains: "ZOË" } }"#, vec!["ada"]),
        ("where: { role: [STAFF, ADMIN] }", vec!["root", "sam"]),
        ("where: { active: false }", vec!["bob_1"]),
        ("where: { emailVerified: true }", vec!["sam"]),
        ("where: { NOT: { role: [CUSTOMER] }, emailVerified: false }", vec!["root"]),
        ("where: { OR: [{ active: false }, { role: [ADMIN] }] }", vec!["root", "bob_1"]),
        (r#"where: { createdAt: { gte: "2100-01-01T00:00:00Z" } }"#, vec![]),
        ("orderBy: { field: EMAIL }", vec!["ada", "bob_1", "root", "sam"]),
        (
            "orderBy: { field: NAME, direction: DESC }, where: { active: true }",
            vec!["ada", "sam", "root"],
        ),
        ("orderBy: { field: CREATED_AT, direction: DESC }", vec!["bob_1", "ada", "sam", "root"]),
    ] {
        assert_eq!(users(&admin, arguments).await, found, "{arguments}");
    }
}

#[tokio::test]
async fn an_international_address_is_found_in_both_of_its_forms_and_by_parts_of_them() {
    let (app, admin) = shop().await;
    account(&app, "Müller@Bücher.example", Role::Customer).await;
    account(&app, "οδος@shop.example", Role::Customer).await;
    for (text, found) in [
        ("müller@bücher.example", vec!["Müller"]),
        ("MÜLLER@BÜCHER.EXAMPLE", vec!["Müller"]),
        ("müller@xn--bcher-kva.example", vec!["Müller"]),
        ("mu\u{308}ller@bu\u{308}cher.example", vec!["Müller"]),
        ("ΟΔΟΣ@shop.example", vec!["οδος"]),
    ] {
        let exact = format!("where: {{ email: {{ eq: \"{text}\" }} }}");
        assert_eq!(users(&admin, &exact).await, found, "{exact}");
        let search = format!("search: \"{text}\"");
        assert_eq!(users(&admin, &search).await, found, "{search}");
    }
    for part in [
        "bücher",
        "BÜCHER.ex",
        "@büch",
        "ller@bücher",
        "MÜLLER@xn--bcher",
        "xn--bcher-kva",
        "ｂücher",
    ] {
        let search = format!("search: \"{part}\"");
        assert_eq!(users(&admin, &search).await, ["Müller"], "{search}");
        let contains = format!("where: {{ email: {{ contains: \"{part}\" }} }}");
        assert_eq!(users(&admin, &contains).await, ["Müller"], "{contains}");
    }
    for other in ["bücher@", "ada@bücher", "müller@shop", "b\u{fc}cherei"] {
        assert!(users(&admin, &format!("search: \"{other}\"")).await.is_empty(), "{other}");
    }
}

#[tokio::test]
async fn a_list_is_read_page_by_page_in_every_order() {
    let (_app, admin) = shop().await;
    for order in [
        "",
        ", orderBy: { field: NAME }",
        ", orderBy: { field: EMAIL, direction: DESC }",
        ", orderBy: { field: CREATED_AT }",
    ] {
        let (mut seen, mut after) = (Vec::new(), String::new());
        loop {
            let query = format!(
                "{{ users(first: 3{after}{order}) {{ nodes {{ email }} \
                 pageInfo {{ hasNextPage endCursor }} }} }}"
            );
            let answer = admin.query(query).await;
            let page = &answer.data()["users"];
            seen.extend(page["nodes"].as_array().unwrap().iter().map(|n| n["email"].clone()));
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
            after = format!(", after: {}", page["pageInfo"]["endCursor"]);
        }
        let all =
            admin.query(format!("{{ users(first: 9{order}) {{ nodes {{ email }} }} }}")).await;
        let all: Vec<Value> = all.data()["users"]["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|n| n["email"].clone())
            .collect();
        assert_eq!((seen.len(), seen), (4, all), "{order}");
    }
}

#[tokio::test]
async fn arguments_that_cannot_be_are_told() {
    let (_app, admin) = shop().await;
    let long = "x".repeat(101);
    for arguments in [
        "first: 101".to_owned(),
        "first: 1, last: 1".to_owned(),
        r#"after: "nonsense""#.to_owned(),
        format!(r#"search: "{long}""#),
        r#"where: { id: { eq: "prod_01jd0000000000000000000000" } }"#.to_owned(),
    ] {
        let answer = admin.query(format!("{{ users({arguments}) {{ totalCount }} }}")).await;
        assert_eq!(answer.error_codes(), ["BAD_USER_INPUT"], "{arguments}: {}", answer.text);
    }
}

#[tokio::test]
async fn only_administrators_see_the_list_and_change_others() {
    let (app, _) = shop().await;
    let id = user_id(account(&app, "eve@shop.example", Role::Customer).await);
    let (staff, customer) = (app.staff().await, app.customer().await);
    for (caller, code) in
        [(&app.guest(), "UNAUTHENTICATED"), (&customer, "FORBIDDEN"), (&staff, "FORBIDDEN")]
    {
        let list = caller.query("{ users(first: 1) { totalCount } }").await;
        assert_eq!((list.error_codes(), &list.json["data"]["users"]), (vec![code], &Value::Null));
        for mutation in ["userDeactivate", "userReactivate", "userSessionsRevoke", "userErase"] {
            let answer = run(caller, mutation, "", json!({ "id": id })).await;
            assert_eq!(answer.error_codes(), [code], "{mutation}");
        }
        let input = json!({ "id": id, "role": "ADMIN" });
        assert_eq!(run(caller, "userRoleSet", "", input).await.error_codes(), [code]);
    }
    assert_eq!(app.number("SELECT count(*) FROM user_account WHERE role = 'ADMIN'").await, 1);
}

#[tokio::test]
async fn a_role_is_given_and_taken_at_once() {
    let (app, admin) = shop().await;
    let key = account(&app, "eve@shop.example", Role::Customer).await;
    let eve = signed_in(&app, "eve@shop.example", PASSWORD).await;
    let stock = "{ warehouses { id } }";
    assert_eq!(eve.query(stock).await.error_codes(), ["FORBIDDEN"]);

    let role = |role: &str| json!({ "id": user_id(key), "role": role });
    let user = ok(&admin, "userRoleSet", "user { role email }", role("STAFF")).await;
    assert_eq!(user["user"], json!({ "role": "STAFF", "email": "eve@shop.example" }));
    assert!(eve.query(stock).await.data()["warehouses"].is_array());
    ok(&admin, "userRoleSet", "user { role }", role("CUSTOMER")).await;
    assert_eq!(eve.query(stock).await.error_codes(), ["FORBIDDEN"]);
}

#[tokio::test]
async fn an_account_is_closed_and_opened_at_once() {
    let (app, admin) = shop().await;
    let key = account(&app, "eve@shop.example", Role::Customer).await;
    let eve = signed_in(&app, "eve@shop.example", PASSWORD).await;
    let id = json!({ "id": user_id(key) });

    let closed = ok(&admin, "userDeactivate", "user { active }", id.clone()).await;
    assert_eq!(closed["user"]["active"], false);
    assert!(!is_signed_in(&eve).await && !signs_in(&app, "eve@shop.example", PASSWORD).await);
    let opened = ok(&admin, "userReactivate", "user { active }", id.clone()).await;
    assert_eq!(opened["user"]["active"], true);
    assert!(!is_signed_in(&eve).await, "sessions that ended stay ended");
    let eve = signed_in(&app, "eve@shop.example", PASSWORD).await;
    ok(&admin, "userSessionsRevoke", "user { id }", id).await;
    assert!(!is_signed_in(&eve).await && signs_in(&app, "eve@shop.example", PASSWORD).await);
    let nobody = user_id(uuid::Uuid::now_v7());
    for mutation in ["userDeactivate", "userReactivate", "userSessionsRevoke", "userErase"] {
        let told = refused(&admin, mutation, json!({ "id": nobody })).await;
        assert_eq!(told, ["NOT_FOUND id"], "{mutation}");
    }
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let app = TestApp::start().await;
    let key = account(&app, "root@shop.example", Role::Admin).await;
    let admin = signed_in(&app, "root@shop.example", PASSWORD).await;
    let id = json!({ "id": user_id(key) });
    // One who cannot sign in does not count.
    account(&app, "gone@shop.example", Role::Admin).await;
    app.execute("UPDATE user_account SET active = FALSE WHERE email LIKE 'gone%'").await;

    let demote = json!({ "id": user_id(key), "role": "STAFF" });
    let password = json!({ "password": PASSWORD });
    for (mutation, input) in [
        ("userRoleSet", &demote),
        ("userDeactivate", &id),
        ("userErase", &id),
        ("accountDeactivate", &password),
        ("accountErase", &password),
    ] {
        let told = refused(&admin, mutation, input.clone()).await;
        assert_eq!(told, ["LAST_ADMINISTRATOR "], "{mutation}");
    }
    assert!(is_signed_in(&admin).await);
    account(&app, "next@shop.example", Role::Admin).await;
    ok(&admin, "userRoleSet", "", demote).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_administrators_who_demote_each_other_at_once_one_stays() {
    for _ in 0..4 {
        let app = TestApp::start().await;
        let one = account(&app, "one@shop.example", Role::Admin).await;
        let two = account(&app, "two@shop.example", Role::Admin).await;
        let callers = [
            (signed_in(&app, "one@shop.example", PASSWORD).await, two),
            (signed_in(&app, "two@shop.example", PASSWORD).await, one),
        ];

        let demotions = callers.map(|(caller, other)| {
            let input = json!({ "id": user_id(other), "role": "CUSTOMER" });
            tokio::spawn(async move { run(&caller, "userRoleSet", "", input).await })
        });
        let answers = futures::future::join_all(demotions).await;

        let told = answers.into_iter().map(|answer| {
            let answer = answer.unwrap();
            match answer.error_codes()[..] {
                // Whoever came second may have been no administrator by then.
                ["FORBIDDEN"] => "refused",
                _ if answer.user_errors("userRoleSet") == ["LAST_ADMINISTRATOR"] => "refused",
                _ => {
                    assert!(answer.user_errors("userRoleSet").is_empty(), "{}", answer.text);
                    "done"
                }
            }
        });
        let mut told: Vec<&str> = told.collect();
        told.sort_unstable();
        assert_eq!(told, ["done", "refused"]);
        assert_eq!(app.number("SELECT count(*) FROM user_account WHERE role = 'ADMIN'").await, 1);
    }
}
