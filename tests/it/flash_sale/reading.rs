//! What shoppers and staff see of flash sales, and what carts make of them.

use crate::app::{Caller, TestApp};
use chrono::TimeDelta;
use serde_json::{Value, json};
use stockroom::auth::{Role, Viewer};
use stockroom::flash_sale::{AskedPrice, SetFlashSale};
use stockroom::graphql::NodeKind;
use uuid::Uuid;

const VARIANT: &str = "price { amount } listPrice { amount } usd: price(currency: USD) { amount } \
    flashSale { price { amount } usd: price(currency: USD) { amount } endsAt remaining \
    limitPerCustomer status }";

impl Caller {
    /// The first variant of the product of this SKU.
    async fn variant(&self, sku: &str) -> Value {
        let document = format!(
            "query ($sku: String!) {{ product(by: {{ sku: $sku }}) {{ variants {{ nodes {{ {VARIANT} }} }} }} }}"
        );
        let answer = self.query(document).with_variables(json!({ "sku": sku })).await;
        answer.data()["product"]["variants"]["nodes"][0].clone()
    }

    /// Lines and problems of a cart.
    async fn seen(&self, cart: Uuid) -> Value {
        let document = "query ($id: ID!) { cart(id: $id) { subtotal { amount } totalIsFinal \
            lines { quantity unitPrice { amount } lineTotal { amount } } problems { __typename \
            ... on FlashSaleLimitProblem { maximum line { variant { sku } } } \
            ... on PriceChangedProblem { oldPrice { amount } newPrice { amount } } } } }";
        let variables = json!({ "id": NodeKind::Cart.id(cart).to_string() });
        self.query(document).with_variables(variables).await.data()["cart"].clone()
    }
}

async fn shop() -> TestApp {
    let app = TestApp::start().await;
    let cup = app.offers("CUP", 100, 1_000).await;
    app.costs(cup, "USD", 1_100).await;
    app
}

/// A sale of the cup at 8.00 from so many minutes from now to so many.
async fn from_to(app: &TestApp, from: i64, to: i64) -> Uuid {
    let now = app.app.db.now();
    let ask = SetFlashSale {
        id: None,
        sku: Some("CUP".to_owned()),
        prices: vec![AskedPrice { amount: "8".to_owned(), currency: crate::app::currency("EUR") }],
        starts_at: Some(now + TimeDelta::minutes(from)),
        ends_at: now + TimeDelta::minutes(to),
        allocation: 5,
        limit_per_customer: None,
        expected_version: None,
        idempotency_key: None,
    };
    app.flash_sales().set(&Viewer::System, &ask).await.expect("the sale is set").id
}

fn amount(variant: &Value) -> &str {
    variant["price"]["amount"].as_str().unwrap()
}

#[tokio::test]
async fn a_shopper_sees_price_remaining_share_and_end() {
    let app = shop().await;
    app.flashes("CUP", 800, 10, Some(2)).await;

    let cup = app.guest().variant("CUP").await;

    let sale = &cup["flashSale"];
    assert_eq!((amount(&cup), &cup["listPrice"]["amount"]), ("8.00", &json!("10.00")));
    // It has no price in dollars: there the list price is paid.
    assert_eq!((&cup["usd"]["amount"], &sale["usd"]), (&json!("11.00"), &Value::Null));
    assert_eq!((&sale["price"]["amount"], &sale["remaining"]), (&json!("8.00"), &json!(10)));
    assert_eq!((&sale["limitPerCustomer"], &sale["status"]), (&json!(2), &json!("RUNNING")));
    assert!(sale["endsAt"].is_string());
}

