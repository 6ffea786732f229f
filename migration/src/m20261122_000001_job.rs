//! Work that is done apart from the request that asked for it, and who does it.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run_all(
            manager,
            &[
                // `run_at` is when a queued job may begin, and when the lease of a running one ends.
                "CREATE TABLE job (
                    id {uuid} NOT NULL PRIMARY KEY,
                    queue text NOT NULL,
                    kind text NOT NULL,
                    args {json} NOT NULL,
                    dedupe text,
                    status text NOT NULL,
                    attempts integer NOT NULL,
                    max_attempts integer NOT NULL,
                    run_at {timestamp} NOT NULL,
                    token bigint NOT NULL,
                    error text,
                    created_at {timestamp} NOT NULL,
                    finished_at {timestamp},
                    CONSTRAINT job_dedupe_key UNIQUE (dedupe),
                    CONSTRAINT job_status_check
                        CHECK (status IN ('queued', 'running', 'done', 'dead')),
                    CONSTRAINT job_attempts_check
                        CHECK (attempts >= 0 AND attempts <= max_attempts),
                    CONSTRAINT job_max_attempts_check CHECK (max_attempts BETWEEN 1 AND 100),
                    CONSTRAINT job_token_check CHECK (token >= 0),
                    CONSTRAINT job_finished_check
                        CHECK ((finished_at IS NOT NULL) = (status IN ('done', 'dead')))
                )",
                "CREATE INDEX job_due_idx ON job (queue, run_at)
                    WHERE status IN ('queued', 'running')",
                "CREATE INDEX job_finished_idx ON job (status, finished_at)
                    WHERE finished_at IS NOT NULL",
                // Who takes jobs, and when it was last seen to.
                "CREATE TABLE job_worker (
                    id {uuid} NOT NULL PRIMARY KEY,
                    seen_at {timestamp} NOT NULL
                )",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run_all(manager, &["DROP TABLE job_worker", "DROP TABLE job"]).await
    }
}
