//! The database's schema, as a list of steps that run in order on SQLite and on Postgres.
//!
//! Steps are written as SQL with a few type words (`{uuid}`, `{timestamp}`, `{json}` …) that differ
//! between the two, because CHECK, UNIQUE and FOREIGN KEY constraints carry names here: the server
//! maps the names to answers.

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::prelude::{DbErr, MigrationTrait, SchemaManager};
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

mod m20261121_000001_account;
mod m20261121_000002_catalog;
mod m20261121_000003_search;
mod m20261121_000004_stock;
mod m20261121_000005_idempotency;
mod m20261121_000006_default_warehouse;
mod m20261122_000001_job;
mod m20261122_000002_session;
mod m20261122_000003_account_details;
mod m20261122_000004_api_token;
mod m20261122_000005_audit;
mod m20261122_000006_cart;
mod m20261122_000007_order;
mod m20261122_000008_payment;
mod m20261122_000009_outbox;
mod m20261122_000010_money;
mod m20261122_000010_privacy;
mod m20261122_000011_goods;
mod m20261122_000012_flash_sale;
mod m20261122_000013_courier;
mod m20261122_000015_order_stats;
mod m20261122_000016_metrics;
mod m20261122_000016_payment_stats;
mod m20261122_000017_alerts;
mod m20261122_000018_watching;
mod m20261122_000019_metric_flush;
mod m20261122_000020_capture_refusal;
mod m20261123_000021_undelivered;

pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261121_000001_account::Migration),
            Box::new(m20261121_000002_catalog::Migration),
            Box::new(m20261121_000003_search::Migration),
            Box::new(m20261121_000004_stock::Migration),
            Box::new(m20261121_000005_idempotency::Migration),
            Box::new(m20261121_000006_default_warehouse::Migration),
            Box::new(m20261122_000001_job::Migration),
            Box::new(m20261122_000002_session::Migration),
            Box::new(m20261122_000003_account_details::Migration),
            Box::new(m20261122_000004_api_token::Migration),
            Box::new(m20261122_000005_audit::Migration),
            Box::new(m20261122_000006_cart::Migration),
            Box::new(m20261122_000007_order::Migration),
            Box::new(m20261122_000008_payment::Migration),
            Box::new(m20261122_000009_outbox::Migration),
            Box::new(m20261122_000010_privacy::Migration),
            Box::new(m20261122_000010_money::Migration),
            Box::new(m20261122_000011_goods::Migration),
            Box::new(m20261122_000012_flash_sale::Migration),
            Box::new(m20261122_000013_courier::Migration),
            Box::new(m20261122_000015_order_stats::Migration),
            Box::new(m20261122_000016_metrics::Migration),
            Box::new(m20261122_000016_payment_stats::Migration),
            Box::new(m20261122_000017_alerts::Migration),
            Box::new(m20261122_000018_watching::Migration),
            Box::new(m20261122_000019_metric_flush::Migration),
            Box::new(m20261122_000020_capture_refusal::Migration),
            Box::new(m20261123_000021_undelivered::Migration),
        ]
    }
}

/// Text that sorts by its bytes, as SQLite sorts all text, whatever the database's locale is.
const BYTEWISE: (&str, &str) = ("{bytewise}", "text COLLATE \"C\"");

/// Runs one statement, its type words replaced by those of the database in use.
pub(crate) async fn run(manager: &SchemaManager<'_>, sql: &str) -> Result<(), DbErr> {
    let words = match manager.get_database_backend() {
        DbBackend::Postgres => {
            [("{uuid}", "uuid"), ("{timestamp}", "timestamptz"), ("{json}", "jsonb"), BYTEWISE]
        }
        _ => [
            ("{uuid}", "uuid_blob"),
            ("{timestamp}", "text"),
            ("{json}", "text"),
            ("{bytewise}", "text"),
        ],
    };
    let sql = words.iter().fold(sql.to_owned(), |sql, (word, native)| sql.replace(word, native));
    let sql = sql.replace(
        "{bytes}",
        match manager.get_database_backend() {
            DbBackend::Postgres => "bytea",
            _ => "blob",
        },
    );
    manager.get_connection().execute_unprepared(&sql).await?;
    Ok(())
}

/// Runs each statement in turn.
pub(crate) async fn run_all(manager: &SchemaManager<'_>, statements: &[&str]) -> Result<(), DbErr> {
    for sql in statements {
        run(manager, sql).await?;
    }
    Ok(())
}
