//! Who did what: the audit log, and which program moved stock.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run_all(manager, &STEPS).await?;
        match manager.get_database_backend() {
            DbBackend::Postgres => crate::run_all(manager, &POSTGRES_APPEND_ONLY).await,
            _ => crate::run_all(manager, &SQLITE_APPEND_ONLY).await,
        }
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run_all(
            manager,
            &["ALTER TABLE stock_movement DROP COLUMN api_token_id", "DROP TABLE audit_event"],
        )
        .await?;
        match manager.get_database_backend() {
            DbBackend::Postgres => {
                crate::run(manager, "DROP FUNCTION audit_event_append_only()").await
            }
            _ => Ok(()),
        }
    }
}

const STEPS: [&str; 6] = [
    // `subject_id` names a row of whichever table `subject_kind` says. Neither the kinds nor the
    // actions are listed here: each domain adds its own.
    "CREATE TABLE audit_event (
        id {uuid} NOT NULL PRIMARY KEY,
        action text NOT NULL,
        actor_kind text NOT NULL,
        user_id {uuid},
        api_token_id {uuid},
        subject_kind text NOT NULL,
        subject_id {uuid} NOT NULL,
        old_value {json},
        new_value {json},
        request_id text,
        created_at {timestamp} NOT NULL,
        CONSTRAINT audit_event_user_fkey FOREIGN KEY (user_id) REFERENCES user_account (id),
        CONSTRAINT audit_event_api_token_fkey
            FOREIGN KEY (api_token_id) REFERENCES api_token (id),
        CONSTRAINT audit_event_actor_check CHECK (
            actor_kind IN ('USER', 'API_TOKEN', 'GUEST', 'SYSTEM')
            AND (user_id IS NOT NULL) = (actor_kind = 'USER')
            AND (api_token_id IS NOT NULL) = (actor_kind = 'API_TOKEN')),
        CONSTRAINT audit_event_request_check CHECK (length(request_id) <= 64)
    )",
    "CREATE INDEX audit_event_subject_idx ON audit_event (subject_id, id)",
    "CREATE INDEX audit_event_user_idx ON audit_event (user_id, id) WHERE user_id IS NOT NULL",
    "CREATE INDEX audit_event_api_token_idx ON audit_event (api_token_id, id)
        WHERE api_token_id IS NOT NULL",
    "CREATE INDEX audit_event_action_idx ON audit_event (action, id)",
    "ALTER TABLE stock_movement ADD COLUMN api_token_id {uuid}
        CONSTRAINT stock_movement_api_token_fkey REFERENCES api_token (id)
        CONSTRAINT stock_movement_one_actor_check CHECK (actor_id IS NULL OR api_token_id IS NULL)",
];

const POSTGRES_APPEND_ONLY: [&str; 3] = [
    "CREATE FUNCTION audit_event_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'audit_event is append-only' USING ERRCODE = 'integrity_constraint_violation'; END
    $$",
    "CREATE TRIGGER audit_event_append_only BEFORE UPDATE OR DELETE ON audit_event
        FOR EACH ROW EXECUTE FUNCTION audit_event_append_only()",
    "CREATE TRIGGER audit_event_no_truncate BEFORE TRUNCATE ON audit_event
        FOR EACH STATEMENT EXECUTE FUNCTION audit_event_append_only()",
];

const SQLITE_APPEND_ONLY: [&str; 2] = [
    "CREATE TRIGGER audit_event_no_update BEFORE UPDATE ON audit_event
        BEGIN SELECT RAISE(ABORT, 'audit_event is append-only'); END",
    "CREATE TRIGGER audit_event_no_delete BEFORE DELETE ON audit_event
        BEGIN SELECT RAISE(ABORT, 'audit_event is append-only'); END",
];
