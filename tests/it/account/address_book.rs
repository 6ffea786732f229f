//! The address book: defaults, limits, and that nobody sees or changes another's.

use super::people::{PASSWORD, account, ok, refused, run, signed_in, user_id};
use crate::app::{Caller, TestApp};
use futures::StreamExt;
use serde_json::{Value, json};
use stockroom::auth::Role;

const FIELDS: &str = "address { id name line1 line2 city region postalCode country \
    isDefaultShipping isDefaultBilling }";

fn home() -> Value {
    json!({ "name": "Ada Byron", "line1": "12 St James's Square", "city": "London",
        "postalCode": "SW1Y 4JH", "country": "GB" })
}

fn at(line1: &str) -> Value {
    let mut address = home();
    address["line1"] = json!(line1);
    address
}

async fn create(caller: &Caller, input: Value) -> Value {
    ok(caller, "addressCreate", FIELDS, input).await["address"].clone()
}

/// `line1 shipping billing` of each address, in the book's order.
async fn book(caller: &Caller) -> Vec<String> {
    let query = "{ me { addresses { line1 isDefaultShipping isDefaultBilling } } }";
    let answer = caller.query(query).await;
    let addresses = answer.data()["me"]["addresses"].as_array().unwrap();
    let line = |address: &Value| {
        let mark = |field: &str, mark| if address[field] == true { mark } else { "-" };
        let (shipping, billing) = (mark("isDefaultShipping", "S"), mark("isDefaultBilling", "B"));
        format!("{} {shipping}{billing}", address["line1"].as_str().unwrap())
    };
    addresses.iter().map(line).collect()
}

#[tokio::test]
async fn the_first_address_is_the_default_and_another_takes_its_place() {
    let app = TestApp::start().await;
    let own = app.customer().await;

    let first = create(&own, json!({ "address": home() })).await;
    assert_eq!(
        (
            &first["country"],
            &first["line2"],
            &first["isDefaultShipping"],
            &first["isDefaultBilling"]
        ),
        (&json!("GB"), &Value::Null, &json!(true), &json!(true))
    );
    create(&own, json!({ "address": at("Two") })).await;
    let third = json!({ "address": at("Three"), "isDefaultShipping": true });
    let third = create(&own, third).await;
    assert_eq!(book(&own).await, ["12 St James's Square -B", "Two --", "Three S-"]);

    let change = json!({ "id": third["id"], "isDefaultBilling": true, "isDefaultShipping": false,
        "address": at("Drei") });
    let changed = ok(&own, "addressUpdate", FIELDS, change).await;
    assert_eq!(changed["address"]["line1"], "Drei");
    assert_eq!(book(&own).await, ["12 St James's Square --", "Two --", "Drei -B"]);
    let deleted = ok(&own, "addressDelete", "deletedId", json!({ "id": third["id"] })).await;
    assert_eq!(deleted["deletedId"], third["id"]);
    assert_eq!(book(&own).await, ["12 St James's Square --", "Two --"]);
}

