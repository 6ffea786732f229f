//! What lets personal data be found and forgotten in time: whom a job is about, and an index for
//! refresh tokens that nobody can use any more. It also asks for names to be folded that an earlier
//! step had only put into lower case.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run_all(
            manager,
            &[
                "ALTER TABLE job ADD COLUMN subject text",
                "CREATE INDEX job_subject_idx ON job (subject) WHERE subject IS NOT NULL",
                // Spent tokens are kept as long as their session: only the others are looked for.
                "DROP INDEX refresh_token_issued_idx",
                "CREATE INDEX refresh_token_unspent_idx ON refresh_token (issued_at)
                    WHERE spent_at IS NULL",
            ],
        )
        .await?;
        let postgres = manager.get_database_backend() == DbBackend::Postgres;
        crate::run(manager, &ask_for_folding(postgres)).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run_all(
            manager,
            &[
                "DELETE FROM job WHERE kind = 'account.names_fold'",
                "DROP INDEX refresh_token_unspent_idx",
                "CREATE INDEX refresh_token_issued_idx ON refresh_token (issued_at)",
                "DROP INDEX job_subject_idx",
                "ALTER TABLE job DROP COLUMN subject",
            ],
        )
        .await
    }
}

/// A job, because how the program folds a name is not to be said again in SQL. In a database
/// without accounts there is nothing to do.
fn ask_for_folding(postgres: bool) -> String {
    let (id, now) = if postgres {
        ("'019c0d2e-0000-7000-8000-000000000006'", "now()")
    } else {
        ("X'019C0D2E000070008000000000000006'", "strftime('%Y-%m-%dT%H:%M:%f', 'now') || '+00:00'")
    };
    format!(
        "INSERT INTO job (id, queue, kind, args, status, attempts, max_attempts, run_at, token,
            created_at)
         SELECT {id}, 'default', 'account.names_fold', '{{}}', 'queued', 0, 5, {now}, 0, {now}
         WHERE EXISTS (SELECT 1 FROM user_account)"
    )
}
