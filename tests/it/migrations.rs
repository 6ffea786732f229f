//! The steps of the database's schema, taken back and taken again.

use crate::app::TestApp;
use migration::{Migrator, MigratorTrait};
use stockroom::auth::Role;
use stockroom::db::DbError;

#[tokio::test]
async fn every_step_can_be_taken_back_and_taken_again() {
    let app = TestApp::start().await;
    let taken_back: Result<(), DbError> =
        app.app.db.tx(|tx| async move { Ok(Migrator::down(tx.connection(), None).await?) }).await;
    taken_back.unwrap();
    let left = match app.app.db.is_postgres() {
        true => "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'",
        false => {
            "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        }
    };
    assert_eq!(app.number(left).await, 1, "the migrator's own");

    let taken = app.app.migrate().await.unwrap();

    assert_eq!(taken.len(), Migrator::migrations().len());
    app.account(Role::Customer).await;
}

#[tokio::test]
async fn a_database_of_a_newer_release_is_left_alone_and_says_so() {
    let app = TestApp::start().await;
    let later = "m29990101_000001_later";
    let step = format!("INSERT INTO seaql_migrations (version, applied_at) VALUES ('{later}', 0)");
    app.execute(&step).await;

    let error = format!("{:#}", app.app.migrate().await.unwrap_err());

    assert!(error.contains("a newer release"), "{error}");
    assert!(error.contains(later), "{error}");
}
