//! Full-text search over products: tsvector and GIN on Postgres, FTS5 on SQLite.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        match manager.get_database_backend() {
            DbBackend::Postgres => crate::run_all(manager, &POSTGRES).await,
            _ => crate::run_all(manager, &SQLITE).await,
        }
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() != DbBackend::Postgres {
            crate::run(manager, "DROP TABLE product_search_index").await?;
        }
        crate::run(manager, "DROP TABLE product_search").await
    }
}

// The text is folded by the server before it is stored, hence the plain 'simple' configuration:
// both databases then find the same products.
const POSTGRES: [&str; 2] = [
    "CREATE TABLE product_search (
        id bigserial PRIMARY KEY,
        product_id uuid NOT NULL,
        title text NOT NULL,
        body text NOT NULL,
        document tsvector GENERATED ALWAYS AS (
            setweight(to_tsvector('simple', title), 'A') || setweight(to_tsvector('simple', body), 'D')
        ) STORED,
        CONSTRAINT product_search_product_key UNIQUE (product_id),
        CONSTRAINT product_search_product_fkey FOREIGN KEY (product_id)
            REFERENCES product (id) ON DELETE CASCADE
    )",
    "CREATE INDEX product_search_document_idx ON product_search USING gin (document)",
];

const SQLITE: [&str; 5] = [
    "CREATE TABLE product_search (
        id integer PRIMARY KEY AUTOINCREMENT,
        product_id {uuid} NOT NULL,
        title text NOT NULL,
        body text NOT NULL,
        CONSTRAINT product_search_product_key UNIQUE (product_id),
        CONSTRAINT product_search_product_fkey FOREIGN KEY (product_id)
            REFERENCES product (id) ON DELETE CASCADE
    )",
    "CREATE VIRTUAL TABLE product_search_index USING fts5 (
        title, body, content = 'product_search', content_rowid = 'id', tokenize = 'unicode61'
    )",
    "CREATE TRIGGER product_search_inserted AFTER INSERT ON product_search BEGIN
        INSERT INTO product_search_index (rowid, title, body) VALUES (new.id, new.title, new.body);
    END",
    "CREATE TRIGGER product_search_deleted AFTER DELETE ON product_search BEGIN
        INSERT INTO product_search_index (product_search_index, rowid, title, body)
            VALUES ('delete', old.id, old.title, old.body);
    END",
    "CREATE TRIGGER product_search_updated AFTER UPDATE ON product_search BEGIN
        INSERT INTO product_search_index (product_search_index, rowid, title, body)
            VALUES ('delete', old.id, old.title, old.body);
        INSERT INTO product_search_index (rowid, title, body) VALUES (new.id, new.title, new.body);
    END",
];
