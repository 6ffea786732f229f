//! Tokens of programs that call the shop in their own name.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run_all(
            manager,
            &[
                "CREATE TABLE api_token (
                    id {uuid} NOT NULL PRIMARY KEY,
                    name text NOT NULL,
                    token_hash {bytes} NOT NULL,
                    prefix text NOT NULL,
                    permissions {json} NOT NULL,
                    created_by_id {uuid} NULL,
                    created_at {timestamp} NOT NULL,
                    expires_at {timestamp} NULL,
                    last_used_at {timestamp} NULL,
                    revoked_at {timestamp} NULL,
                    CONSTRAINT api_token_hash_key UNIQUE (token_hash),
                    CONSTRAINT api_token_created_by_fkey FOREIGN KEY (created_by_id)
                        REFERENCES user_account (id) ON DELETE SET NULL,
                    CONSTRAINT api_token_name_check CHECK (length(name) BETWEEN 1 AND 100)
                )",
                "CREATE INDEX api_token_created_by_idx ON api_token (created_by_id)",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(manager, "DROP TABLE api_token").await
    }
}
