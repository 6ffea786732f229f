//! Servers that are killed at work, again and again: at random, and at each place between two steps.
//! Whatever a client was told is true afterwards, and everything else comes to an end.

mod shoppers;

use crate::app::{ServerProcess, TestApp, repeated};
use crate::order::shop::stock_up;
use rand::{RngExt, SeedableRng};
use shoppers::{Shoppers, Told};
use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

/// Where a server is made to crash, and after how many passes at most.
const PLACES: [(&str, u64); 9] = [
    ("checkout.after_t1", 6),
    ("pay.before_call", 6),
    ("pay.after_call", 6),
    ("settle.before_guard", 6),
    ("pay.after_t2", 6),
    ("refund.after_call", 2),
    ("outbox.after_publish", 8),
    ("webhook.after_insert", 1),
    ("sweep.after_mark", 1),
];
/// The webhooks of the sandbox are signed with it, by the test and by the servers.
const SECRET: &str = "a secret for tests alone and known to everyone who reads this";
/// How long a server may live that is to crash by itself.
const LIFE: Duration = Duration::from_secs(12);

/// How a life ends.
#[derive(Debug, Clone)]
enum End {
    Killed(Duration),
    Crash(&'static str, u64),
}

/// Each place in turn, then at random, then both by turns.
fn end_of(life: usize, random: &mut impl RngExt) -> End {
    let (place, most) = PLACES[life.min(life / 2 + PLACES.len()) % PLACES.len()];
    let at_random = if life < 12 { life >= PLACES.len() } else { life.is_multiple_of(2) };
    if at_random {
        End::Killed(Duration::from_millis(random.random_range(50..2_000)))
    } else {
        End::Crash(place, random.random_range(1..=most))
    }
}

/// What ends a process that is killed, by others or by itself.
const SIGKILL: i32 = 9;
const SIGABRT: i32 = 6;

/// Lives once: serves shoppers until it is killed or crashes. Gives how it ended.
async fn lives(app: &TestApp, shoppers: &Shoppers, end: &End) -> &'static str {
    let plan = match end {
        End::Killed(_) => String::new(),
        End::Crash(place, passes) => format!("{place}=abort@{passes}"),
    };
    if plan.starts_with("sweep") {
        // For what nobody has paid the time is over.
        let past = "UPDATE reservation SET expires_at = created_at WHERE status = 'HELD'";
        app.execute(past).await;
    }
    let settings = [("STOCKROOM_FAILPOINTS", plan.as_str()), ("SANDBOX_WEBHOOK_SECRET", SECRET)];
    let mut server = match ServerProcess::try_start_with(app, &settings).await {
        Ok(server) => server,
        // What the one before has left to be done brought it there at once.
        Err(log) => {
            assert!(!plan.is_empty() && !log.contains("stockroom:"), "{log}");
            return "crashed";
        }
    };
    let crowd = shoppers.enter(app, server.address());
    let life = if let End::Killed(after) = end { *after } else { LIFE };
    let ended = tokio::time::timeout(life, server.child().wait()).await;
    let status = match ended {
        Ok(ended) => ended,
        Err(_) => {
            server.child().start_kill().expect("the server can be killed");
            server.child().wait().await
        }
    };
    crowd.leave().await;
    let status = status.expect("the server ends");
    match status.signal() {
        Some(SIGABRT) => "crashed",
        Some(SIGKILL) => "killed",
        _ => panic!("the server ended by itself: {status}"),
    }
}

/// What was told is so.
async fn is_true(app: &TestApp, told: &[Told]) {
    for Told { order_id, status, cancelling, .. } in told {
        let key = app.sql_key(*order_id);
        let row = format!("id = {key}");
        assert_eq!(app.rows("shop_order", &row).await, 1, "an order was told of and is not there");
        let expected = match (status.as_str(), cancelling) {
            ("PAID", false) => "'PAID'",
            ("PAID", true) => "'PAID', 'CANCELLED'",
            ("CANCELLED", _) => "'CANCELLED'",
            _ => continue,
        };
        let stands = format!("{row} AND status IN ({expected})");
        assert_eq!(app.rows("shop_order", &stands).await, 1, "{order_id} was {status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_doubled_by_servers_that_are_killed_at_work() {
    let lives_in_all = repeated(12, 120);
    let app = TestApp::with(|settings| {
        settings.payment.sandbox.webhook_secrets = vec![SECRET.into()];
    })
    .await;
    stock_up(&app, 100_000).await;
    let seed = rand::random::<u64>();
    println!("seed {seed}");
    let mut random = rand::rngs::StdRng::seed_from_u64(seed);
    let shoppers = Shoppers::new(seed);

    let mut ends: BTreeMap<&str, usize> = BTreeMap::new();
    for life in 0..lives_in_all {
        let end = end_of(life, &mut random);
        let how = lives(&app, &shoppers, &end).await;
        println!("life {life}: {end:?}, {how}; {} told so far", shoppers.told().len());
        *ends.entry(how).or_default() += 1;
    }
    // A last one, which lives: whoever got no answer asks again, under the same key.
    let settings = [("SANDBOX_WEBHOOK_SECRET", SECRET)];
    let mut server = ServerProcess::start_with(&app, &settings).await;
    let unanswered = shoppers.unanswered();
    shoppers.ask_again(server.address()).await;
    server.end_and_read_log().await;
    app.comes_to_rest().await;

    let told = shoppers.told();
    println!("{ends:?}; {} answers, {unanswered} only when asked again", told.len());
    is_true(&app, &told).await;
    app.is_sound().await;
    assert_eq!(app.rows("reservation", "status = 'HELD'").await, 0, "a hold has no owner");
    assert_eq!(app.rows("sandbox_charge", "state IN ('AUTHORIZED', 'PENDING')").await, 0);
    let orders = app.rows("shop_order", "1 = 1").await;
    let carts = app.rows("cart", "status = 'COMPLETED'").await;
    assert_eq!(orders, carts, "a cart became two orders");
    // It was worth the trouble.
    let paid = app.rows("shop_order", "status = 'PAID'").await;
    let gone = app.rows("shop_order", "status = 'CANCELLED' AND refunded_total > 0").await;
    println!("{orders} orders, {paid} paid, {gone} cancelled and refunded");
    assert!(paid >= i64::try_from(lives_in_all).unwrap(), "{paid}");
    let ends_in_all: usize = ends.values().sum();
    assert!(ends_in_all >= repeated(10, 100), "{ends:?}");
    assert!(ends.get("crashed").is_some_and(|crashed| *crashed >= lives_in_all / 4), "{ends:?}");
}
