//! The sandbox's record of a charge. A foreign system: `payment_id` is what the shop calls it.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sandbox_charge")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    #[sea_orm(unique)]
    pub payment_id: Uuid,
    pub method: String,
    pub currency: String,
    pub amount: i64,
    pub capture_at_once: bool,
    /// PENDING, AUTHORIZED, CAPTURED, DECLINED or VOIDED.
    pub state: String,
    pub captured: i64,
    pub refunded: i64,
    pub decline_code: Option<String>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
