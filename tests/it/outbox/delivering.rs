//! Couriers: at least once, in order, whatever becomes of them.

use super::post::{Post, event, hurried, in_order};
use crate::app::TestApp;
use chrono::TimeDelta;
use rand::{RngExt, SeedableRng};
use sea_orm::{ConnectionTrait, Database, TransactionTrait};
use std::time::Duration;
use stockroom::doctor::Invariant;
use stockroom::events::{Courier, CourierTerms, purge_sent};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const AGGREGATES: usize = 200;
const VERSIONS: i64 = 50;

/// Works with a courier for a moment, then ends it at once, wherever it is.
async fn dies(courier: Courier, after: Duration) {
    let work = tokio::spawn(courier.run(CancellationToken::new()));
    tokio::time::sleep(after).await;
    work.abort();
    assert!(work.await.is_err_and(|error| error.is_cancelled()));
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_events_arrive_in_order_though_couriers_die_all_the_time() {
    let app = TestApp::start().await;
    let other = app.replica().await;
    let aggregates: Vec<Uuid> = (0..AGGREGATES).map(|_| Uuid::now_v7()).collect();
    for from in (1..=VERSIONS).step_by(10) {
        let versions = from..from + 10;
        let events: Vec<_> = versions
            .flat_map(|seq| aggregates.iter().map(move |aggregate| event(*aggregate, seq)))
            .collect();
        app.tells_all(&events).await;
    }
    let (post, seed) = (Post::default(), rand::random::<u64>());
    println!("seed {seed}");
    let mut random = rand::rngs::StdRng::seed_from_u64(seed);

    // Two at a time, on connections of their own, as two processes are.
    for _ in 0..25 {
        let mut moment = || Duration::from_millis(random.random_range(5..150));
        let (one, two) = (moment(), moment());
        tokio::join!(
            dies(post.courier(&app, hurried()), one),
            dies(post.courier(&other, hurried()), two),
        );
    }
    let stop = CancellationToken::new();
    let patient = CourierTerms { lease: Duration::from_secs(10), ..hurried() };
    let rest = [&app, &other].map(|app| tokio::spawn(post.courier(app, patient).run(stop.clone())));
    let two_minutes = Duration::from_secs(120);
    app.until_within(two_minutes, "all are delivered", async |app| {
        app.events("SENT").await == 10_000
    })
    .await;
    stop.cancel();
    for courier in rest {
        courier.await.unwrap();
    }

    let times = in_order(&post.taken());
    assert_eq!(times.len(), 10_000, "each was delivered");
    let twice = post.taken().len() - times.len();
    println!("delivered again after a crash: {twice}");
    assert_eq!(app.rows("outbox", "attempts > 0 OR claim IS NOT NULL").await, 0);
}

#[tokio::test]
async fn an_event_that_is_refused_holds_up_its_own_object_alone_until_it_is_dead() {
    let app = TestApp::start().await;
    let (sick, well) = (Uuid::now_v7(), Uuid::now_v7());
    let post = Post::default();
    post.refuses(Some((sick, 2)));
    let half_a_minute = Duration::from_secs(30);
    let terms = CourierTerms { backoff: half_a_minute, ..CourierTerms::default() };
    let courier = post.courier(&app, terms);
    app.tells(sick, 1..=4).await;
    app.tells(well, 1..=4).await;

    for attempt in 1..=5 {
        courier.deliver_due().await.unwrap();

        assert_eq!(post.of(well), [1, 2, 3, 4]);
        let of_sick =
            format!("attempts = {attempt} AND seq = 2 AND last_error = 'it does not fit'");
        assert_eq!(app.rows("outbox", &of_sick).await, 1, "attempt {attempt}");
        if attempt < 5 {
            assert_eq!((post.of(sick), app.events("PENDING").await), (vec![1], 3));
            // Before its time nobody is offered it.
            let offers = post.offers();
            courier.deliver_due().await.unwrap();
            assert_eq!(post.offers(), offers);
            app.waits(TimeDelta::minutes(45));
        }
    }

    courier.deliver_due().await.unwrap();
    assert_eq!((post.of(sick), app.events("DEAD").await), (vec![1, 3, 4], 1));
}

#[tokio::test]
async fn a_sink_that_is_away_costs_no_event_an_attempt() {
    let app = TestApp::start().await;
    let (one, post) = (Uuid::now_v7(), Post::default());
    let courier = post.courier(&app, CourierTerms::default());
    app.tells(one, 1..=60).await;
    post.is_away(true);

    for _ in 0..20 {
        assert_eq!(courier.deliver_due().await.unwrap(), 0);
        app.waits(TimeDelta::minutes(3));
    }

    // One a turn is enough to find out; the others stay in their order behind it.
    assert_eq!(post.offers(), 20);
    assert_eq!(app.rows("outbox", "status = 'PENDING' AND attempts = 0").await, 60);
    assert!(app.app.check_events().await.is_err());
    post.is_away(false);
    assert_eq!(courier.deliver_due().await.unwrap(), 60);
    assert_eq!(post.of(one), (1..=60).collect::<Vec<_>>());
    assert!(app.app.check_events().await.is_ok());
}

#[tokio::test]
async fn a_courier_that_is_told_to_stop_hands_back_what_it_has_not_delivered() {
    let app = TestApp::start().await;
    let (one, post) = (Uuid::now_v7(), Post::default());
    let (gate, gated) = watch::channel(false);
    post.waits_for(gated);
    app.tells(one, 1..=3).await;
    let stop = CancellationToken::new();
    let work = tokio::spawn(post.courier(&app, CourierTerms::default()).run(stop.clone()));
    app.until("the first is offered", async |_| post.offers() == 1).await;
    assert_eq!(app.events("INFLIGHT").await, 3);

    stop.cancel();
    gate.send_replace(true);
    work.await.unwrap();

    assert_eq!(post.of(one), [1]);
    assert_eq!((app.events("SENT").await, app.events("PENDING").await), (1, 2));
    // Nobody has to wait for a lease to end.
    assert_eq!(app.rows("outbox", "lease_until IS NOT NULL OR claim IS NOT NULL").await, 0);
}

#[tokio::test]
async fn a_commit_wakes_the_courier() {
    let app = TestApp::start().await;
    let (one, post) = (Uuid::now_v7(), Post::default());
    let never = CourierTerms { poll: Duration::from_secs(3_600), ..CourierTerms::default() };
    let stop = CancellationToken::new();
    let work = tokio::spawn(post.courier(&app, never).run(stop.clone()));

    for version in 1..=5 {
        app.tells(one, [version]).await;
        post.until_taken(usize::try_from(version).unwrap()).await;
    }

    stop.cancel();
    work.await.unwrap();
    assert_eq!(post.of(one), [1, 2, 3, 4, 5]);
}

/// A row has its number before its transaction is committed: a courier that is busy with later ones must
/// not lose it.
#[tokio::test(flavor = "multi_thread")]
async fn a_busy_courier_finds_what_was_written_early_and_committed_late() {
    let app = TestApp::start().await;
    if !app.app.db.is_postgres() {
        return;
    }
    let (late, post) = (Uuid::now_v7(), Post::default());
    let other = Database::connect(app.database_url()).await.unwrap();
    let slow = other.begin().await.unwrap();
    let insert = format!(
        "INSERT INTO outbox (event_id, topic, type, aggregate_id, seq, payload, next_attempt_at, created_at)
            VALUES (gen_random_uuid(), 'order-events', 'order.changed', '{late}', 1, '{{}}', now(), now())"
    );
    slow.execute_unprepared(&insert).await.unwrap();
    let backlog: Vec<_> = (0..10_000).map(|_| event(Uuid::now_v7(), 1)).collect();
    app.tells_all(&backlog).await;
    let stop = CancellationToken::new();
    let work = tokio::spawn(post.courier(&app, hurried()).run(stop.clone()));

    // Looks from the beginning, and from there on.
    post.until_taken(1_000).await;
    assert!(post.of(late).is_empty());
    slow.commit().await.unwrap();
    app.until("it is delivered", async |_| post.of(late) == [1]).await;
    assert!(post.taken().len() < backlog.len(), "before the courier had nothing else to do");

    stop.cancel();
    work.await.unwrap();
    other.close().await.unwrap();
}

/// Having last counted when all was delivered, Postgres takes what is open for nothing at all.
#[tokio::test]
async fn who_asks_for_earlier_events_reads_those_of_one_aggregate() {
    let app = TestApp::start().await;
    if !app.app.db.is_postgres() {
        return;
    }
    let events = |count| (0..count).map(|_| event(Uuid::now_v7(), 1)).collect::<Vec<_>>();
    let courier = Post::default().courier(&app, CourierTerms::default());
    app.tells_all(&events(100)).await;
    courier.deliver_due().await.unwrap();
    app.execute("ANALYZE outbox").await;
    app.tells_all(&events(2_000)).await;

    assert_eq!(courier.deliver_due().await.unwrap(), 2_000);

    // Sessions report what they read a moment after, together with what they wrote: each event is taken
    // and settled.
    let written = "SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = 'outbox'";
    app.until("all of it is reported", async |app| app.number(written).await == 2 * 2_100).await;
    let read =
        "SELECT idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = 'outbox_due_idx'";
    // Each of 42 looks walks along what it takes and what was taken before; not so for each event.
    let read = app.number(read).await;
    assert!((2_100..=200_000).contains(&read), "{read}");
}

#[tokio::test]
async fn delivered_events_are_forgotten_after_a_week_and_nothing_that_would_leave_a_gap() {
    let app = TestApp::start().await;
    let (well, sick, post) = (Uuid::now_v7(), Uuid::now_v7(), Post::default());
    let courier = post.courier(&app, CourierTerms { attempts: 1, ..CourierTerms::default() });
    post.refuses(Some((sick, 2)));
    app.tells(well, 1..=3).await;
    app.tells(sick, 1..=3).await;
    courier.deliver_due().await.unwrap();
    app.waits(TimeDelta::days(6));
    app.tells(well, [4]).await;
    courier.deliver_due().await.unwrap();
    assert_eq!(purge_sent(&app.app.db).await.unwrap(), 0);
    app.waits(TimeDelta::days(2));

    assert_eq!(purge_sent(&app.app.db).await.unwrap(), 4);

    let left = |aggregate: Uuid| format!("aggregate_id = {}", app.sql_key(aggregate));
    assert_eq!(app.rows("outbox", &left(well)).await, 1);
    // The dead one stays to be looked at, and what came after it.
    assert_eq!(app.rows("outbox", &left(sick)).await, 2);
    app.is_sound_as_to(&[Invariant::Ages]).await;
}
