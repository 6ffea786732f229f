//! Who is signed in where, and the refresh tokens that keep them signed in.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run_all(
            manager,
            &[
                "CREATE TABLE session (
                    id {uuid} NOT NULL PRIMARY KEY,
                    user_id {uuid} NOT NULL,
                    user_agent text,
                    created_at {timestamp} NOT NULL,
                    last_used_at {timestamp} NOT NULL,
                    expires_at {timestamp} NOT NULL,
                    revoked_at {timestamp},
                    CONSTRAINT session_user_fkey FOREIGN KEY (user_id)
                        REFERENCES user_account (id) ON DELETE CASCADE,
                    CONSTRAINT session_user_agent_check CHECK (length(user_agent) <= 200)
                )",
                "CREATE INDEX session_user_idx ON session (user_id)",
                "CREATE INDEX session_expires_idx ON session (expires_at)",
                "CREATE TABLE refresh_token (
                    hash {bytes} NOT NULL PRIMARY KEY,
                    session_id {uuid} NOT NULL,
                    issued_at {timestamp} NOT NULL,
                    spent_at {timestamp},
                    CONSTRAINT refresh_token_session_fkey FOREIGN KEY (session_id)
                        REFERENCES session (id) ON DELETE CASCADE,
                    CONSTRAINT refresh_token_hash_check CHECK (length(hash) = 32)
                )",
                "CREATE INDEX refresh_token_session_idx ON refresh_token (session_id, issued_at)",
                "CREATE INDEX refresh_token_issued_idx ON refresh_token (issued_at)",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run_all(manager, &["DROP TABLE refresh_token", "DROP TABLE session"]).await
    }
}
