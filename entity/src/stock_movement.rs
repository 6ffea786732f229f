//! The ledger: one row for each change of a stock level. Append-only.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "stock_movement")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub level_id: Uuid,
    /// RECEIPT, SALE, RETURN, ADJUSTMENT, RESERVATION, RELEASE, TRANSFER_IN or TRANSFER_OUT.
    pub kind: String,
    pub on_hand_change: i64,
    pub reserved_change: i64,
    pub on_hand_after: i64,
    pub reserved_after: i64,
    /// The level's version after the change.
    pub version: i64,
    pub reference_id: Option<String>,
    pub note: Option<String>,
    /// Who did it; None for the system and for a program.
    pub actor_id: Option<Uuid>,
    /// The API token of the program that did it; None for accounts and the system.
    pub api_token_id: Option<Uuid>,
    pub created_at: DateTimeUtc,
    #[sea_orm(belongs_to, from = "level_id", to = "id")]
    pub level: BelongsTo<super::stock_level::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