#[tokio::test]
async fn a_sale_begins_and_ends_at_its_moment_though_all_was_read_before() {
    let app = shop().await;
    let sale = from_to(&app, 10, 20).await;
    let (guest, other) = (app.guest(), app.replica().await);
    let node = async |caller: &Caller| {
        let variables = json!({ "id": NodeKind::FlashSale.id(sale).to_string() });
        let answer = caller.query("query ($id: ID!) { node(id: $id) { __typename } }");
        !answer.with_variables(variables).await.data()["node"].is_null()
    };
    let before = guest.variant("CUP").await;
    assert_eq!((amount(&before), &before["flashSale"]), ("10.00", &Value::Null));
    assert!(!node(&guest).await);

    app.waits(TimeDelta::minutes(11));
    other.waits(TimeDelta::minutes(11));
    assert_eq!(amount(&guest.variant("CUP").await), "8.00");
    assert_eq!(amount(&other.guest().variant("CUP").await), "8.00");
    assert!(node(&guest).await);

    app.waits(TimeDelta::minutes(10));
    other.waits(TimeDelta::minutes(10));
    let after = guest.variant("CUP").await;
    assert_eq!((amount(&after), &after["flashSale"]), ("10.00", &Value::Null));
    assert_eq!(amount(&other.guest().variant("CUP").await), "10.00");
    assert!(!node(&guest).await);
}

#[tokio::test]
async fn a_change_of_a_running_sale_is_seen_at_once() {
    let app = shop().await;
    let sale = app.flashes("CUP", 800, 10, None).await;
    let guest = app.guest();
    assert_eq!(amount(&guest.variant("CUP").await), "8.00");

    let ask = SetFlashSale {
        id: Some(sale),
        sku: None,
        prices: vec![AskedPrice { amount: "7".to_owned(), currency: crate::app::currency("EUR") }],
        starts_at: None,
        ends_at: app.app.db.now() + TimeDelta::hours(1),
        allocation: 3,
        limit_per_customer: None,
        expected_version: None,
        idempotency_key: None,
    };
    app.flash_sales().set(&Viewer::System, &ask).await.expect("the sale is changed");

    let cup = guest.variant("CUP").await;
    assert_eq!((amount(&cup), &cup["flashSale"]["remaining"]), ("7.00", &json!(3)));
}

#[tokio::test]
async fn a_list_price_below_the_sale_is_what_is_paid() {
    let app = shop().await;
    app.flashes("CUP", 800, 10, None).await;
    let cart = app.cart_of(&Viewer::Guest, &[("CUP", 1)]).await;
    let cup = app.number("SELECT COUNT(*) FROM product_variant").await;
    assert_eq!(cup, 1);

    app.execute("UPDATE variant_price SET amount = 700 WHERE currency = 'EUR'").await;

    assert_eq!(app.guest().seen(cart).await["lines"][0]["unitPrice"]["amount"], "7.00");
}

#[tokio::test]
async fn a_cart_has_the_price_of_the_sale_while_there_is_one() {
    let app = shop().await;
    let cart = app.cart_of(&Viewer::Guest, &[("CUP", 2)]).await;
    let guest = app.guest();
    from_to(&app, 10, 20).await;
    let problem = |cart: &Value| cart["problems"].clone();
    let before = guest.seen(cart).await;
    assert_eq!((&before["subtotal"]["amount"], problem(&before)), (&json!("20.00"), json!([])));

    app.waits(TimeDelta::minutes(11));
    let cheaper = guest.seen(cart).await;
    assert_eq!(cheaper["subtotal"]["amount"], "16.00");
    assert_eq!(
        problem(&cheaper),
        json!([{ "__typename": "PriceChangedProblem",
            "oldPrice": { "amount": "10.00" }, "newPrice": { "amount": "8.00" } }])
    );

    app.waits(TimeDelta::minutes(10));
    let again = guest.seen(cart).await;
    assert_eq!((&again["subtotal"]["amount"], problem(&again)), (&json!("20.00"), json!([])));
}

#[tokio::test]
async fn more_than_can_be_had_is_a_problem_that_stands_in_the_way() {
    let app = shop().await;
    app.taxes(None, 0).await;
    app.ships("standard", None, &[("EUR", 0, 490)]).await;
    app.flashes("CUP", 800, 5, Some(3)).await;
    let cart = app.cart_of(&Viewer::Guest, &[("CUP", 4)]).await;
    let guest = app.guest();

    let seen = guest.seen(cart).await;

    let told = |maximum: i64| {
        json!([{ "__typename": "FlashSaleLimitProblem", "maximum": maximum,
            "line": { "variant": { "sku": "CUP" } } }])
    };
    assert_eq!((&seen["subtotal"]["amount"], &seen["problems"]), (&json!("32.00"), &told(3)));
    // When fewer are left than one may have, that is how many there can be.
    app.guest().buys(&[("CUP", 3)], "card_approved").await;
    assert_eq!(guest.seen(cart).await["problems"], told(2));
}

