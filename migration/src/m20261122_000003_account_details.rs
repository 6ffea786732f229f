//! What belongs to an account: addresses, the tokens of mailed links, the ends of its life; and the
//! counters that slow down who guesses.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run_all(
            manager,
            &[
                "ALTER TABLE user_account ADD COLUMN name_key {bytewise} NOT NULL DEFAULT ''",
                "UPDATE user_account SET name_key = lower(name)",
                "ALTER TABLE user_account ADD COLUMN deactivated_at {timestamp}",
                "ALTER TABLE user_account ADD COLUMN erased_at {timestamp}",
                // What the lists of administrators are sorted by.
                "CREATE INDEX user_account_name_idx ON user_account (name_key, id)",
                "CREATE INDEX user_account_created_idx ON user_account (created_at, id)",
                // There is always one left; finding them must not read every account.
                "CREATE INDEX user_account_admin_idx ON user_account (id) WHERE role = 'ADMIN'",
                "CREATE TABLE address (
                    id {uuid} NOT NULL PRIMARY KEY,
                    user_id {uuid} NOT NULL,
                    name text NOT NULL,
                    line1 text NOT NULL,
                    line2 text,
                    city text NOT NULL,
                    region text,
                    postal_code text NOT NULL,
                    country text NOT NULL,
                    is_default_shipping boolean NOT NULL,
                    is_default_billing boolean NOT NULL,
                    created_at {timestamp} NOT NULL,
                    updated_at {timestamp} NOT NULL,
                    CONSTRAINT address_user_fkey
                        FOREIGN KEY (user_id) REFERENCES user_account (id),
                    CONSTRAINT address_country_check CHECK (length(country) = 2)
                )",
                "CREATE INDEX address_user_idx ON address (user_id, id)",
                "CREATE UNIQUE INDEX address_default_shipping_key ON address (user_id)
                    WHERE is_default_shipping",
                "CREATE UNIQUE INDEX address_default_billing_key ON address (user_id)
                    WHERE is_default_billing",
                "CREATE TABLE account_token (
                    id {uuid} NOT NULL PRIMARY KEY,
                    user_id {uuid} NOT NULL,
                    purpose text NOT NULL,
                    token_hash {bytes} NOT NULL,
                    email text NOT NULL,
                    created_at {timestamp} NOT NULL,
                    expires_at {timestamp} NOT NULL,
                    used_at {timestamp},
                    CONSTRAINT account_token_hash_key UNIQUE (token_hash),
                    CONSTRAINT account_token_user_fkey
                        FOREIGN KEY (user_id) REFERENCES user_account (id),
                    CONSTRAINT account_token_purpose_check
                        CHECK (purpose IN ('VERIFY_EMAIL', 'RESET_PASSWORD', 'CHANGE_EMAIL'))
                )",
                "CREATE INDEX account_token_user_idx ON account_token (user_id, purpose)",
                "CREATE INDEX account_token_expires_idx ON account_token (expires_at)",
                "CREATE TABLE throttle (
                    key text NOT NULL PRIMARY KEY,
                    attempts integer NOT NULL,
                    tried_at {timestamp} NOT NULL,
                    next_at {timestamp} NOT NULL,
                    ends_at {timestamp} NOT NULL,
                    CONSTRAINT throttle_attempts_check CHECK (attempts >= 0)
                )",
                "CREATE INDEX throttle_ends_idx ON throttle (ends_at)",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run_all(
            manager,
            &[
                "DROP TABLE throttle",
                "DROP TABLE account_token",
                "DROP TABLE address",
                "DROP INDEX user_account_admin_idx",
                "DROP INDEX user_account_created_idx",
                "DROP INDEX user_account_name_idx",
                "ALTER TABLE user_account DROP COLUMN erased_at",
                "ALTER TABLE user_account DROP COLUMN deactivated_at",
                "ALTER TABLE user_account DROP COLUMN name_key",
            ],
        )
        .await
    }
}
