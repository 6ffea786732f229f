//! Lets the database tell the two indexes of undelivered events apart. With the same condition on
//! both, and hardly an event undelivered when it last looked, Postgres took the one in order of
//! writing to look for the earlier events of an aggregate, and walked through all that waited, for
//! each of them.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run_all(manager, &[DROP, DUE]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run_all(manager, &[DROP, DUE_BEFORE]).await
    }
}

const DROP: &str = "DROP INDEX outbox_due_idx";
// True of every row: a question that does not say so cannot use this index.
const DUE: &str = "CREATE INDEX outbox_due_idx ON outbox (id)
    WHERE status IN ('PENDING', 'INFLIGHT') AND id > 0";
const DUE_BEFORE: &str =
    "CREATE INDEX outbox_due_idx ON outbox (id) WHERE status IN ('PENDING', 'INFLIGHT')";
