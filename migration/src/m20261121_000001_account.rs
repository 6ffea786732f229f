//! People who can sign in.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run_all(
            manager,
            &["CREATE TABLE user_account (
                id {uuid} NOT NULL PRIMARY KEY,
                email text NOT NULL,
                email_key text NOT NULL,
                name text NOT NULL,
                password_hash text NOT NULL,
                role text NOT NULL,
                email_verified boolean NOT NULL DEFAULT FALSE,
                active boolean NOT NULL DEFAULT TRUE,
                created_at {timestamp} NOT NULL,
                updated_at {timestamp} NOT NULL,
                CONSTRAINT user_account_email_key UNIQUE (email_key),
                CONSTRAINT user_account_role_check CHECK (role IN ('CUSTOMER', 'STAFF', 'ADMIN'))
            )"],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(manager, "DROP TABLE user_account").await
    }
}
