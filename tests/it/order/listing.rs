//! Lists of orders: whose they are, how they are chosen, sorted and paged through.

use super::shop::{checkout, shop};
use crate::app::{Answer, Caller, TestApp};
use chrono::TimeDelta;
use serde_json::{Value, json};

const NONE: [usize; 0] = [];
const LIST: &str = "query ($first: Int, $after: String, $last: Int, $before: String, \
    $where: OrderWhere, $orderBy: OrderSort, $search: String) { \
    orders(first: $first, after: $after, last: $last, before: $before, where: $where, \
    orderBy: $orderBy, search: $search) { totalCount nodes { number } \
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";

impl Caller {
    async fn lists(&self, variables: Value) -> Answer {
        self.query(LIST).with_variables(variables).await
    }

    /// The numbers of the orders that are listed so.
    async fn numbers(&self, variables: Value) -> Vec<String> {
        let answer = self.lists(variables).await;
        let nodes = answer.data()["orders"]["nodes"].as_array().expect("a page has nodes").clone();
        nodes.iter().map(|node| text(&node["number"])).collect()
    }

    /// Buys a cup under this address: the order.
    async fn buys_as(&self, email: &str, method: &str, cups: i64) -> Value {
        let cart = self.fills(&[("CUP", cups)]).await;
        let mut input = checkout(&cart, method);
        input["email"] = json!(email);
        self.order_payload("checkoutComplete", input).await["order"].clone()
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// Four orders of guests, a minute apart, the oldest first: paid, declined, paid, cancelled.
async fn four(app: &TestApp) -> Vec<Value> {
    let guest = app.guest();
    let mut orders = Vec::new();
    for (email, method, cups) in [
        ("Ann@Shop.example", "card_approved", 1),
        ("bob_1@shop.example", "card_declined", 2),
        ("ann@other.example", "card_approved", 3),
        ("bobby@shop.example", "card_approved", 4),
    ] {
        orders.push(guest.buys_as(email, method, cups).await);
        app.waits(TimeDelta::minutes(1));
    }
    orders
}

#[tokio::test]
async fn each_sees_their_own_orders_and_staff_all_the_latest_first() {
    let app = shop().await;
    let (owner, stranger, staff) = (app.customer().await, app.customer().await, app.staff().await);
    let first = owner.buys(&[("CUP", 1)], "card_approved").await["order"].clone();
    let second = owner.buys(&[("CUP", 1)], "card_declined").await["order"].clone();
    let guests = app.guest().buys(&[("CUP", 1)], "card_approved").await["order"].clone();

    let own: Vec<String> = [&second, &first].map(|order| text(&order["number"])).into();
    assert_eq!(owner.numbers(json!({})).await, own);
    assert_eq!(stranger.numbers(json!({})).await, Vec::<String>::new());
    let all: Vec<String> = [&guests, &second, &first].map(|order| text(&order["number"])).into();
    assert_eq!(staff.numbers(json!({})).await, all);
    let counted = owner.lists(json!({})).await;
    assert_eq!(counted.data()["orders"]["totalCount"], 2);
    let refused = app.guest().lists(json!({})).await;
    assert!(refused.json["data"]["orders"].is_null());
    assert_eq!(refused.error_codes(), ["UNAUTHENTICATED"]);
}

#[tokio::test]
async fn conditions_choose() {
    let app = shop().await;
    let staff = app.staff().await;
    let orders = four(&app).await;
    let cancelled = json!({ "orderId": orders[3]["id"] });
    staff.order_payload("orderCancel", cancelled).await;
    let number = |place: usize| text(&orders[place]["number"]);
    let chosen = async |condition: Value| -> Vec<usize> {
        let numbers = staff.numbers(json!({ "where": condition })).await;
        (0..4).filter(|place| numbers.contains(&number(*place))).collect()
    };

    assert_eq!(chosen(json!({ "status": ["PAID"] })).await, [0, 2]);
    assert_eq!(chosen(json!({ "status": [] })).await, NONE);
    assert_eq!(chosen(json!({ "kind": ["PURCHASE"] })).await, NONE);
    assert_eq!(chosen(json!({ "email": { "eq": "ANN@shop.example" } })).await, [0]);
    assert_eq!(chosen(json!({ "email": { "contains": "@SHOP" } })).await, [0, 1, 3]);
    assert_eq!(chosen(json!({ "email": { "contains": "b_1" } })).await, [1]);
    let small = number(2).to_lowercase().replace('-', " ");
    assert_eq!(chosen(json!({ "number": { "in": [small, number(0)] } })).await, [0, 2]);
    assert_eq!(chosen(json!({ "id": { "eq": orders[1]["id"] } })).await, [1]);
    let total = orders[2]["total"].clone();
    let amount = json!({ "amount": total["amount"], "currency": "EUR" });
    assert_eq!(chosen(json!({ "total": { "gte": amount } })).await, [2, 3]);
    let pounds = json!({ "amount": "0.01", "currency": "GBP" });
    assert_eq!(chosen(json!({ "total": { "gte": pounds } })).await, NONE);
    let either =
        json!({ "OR": [{ "status": ["CANCELLED"] }, { "id": { "eq": orders[0]["id"] } }] });
    assert_eq!(chosen(either.clone()).await, [0, 3]);
    assert_eq!(chosen(json!({ "NOT": either })).await, [1, 2]);
    assert_eq!(chosen(json!({ "customerId": { "in": [] } })).await, NONE);
}

#[tokio::test]
async fn a_search_finds_the_beginnings_of_numbers_and_addresses() {
    let app = shop().await;
    let staff = app.staff().await;
    let orders = four(&app).await;
    let found = async |search: &str| -> Vec<usize> {
        let numbers = staff.numbers(json!({ "search": search })).await;
        (0..4).filter(|place| numbers.contains(&text(&orders[*place]["number"]))).collect()
    };

    assert_eq!(found("ANN@").await, [0, 2]);
    assert_eq!(found(" bob").await, [1, 3]);
    assert_eq!(found("bob_1@shop.example").await, [1]);
    assert_eq!(found("shop.example").await, NONE);
    assert_eq!(found("%").await, NONE);
    let number = text(&orders[2]["number"]);
    assert_eq!(found(&number.to_lowercase()).await, [2]);
    assert_eq!(found(&number[..10]).await, [2]);
    assert_eq!(found("").await, [0, 1, 2, 3]);
    let long = staff.lists(json!({ "search": "x".repeat(101) })).await;
    assert_eq!(long.error_codes(), ["BAD_USER_INPUT"]);
}

#[tokio::test]
async fn pages_follow_one_another_in_both_directions() {
    let app = shop().await;
    let staff = app.staff().await;
    let orders = four(&app).await;
    let places = |page: &Value| -> Vec<usize> {
        let nodes = page["nodes"].as_array().expect("a page has nodes");
        let place = |node: &Value| orders.iter().position(|it| it["number"] == node["number"]);
        nodes.iter().map(|node| place(node).expect("an order of the four")).collect()
    };
    let page = async |variables: Value| staff.lists(variables).await.data()["orders"].clone();

    let first = page(json!({ "first": 3 })).await;
    assert_eq!(places(&first), [3, 2, 1]);
    assert_eq!(
        (&first["totalCount"], &first["pageInfo"]["hasNextPage"]),
        (&json!(4), &json!(true))
    );
    let rest = page(json!({ "first": 3, "after": first["pageInfo"]["endCursor"] })).await;
    assert_eq!(places(&rest), [0]);
    let back = page(json!({ "last": 2, "before": rest["pageInfo"]["startCursor"] })).await;
    assert_eq!(places(&back), [2, 1]);

    // The oldest was changed last.
    staff.order_payload("orderCancel", json!({ "orderId": orders[0]["id"] })).await;
    let by = |field: &str| json!({ "orderBy": { "field": field, "direction": "DESC" } });
    assert_eq!(places(&page(by("UPDATED_AT")).await), [0, 3, 2, 1]);
    let sorted = staff.numbers(json!({ "orderBy": { "field": "NUMBER" } })).await;
    assert!(sorted.is_sorted(), "{sorted:?}");

    let foreign = json!({ "after": first["pageInfo"]["endCursor"], "search": "ann" });
    assert_eq!(staff.lists(foreign).await.error_codes(), ["BAD_USER_INPUT"]);
}

#[tokio::test]
async fn an_account_has_its_orders_page_by_page() {
    let app = shop().await;
    let (owner, staff, admin) = (app.customer().await, app.staff().await, app.admin().await);
    for _ in 0..3 {
        owner.buys(&[("CUP", 1)], "card_approved").await;
        app.guest().buys(&[("CUP", 1)], "card_approved").await;
    }
    let own = owner.numbers(json!({})).await;
    let me = "query ($after: String) { me { id orders(first: 2, after: $after) \
              { totalCount nodes { number } pageInfo { endCursor hasNextPage } } } }";

    let first = owner.query(me).await.data()["me"].clone();
    assert_eq!(first["orders"]["totalCount"], 3);
    let after = json!({ "after": first["orders"]["pageInfo"]["endCursor"] });
    let second = owner.query(me).with_variables(after).await.data()["me"].clone();
    let nodes = |user: &Value| user["orders"]["nodes"].as_array().unwrap().clone();
    let told: Vec<String> =
        nodes(&first).iter().chain(&nodes(&second)).map(|node| text(&node["number"])).collect();
    assert_eq!(told, own);

    let all = "{ users { nodes { id orders { totalCount nodes { number } } } } }";
    let users = admin.query(all).await.data()["users"]["nodes"].clone();
    let theirs = users.as_array().unwrap().iter().find(|user| user["id"] == first["id"]).unwrap();
    assert_eq!(theirs["orders"]["totalCount"], 3);
    let by_customer = json!({ "where": { "customerId": { "eq": first["id"] } } });
    assert_eq!(staff.numbers(by_customer).await, own);
}
