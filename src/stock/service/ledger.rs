//! The ledger: a line for each change of a level, written in the transaction of the change.

use crate::auth::Viewer;
use crate::db::Tx;
use crate::stock::service::note_conflict;
use crate::stock::{Level, MovementKind};
use entity::stock_movement::{Column, Entity};
use sea_orm::sea_query::{Expr, Query};
use uuid::Uuid;

/// A change of one level, for the ledger.
pub(super) struct LedgerLine<'a> {
    pub(super) level_id: Uuid,
    pub(super) kind: MovementKind,
    pub(super) on_hand_change: i64,
    pub(super) reserved_change: i64,
    pub(super) on_hand_after: i64,
    pub(super) reserved_after: i64,
    pub(super) version: i64,
    pub(super) reference_id: Option<&'a str>,
    pub(super) note: Option<&'a str>,
    pub(super) actor_id: Option<Uuid>,
    pub(super) api_token_id: Option<Uuid>,
}

impl<'a> LedgerLine<'a> {
    /// A change that left `level` as it is now.
    pub(super) fn of(
        level: &Level,
        kind: MovementKind,
        on_hand_change: i64,
        reserved_change: i64,
    ) -> Self {
        Self {
            level_id: level.id,
            kind,
            on_hand_change,
            reserved_change,
            on_hand_after: level.on_hand,
            reserved_after: level.reserved,
            version: level.version,
            reference_id: None,
            note: None,
            actor_id: None,
            api_token_id: None,
        }
    }

    pub(super) fn reference(mut self, reference_id: Option<&'a str>) -> Self {
        self.reference_id = reference_id;
        self
    }

    /// Whoever asked for it: an account or a program; nobody for guests and the system.
    pub(super) fn by(mut self, viewer: &Viewer) -> Self {
        self.actor_id = viewer.user_id();
        self.api_token_id = viewer.api_token_id();
        self
    }
}

/// Rows of one INSERT at most: SQLite allows 32,766 parameters.
const LEDGER_CHUNK: usize = 1_000;

/// Has the ledger written with the transaction's other last writes; gives the keys of the movements in the order of the lines.
pub(super) fn record_in_txn(tx: &Tx, lines: &[LedgerLine<'_>]) -> Vec<Uuid> {
    let ids: Vec<Uuid> = lines.iter().map(|_| Uuid::now_v7()).collect();
    let rows: Vec<_> = ids.iter().zip(lines).collect();
    for chunk in rows.chunks(LEDGER_CHUNK) {
        let mut insert = Query::insert();
        insert.into_table(Entity).columns([
            Column::Id,
            Column::LevelId,
            Column::Kind,
            Column::OnHandChange,
            Column::ReservedChange,
            Column::OnHandAfter,
            Column::ReservedAfter,
            Column::Version,
            Column::ReferenceId,
            Column::Note,
            Column::ActorId,
            Column::ApiTokenId,
            Column::CreatedAt,
        ]);
        for (id, line) in chunk {
            insert.values_panic([
                Expr::value(**id),
                Expr::value(line.level_id),
                Expr::value(line.kind.as_str()),
                Expr::value(line.on_hand_change),
                Expr::value(line.reserved_change),
                Expr::value(line.on_hand_after),
                Expr::value(line.reserved_after),
                Expr::value(line.version),
                Expr::value(line.reference_id),
                Expr::value(line.note),
                Expr::value(line.actor_id),
                Expr::value(line.api_token_id),
                tx.db().now_sql(),
            ]);
        }
        tx.later_or(Entity, insert, chunk.len(), note_conflict);
    }
    ids
}
