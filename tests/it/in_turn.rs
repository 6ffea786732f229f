//! Changes of which each is made only where the one before touched a row.

use crate::app::TestApp;
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Iden, Query, UpdateStatement};
use sea_orm::{ConnectionTrait, Database, EntityName, IdenStatic, TransactionTrait};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use stockroom::db::{Db, DbError, SqlStats};

/// Three tables with one row each, and one that is written beside.
async fn app() -> TestApp {
    let app = TestApp::start().await;
    for table in ["first", "second", "third"] {
        app.execute(&format!("CREATE TABLE {table} (n BIGINT NOT NULL)")).await;
        app.execute(&format!("INSERT INTO {table} VALUES (0)")).await;
    }
    app.execute("CREATE TABLE beside (n BIGINT NOT NULL)").await;
    app
}

/// Raises the row of a table that has this number.
fn raise(table: &str, from: i64) -> UpdateStatement {
    let n = || Alias::new("n");
    let mut update = Query::update();
    update
        .table(Alias::new(table))
        .value(n(), Expr::col(n()).add(1))
        .and_where(Expr::col(n()).eq(from));
    update
}

/// The table that is written beside.
#[derive(Debug, Default, Clone, Copy)]
struct Beside;

impl Iden for Beside {
    fn unquoted(&self) -> &str {
        "beside"
    }
}

impl IdenStatic for Beside {
    fn as_str(&self) -> &'static str {
        "beside"
    }
}

impl EntityName for Beside {
    fn table_name(&self) -> &'static str {
        "beside"
    }
}

/// Raises all three in turn, with a row beside, and notes that it was committed. Tells whether it was.
async fn raise_all(db: &Db, from: [i64; 3]) -> bool {
    let told = Arc::new(AtomicBool::new(false));
    let raising = db.write_in_turn::<(), DbError>(|writes| {
        let mut insert = Query::insert();
        insert.into_table(Beside).columns([Alias::new("n")]);
        insert.values_panic([Expr::value(1_i64)]);
        writes.later(Beside, insert, 1);
        let told = Arc::clone(&told);
        writes.after_commit(move || told.store(true, Ordering::Relaxed));
        let [first, second, third] = from;
        Ok((vec![raise("first", first), raise("second", second), raise("third", third)], ()))
    });
    let raised = raising.await.unwrap().is_some();
    assert_eq!(told.load(Ordering::Relaxed), raised);
    raised
}

/// What stands in the three tables, and how many rows beside.
async fn stand(app: &TestApp) -> [i64; 4] {
    let mut all = [0; 4];
    for (place, sql) in all.iter_mut().zip([
        "SELECT n FROM first",
        "SELECT n FROM second",
        "SELECT n FROM third",
        "SELECT COUNT(*) FROM beside",
    ]) {
        *place = app.number(sql).await;
    }
    all
}

#[tokio::test]
async fn all_are_made_or_none_whichever_is_not_as_expected() {
    let app = app().await;
    let db = &app.app.db;

    assert!(raise_all(db, [0, 0, 0]).await);
    assert_eq!(stand(&app).await, [1, 1, 1, 1]);

    for wrong in [[9, 1, 1], [1, 9, 1], [1, 1, 9]] {
        assert!(!raise_all(db, wrong).await, "{wrong:?}");
        assert_eq!(stand(&app).await, [1, 1, 1, 1], "{wrong:?}");
    }
}

/// It runs in a task of its own, and is counted for whoever asked for it.
#[tokio::test]
async fn on_postgres_it_is_one_statement_of_the_request() {
    let app = app().await;
    let db = &app.app.db;
    let sql = SqlStats::default();

    assert!(sql.scope(raise_all(db, [0, 0, 0])).await);

    assert_eq!(sql.count(), if db.is_postgres() { 1 } else { 4 });
}

#[tokio::test]
async fn what_another_changed_while_it_was_waited_for_is_not_as_expected() {
    for (held, to, expected) in [("first", 5, [5, 0, 0, 0]), ("second", 5, [0, 5, 0, 0])] {
        let app = app().await;
        if !app.app.db.is_postgres() {
            return;
        }
        let other = Database::connect(app.database_url()).await.unwrap();
        let holder = other.begin().await.unwrap();
        holder.execute_unprepared(&format!("UPDATE {held} SET n = {to}")).await.unwrap();

        let db = app.app.db.clone();
        let raising = tokio::spawn(async move { raise_all(&db, [0, 0, 0]).await });
        until_one_waits(&app).await;
        holder.commit().await.unwrap();

        assert!(!raising.await.unwrap(), "{held}");
        assert_eq!(stand(&app).await, expected, "{held}");
        other.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_row_that_was_held_and_is_as_expected_is_changed() {
    for held in ["first", "second", "third"] {
        let app = app().await;
        if !app.app.db.is_postgres() {
            return;
        }
        let other = Database::connect(app.database_url()).await.unwrap();
        let holder = other.begin().await.unwrap();
        // A new version of the row, which says the same.
        holder.execute_unprepared(&format!("UPDATE {held} SET n = n")).await.unwrap();

        let db = app.app.db.clone();
        let raising = tokio::spawn(async move { raise_all(&db, [0, 0, 0]).await });
        until_one_waits(&app).await;
        // What comes later in turn is not locked yet.
        let later = ["first", "second", "third"].into_iter().skip_while(|it| *it != held).skip(1);
        let looker = other.begin().await.unwrap();
        for table in later {
            let lock = format!("SELECT n FROM {table} FOR UPDATE NOWAIT");
            looker
                .execute_unprepared(&lock)
                .await
                .unwrap_or_else(|error| panic!("{table}: {error}"));
        }
        looker.rollback().await.unwrap();
        holder.commit().await.unwrap();

        assert!(raising.await.unwrap(), "{held}");
        assert_eq!(stand(&app).await, [1, 1, 1, 1], "{held}");
        other.close().await.unwrap();
    }
}

/// Waits until somebody waits for a lock on the database of this server.
async fn until_one_waits(app: &TestApp) {
    let waiting = "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND \
                   datname = current_database()";
    while app.number(waiting).await == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