#[tokio::test]
async fn an_address_that_is_there_is_not_kept_twice() {
    let app = TestApp::start().await;
    let own = app.customer().await;
    let first = create(&own, json!({ "address": home() })).await;
    create(&own, json!({ "address": at("Two"), "isDefaultShipping": true })).await;

    let again = create(&own, json!({ "address": home(), "isDefaultShipping": true })).await;

    assert_eq!(again["id"], first["id"]);
    assert_eq!(book(&own).await, ["12 St James's Square SB", "Two --"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_book_holds_fifty_also_when_it_is_filled_from_all_sides() {
    let app = TestApp::start().await;
    let own = app.customer().await;
    let fill = (0..55).map(|n| {
        let own = own.clone();
        let input = json!({ "address": at(&format!("No {n}")), "isDefaultShipping": true });
        tokio::spawn(async move { run(&own, "addressCreate", FIELDS, input).await })
    });
    let answers: Vec<_> = futures::stream::iter(fill).buffer_unordered(16).collect().await;

    let told: Vec<Vec<String>> = answers
        .into_iter()
        .map(|answer| {
            let answer = answer.unwrap();
            answer.user_errors("addressCreate").into_iter().map(str::to_owned).collect()
        })
        .collect();
    assert_eq!(told.iter().filter(|told| told.is_empty()).count(), 50);
    assert_eq!(told.iter().filter(|told| **told == ["LIMIT_REACHED"]).count(), 5);
    let defaults = "SELECT count(*) FROM address WHERE is_default_shipping";
    assert_eq!(app.number(defaults).await, 1);
}

#[tokio::test]
async fn bad_addresses_are_told_field_by_field() {
    let app = TestApp::start().await;
    let own = app.customer().await;
    let wrong = json!({ "name": "", "line1": "a\u{7}b", "city": "x".repeat(101), "postalCode": " ",
        "country": "DE", "line2": "y".repeat(201) });
    assert_eq!(
        refused(&own, "addressCreate", json!({ "address": wrong })).await,
        [
            "REQUIRED address.name",
            "INVALID address.line1",
            "TOO_LONG address.line2",
            "TOO_LONG address.city",
            "REQUIRED address.postalCode",
        ]
    );
    for country in ["XX", "de", "", "Germany"] {
        let mut address = home();
        address["country"] = json!(country);
        let answer = run(&own, "addressCreate", "", json!({ "address": address })).await;
        assert_eq!(answer.error_codes(), ["BAD_USER_INPUT"], "{}", answer.text);
    }
    // No postal codes there.
    let mut address = home();
    (address["country"], address["postalCode"]) = (json!("HK"), json!(""));
    create(&own, json!({ "address": address })).await;
}

#[tokio::test]
async fn a_strangers_address_is_not_there() {
    let app = TestApp::start().await;
    let (own, stranger) = (app.customer().await, app.customer().await);
    let id = create(&own, json!({ "address": home() })).await["id"].clone();

    let update = json!({ "id": id, "address": at("Mine") });
    assert_eq!(refused(&stranger, "addressUpdate", update).await, ["NOT_FOUND id"]);
    let delete = json!({ "id": id });
    assert_eq!(refused(&stranger, "addressDelete", delete.clone()).await, ["NOT_FOUND id"]);
    let seen = async |caller: &Caller| {
        let query = "query ($id: ID!) { node(id: $id) { id } nodes(ids: [$id]) { id } }";
        let answer = caller.query(query).with_variables(json!({ "id": id })).await;
        let data = answer.data().clone();
        assert_eq!(data["node"], data["nodes"][0]);
        data["node"]["id"] == id
    };
    assert!(seen(&own).await && seen(&app.admin().await).await);
    assert!(!seen(&stranger).await && !seen(&app.staff().await).await && !seen(&app.guest()).await);
    for mutation in ["addressDelete", "addressUpdate"] {
        let guest = run(&app.guest(), mutation, "", delete.clone()).await;
        assert_eq!(guest.error_codes(), ["UNAUTHENTICATED"]);
    }
    assert_eq!(book(&own).await, ["12 St James's Square SB"]);
}

#[tokio::test]
async fn staff_see_accounts_but_not_their_addresses() {
    let app = TestApp::start().await;
    let key = account(&app, "ada@shop.example", Role::Customer).await;
    let own = signed_in(&app, "ada@shop.example", PASSWORD).await;
    create(&own, json!({ "address": home() })).await;
    let query = format!(
        r#"{{ node(id: "{}") {{ ... on User {{ name addresses {{ line1 }} }} }} }}"#,
        user_id(key)
    );

    let of_staff = app.staff().await.query(&query).await;
    let of_admin = app.admin().await.query(&query).await;

    assert_eq!(of_staff.data()["node"], json!({ "name": "Someone", "addresses": [] }));
    assert_eq!(of_admin.data()["node"]["addresses"], json!([{ "line1": "12 St James's Square" }]));
}