#[tokio::test]
async fn a_customers_cart_knows_what_they_have_had() {
    let app = shop().await;
    app.taxes(None, 0).await;
    app.ships("standard", None, &[("EUR", 0, 490)]).await;
    app.flashes("CUP", 800, 50, Some(3)).await;
    let user = app.account(Role::Customer).await;
    let (viewer, caller) =
        (Viewer::User { id: user, role: Role::Customer }, app.with_token(app.token(user)));
    caller.buys(&[("CUP", 2)], "card_approved").await;

    let cart = app.cart_of(&viewer, &[("CUP", 2)]).await;

    assert_eq!(caller.seen(cart).await["problems"][0]["maximum"], 1);
    let someone_elses = app.cart_of(&Viewer::Guest, &[("CUP", 2)]).await;
    assert_eq!(app.guest().seen(someone_elses).await["problems"], json!([]));
}

#[tokio::test]
async fn staff_list_sales_and_tell_them_apart() {
    let app = shop().await;
    app.offers("POT", 5, 2_000).await;
    from_to(&app, -20, 10).await;
    from_to(&app, 20, 30).await;
    app.flashes("POT", 1_500, 3, None).await;
    let staff = app.staff().await;
    let listed = async |filter: &str| {
        let document = format!(
            "{{ flashSales{filter} {{ totalCount nodes {{ status variant {{ sku }} }} }} }}"
        );
        let answer = staff.query(document).await;
        let list = &answer.data()["flashSales"];
        let sale = |node: &Value| {
            format!(
                "{} {}",
                node["variant"]["sku"].as_str().unwrap(),
                node["status"].as_str().unwrap()
            )
        };
        let nodes = list["nodes"].as_array().unwrap().iter().map(sale).collect::<Vec<_>>();
        assert_eq!(list["totalCount"], nodes.len());
        nodes
    };

    assert_eq!(listed("").await, ["CUP SCHEDULED", "POT RUNNING", "CUP RUNNING"]);
    assert_eq!(listed("(where: { status: SCHEDULED })").await, ["CUP SCHEDULED"]);
    assert_eq!(listed("(where: { sku: { eq: \"CUP\" }, status: RUNNING })").await, ["CUP RUNNING"]);
    app.waits(TimeDelta::minutes(11));
    assert_eq!(listed("(where: { status: OVER })").await, ["CUP OVER"]);
    assert_eq!(
        app.guest().query("{ flashSales { totalCount } }").await.error_codes(),
        ["UNAUTHENTICATED"]
    );
}

#[tokio::test]
async fn pages_of_sales_follow_each_other() {
    let app = shop().await;
    for turn in 0..5 {
        from_to(&app, 10 * turn, 10 * turn + 5).await;
    }
    let staff = app.staff().await;
    let page = async |arguments: &str| {
        let document = format!(
            "{{ flashSales({arguments}) {{ nodes {{ startsAt }} pageInfo {{ startCursor endCursor \
             hasNextPage hasPreviousPage }} }} }}"
        );
        staff.query(document).await.data()["flashSales"].clone()
    };
    let starts = |page: &Value| {
        let nodes = page["nodes"].as_array().unwrap().iter();
        nodes.map(|node| node["startsAt"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };

    let all = starts(&page("first: 10").await);
    let first = page("first: 2").await;
    let next = page(&format!("first: 2, after: {}", first["pageInfo"]["endCursor"])).await;
    let last = page("last: 2").await;
    let before = page(&format!("last: 2, before: {}", last["pageInfo"]["startCursor"])).await;

    assert!(all.is_sorted_by(|one, next| one > next) && all.len() == 5);
    assert_eq!((starts(&first), starts(&next)), (all[..2].to_vec(), all[2..4].to_vec()));
    assert_eq!((starts(&last), starts(&before)), (all[3..].to_vec(), all[1..3].to_vec()));
    assert_eq!(next["pageInfo"]["hasNextPage"], true);
}
