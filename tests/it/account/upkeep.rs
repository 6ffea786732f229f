//! What is done to accounts in the background.

use super::people::account;
use crate::app::TestApp;
use migration::{Migrator, MigratorTrait};
use stockroom::app::App;
use stockroom::auth::Role;
use stockroom::config::DatabaseTarget;
use stockroom::db::{Db, DbError};

/// More rows than go in one batch, or in two.
const MANY: i64 = 2_345;

/// `MANY` rows of one column, `n`.
fn numbers() -> String {
    format!(
        "(WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers \
         WHERE n < {MANY}) SELECT n FROM numbers) AS numbers"
    )
}

#[tokio::test]
async fn counters_and_links_that_are_past_are_forgotten_however_many_there_are() {
    let app = TestApp::start().await;
    account(&app, "ada@shop.example", Role::Customer).await;
    let (past, future) = ("'2020-01-01T00:00:00+00:00'", "'2999-01-01T00:00:00+00:00'");
    // Of 16 random bytes each, as ids are.
    let (id, hash) = match app.app.db.is_postgres() {
        true => ("gen_random_uuid()", "decode(replace(gen_random_uuid()::text, '-', ''), 'hex')"),
        false => ("randomblob(16)", "randomblob(16)"),
    };
    for (ends, limit) in [(past, MANY), (future, 3)] {
        app.execute(&format!(
            "INSERT INTO throttle (key, attempts, tried_at, next_at, ends_at) \
             SELECT {ends} || n, 1, {past}, {past}, {ends} FROM {} WHERE n <= {limit}",
            numbers()
        ))
        .await;
        app.execute(&format!(
            "INSERT INTO account_token \
             (id, user_id, purpose, token_hash, email, created_at, expires_at) \
             SELECT {id}, user_account.id, 'VERIFY_EMAIL', {hash}, 'ada@shop.example', {past}, \
             {ends} FROM user_account, {} WHERE n <= {limit}",
            numbers()
        ))
        .await;
    }

    let forgotten = app.app.services.accounts.purge().await.unwrap();

    assert_eq!(forgotten, 2 * u64::try_from(MANY).unwrap());
    for table in ["throttle", "account_token"] {
        assert_eq!(app.number(&format!("SELECT count(*) FROM {table}")).await, 3, "{table}");
    }
}

#[tokio::test]
async fn names_are_folded_as_new_ones_are_and_once() {
    let app = TestApp::start().await;
    for (email, name) in [("zoe@a.example", "Zoë Łukasz"), ("ada@a.example", "Ada")] {
        account(&app, email, Role::Customer).await;
        let (key, name) = (name.to_lowercase(), name);
        app.execute(&format!(
            "UPDATE user_account SET name = '{name}', name_key = '{key}' WHERE email = '{email}'"
        ))
        .await;
    }

    assert_eq!(app.app.services.accounts.fold_names().await.unwrap(), 1);

    let folded = "SELECT count(*) FROM user_account WHERE name_key IN ('zoe lukasz', 'ada')";
    assert_eq!(app.number(folded).await, 2);
    assert_eq!(app.app.services.accounts.fold_names().await.unwrap(), 0);
}

#[tokio::test]
async fn a_database_of_before_has_its_names_folded_after_the_migration() {
    let test = TestApp::start().await;
    let mut settings = test.app.settings.clone();
    let file = settings.data_dir.join("earlier.db");
    settings.database = DatabaseTarget::Sqlite(file.clone());
    let db = Db::open(&settings.database).await.unwrap();
    let steps = Migrator::migrations();
    let before = steps.iter().position(|step| step.name() == "m20261122_000010_privacy").unwrap();
    let prepared: Result<(), DbError> = db
        .tx(|tx| async move {
            use sea_orm::ConnectionTrait;
            let steps = u32::try_from(before).unwrap();
            Migrator::up(tx.connection(), Some(steps)).await?;
            // As the earlier step had left it: SQLite lowers the letters of ASCII alone.
            let insert = "INSERT INTO user_account (id, email, email_key, name, name_key, \
                password_hash, role, created_at, updated_at) VALUES (randomblob(16), \
                'zoe@a.example', 'zoe@a.example', 'ZOË', 'zoË', 'none', 'CUSTOMER', \
                '2026-01-01T00:00:00+00:00', '2026-01-01T00:00:00+00:00')";
            tx.connection().execute_unprepared(insert).await?;
            Ok(())
        })
        .await;
    prepared.unwrap();
    db.close().await;

    let app = App::build(settings).await.unwrap();
    app.migrate().await.unwrap();
    app.worker.run_due().await.unwrap();

    use sea_orm::EntityTrait;
    let account = entity::user_account::Entity::find().one(app.db.reader()).await.unwrap();
    assert_eq!(account.unwrap().name_key, "zoe");
    let jobs = entity::job::Entity::find().all(app.db.reader()).await.unwrap();
    let told: Vec<_> = jobs.iter().map(|job| (job.kind.as_str(), job.status.as_str())).collect();
    assert_eq!(told, [("account.names_fold", "done")]);
}
