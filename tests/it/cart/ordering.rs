//! What carts do for those who write orders: a lock, a price, an end.

use crate::app::{TestApp, country, currency};
use sea_orm::ConnectionTrait;
use std::time::Duration;
use stockroom::auth::{Role, Viewer};
use stockroom::cart::{CartError, Destination, Item, LineProblem, NewCart, NewLine, Quote};
use stockroom::db::DbError;
use stockroom::validation::ProblemKind;
use tokio::sync::Notify;
use uuid::Uuid;

fn to(code: &str) -> Destination {
    Destination { country: country(code), region: None, postal_code: None }
}

fn new_cart(lines: &[(&str, i64)]) -> NewCart {
    let line =
        |(sku, quantity): &(&str, i64)| NewLine { sku: (*sku).to_owned(), quantity: *quantity };
    NewCart { currency: None, lines: lines.iter().map(line).collect() }
}

fn item(variant_id: Uuid, quantity: i64) -> Item {
    Item { line_id: None, variant_id, quantity, seen_price: None }
}

async fn lock(app: &TestApp, viewer: Viewer, cart: Uuid) -> Result<Vec<Item>, CartError> {
    let tx = |tx| async move { app.carts().lock_in_txn(&tx, &viewer, cart).await };
    app.app.db.tx(tx).await.map(|locked| locked.items)
}

async fn quote(
    app: &TestApp,
    code: &str,
    items: &[Item],
    destination: Option<&Destination>,
    method: Option<&str>,
) -> Result<Quote, CartError> {
    let tx = |tx| async move {
        let pricing = app.carts().quote_in_txn(&tx, currency(code), items, destination, method);
        pricing.await.map(|(quote, _)| quote)
    };
    app.app.db.tx(tx).await
}

async fn complete(app: &TestApp, viewer: Viewer, cart: Uuid) -> Result<(), CartError> {
    let tx = |tx| async move {
        app.carts().lock_in_txn(&tx, &viewer, cart).await?;
        app.carts().complete_in_txn(&tx, cart, Uuid::now_v7());
        Ok(())
    };
    app.app.db.tx(tx).await
}

