//! Changes of which each is made only where the one before touched a row.

use crate::app::TestApp;
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Query, UpdateStatement};
use sea_orm::{ConnectionTrait, Database, TransactionTrait};
use std::time::Duration;
use stockroom::db::{Db, DbError};

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

/// Raises all three in turn, with a row beside; rolls back when the last one touched nothing. Tells how
/// many it touched.
async fn raise_all(db: &Db, from: [i64; 3]) -> u64 {
    let raising = db.tx::<u64, Given, _, _>(|tx| async move {
        let mut insert = Query::insert();
        insert.into_table(Alias::new("beside")).columns([Alias::new("n")]);
        insert.values_panic([Expr::value(1_i64)]);
        tx.later(insert, 1);
        let [first, second, third] = from;
        let changes = vec![raise("first", first), raise("second", second), raise("third", third)];
        match tx.run_last_in_turn(changes).await? {
            0 => Err(Given::Up),
            touched => Ok(touched),
        }
    });
    match raising.await {
        Ok(touched) => touched,
        Err(Given::Up) => 0,
        Err(Given::Failed(error)) => panic!("{error}"),
    }
}

enum Given {
    Up,
    Failed(DbError),
}

impl From<DbError> for Given {
    fn from(error: DbError) -> Self {
        Self::Failed(error)
    }
}

impl stockroom::db::TxError for Given {
    fn db_error(&self) -> Option<&DbError> {
        match self {
            Self::Up => None,
            Self::Failed(error) => Some(error),
        }
    }
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

    assert_eq!(raise_all(db, [0, 0, 0]).await, 1);
    assert_eq!(stand(&app).await, [1, 1, 1, 1]);

    for wrong in [[9, 1, 1], [1, 9, 1], [1, 1, 9]] {
        assert_eq!(raise_all(db, wrong).await, 0, "{wrong:?}");
        assert_eq!(stand(&app).await, [1, 1, 1, 1], "{wrong:?}");
    }
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

        assert_eq!(raising.await.unwrap(), 0, "{held}");
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

        assert_eq!(raising.await.unwrap(), 1, "{held}");
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