fn problem(refused: Result<Quote, CartError>) -> (ProblemKind, String) {
    match refused.expect_err("it is refused") {
        CartError::Invalid(problems) => (problems[0].kind, problems[0].path.join(".")),
        error => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_cart_is_locked_by_who_may_use_it_and_completed_once() {
    let app = TestApp::start().await;
    let cup = app.offers("CUP", 5, 1_000).await;
    let owner = Viewer::User { id: app.account(Role::Customer).await, role: Role::Customer };
    let other = Viewer::User { id: app.account(Role::Admin).await, role: Role::Admin };
    let cart = app.carts().create(&owner, &new_cart(&[("CUP", 2)]), None).await.unwrap().cart_id;

    let items = lock(&app, owner, cart).await.unwrap();
    assert_eq!(
        (items[0].variant_id, items[0].quantity, items[0].seen_price),
        (cup, 2, Some(1_000))
    );
    for stranger in [other, Viewer::Guest, Viewer::System] {
        assert!(matches!(lock(&app, stranger, cart).await, Err(CartError::NotFound)));
    }
    complete(&app, owner, cart).await.unwrap();
    assert!(matches!(complete(&app, owner, cart).await, Err(CartError::Completed)));
    assert!(matches!(lock(&app, owner, cart).await, Err(CartError::Completed)));
    assert!(matches!(lock(&app, other, cart).await, Err(CartError::NotFound)));
}

#[tokio::test]
async fn goods_are_priced_with_the_cheapest_method_and_the_tax_of_where_they_go() {
    let app = TestApp::start().await;
    let cup = app.offers("CUP", 5, 1_000).await;
    app.taxes(Some("DE"), 190_000).await;
    app.ships("express", None, &[("EUR", 0, 990)]).await;
    app.ships("standard", Some(&["DE"]), &[("EUR", 0, 490), ("EUR", 5_000, 0)]).await;

    let few = quote(&app, "EUR", &[item(cup, 2)], Some(&to("DE")), None).await.unwrap();
    assert_eq!(
        (few.subtotal, few.shipping_total, few.tax_total, few.total),
        (2_000, 490, 473, 2_963)
    );
    assert_eq!(few.shipping_method.as_ref().unwrap().code, "standard");
    assert_eq!(few.lines[0].sku, "CUP");
    assert!(few.is_final());
    let many = quote(&app, "EUR", &[item(cup, 5)], Some(&to("DE")), None).await.unwrap();
    assert_eq!((many.shipping_total, many.total), (0, 5_950));
    let fast = quote(&app, "EUR", &[item(cup, 2)], Some(&to("DE")), Some("express")).await.unwrap();
    assert_eq!(fast.shipping_total, 990);
}

#[tokio::test]
async fn what_cannot_be_sent_or_taxed_is_refused_where_it_was_asked_for() {
    let app = TestApp::start().await;
    let cup = app.offers("CUP", 5, 1_000).await;
    app.costs(cup, "JPY", 1_500).await;
    app.taxes(Some("DE"), 190_000).await;
    app.taxes(Some("FR"), 200_000).await;
    app.ships("standard", Some(&["DE", "AT"]), &[("EUR", 0, 490)]).await;
    let items = [item(cup, 1)];

    let asked = [
        ("EUR", "DE", Some("pigeon"), (ProblemKind::NotFound, "shippingMethod")),
        ("EUR", "FR", Some("standard"), (ProblemKind::Invalid, "shippingMethod")),
        ("JPY", "DE", Some("standard"), (ProblemKind::Invalid, "shippingMethod")),
        ("EUR", "FR", None, (ProblemKind::Invalid, "shippingAddress.country")),
        ("EUR", "AT", Some("standard"), (ProblemKind::Invalid, "shippingAddress.country")),
    ];
    for (code, country, method, (kind, path)) in asked {
        let refused = quote(&app, code, &items, Some(&to(country)), method).await;
        assert_eq!(problem(refused), (kind, path.to_owned()), "{code} {country} {method:?}");
    }
    let refused = quote(&app, "EUR", &[item(cup, 1), item(cup, 0)], None, None).await;
    assert_eq!(problem(refused), (ProblemKind::OutOfRange, "lines.1.quantity".to_owned()));
}

#[tokio::test]
async fn what_is_not_sold_any_more_is_told_and_not_charged() {
    let app = TestApp::start().await;
    let (cup, pot) = (app.offers("CUP", 5, 1_000).await, app.offers("POT", 5, 700).await);
    app.archives(pot).await;

    let quote = quote(&app, "EUR", &[item(pot, 1), item(cup, 1)], None, None).await.unwrap();

    assert_eq!(quote.subtotal, 1_000);
    assert_eq!((quote.problems[0].line, quote.problems[0].problem), (0, LineProblem::Unavailable));
    assert!(!quote.is_final());
}

#[tokio::test]
async fn the_price_of_the_moment_counts_and_not_a_cached_one() {
    let app = TestApp::start().await;
    let cup = app.offers("CUP", 5, 1_000).await;
    let document = "{ product(by: { sku: \"CUP\" }) { variants { nodes { price { amount } } } } }";
    app.guest().query(document).await;

    app.costs(cup, "EUR", 1_234).await;

    let quote = quote(&app, "EUR", &[item(cup, 1)], None, None).await.unwrap();
    assert_eq!(quote.subtotal, 1_234);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waited_for_a_cart_gets_it_as_it_was_left() {
    let app = TestApp::start().await;
    app.offers("CUP", 5, 1_000).await;
    let guest = Viewer::Guest;
    let cart = app.carts().create(&guest, &new_cart(&[("CUP", 2)]), None).await.unwrap().cart_id;
    let changed = &Notify::new();
    let change = app.app.db.tx(|tx| async move {
        for sql in ["UPDATE cart SET version = version + 1", "UPDATE cart_line SET quantity = 3"] {
            tx.connection().execute_unprepared(sql).await.map_err(DbError::from)?;
        }
        changed.notify_one();
        // For the other one to come and wait.
        tokio::time::sleep(Duration::from_millis(300)).await;
        Ok::<_, DbError>(())
    });
    let wait = async {
        changed.notified().await;
        lock(&app, guest, cart).await
    };

    let (done, items) = tokio::join!(change, wait);

    done.unwrap();
    assert_eq!(items.unwrap()[0].quantity, 3);
}
