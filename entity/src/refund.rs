//! Money of a payment that goes back.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "refund")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub payment_id: Uuid,
    /// Names the refund among those of its payment: asked for twice, it is one.
    pub key: String,
    pub amount: i64,
    /// PENDING, UNKNOWN, SUCCEEDED or FAILED.
    pub state: String,
    pub reason: Option<String>,
    pub provider_reference: Option<String>,
    pub failure_code: Option<String>,
    /// Until then whoever works on it is left alone; None when it is decided.
    pub lease_until: Option<DateTimeUtc>,
    /// How often its fate was asked for.
    pub attempts: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    /// Whether its goods go back on the shelf, when it comes to be.
    pub restock: bool,
    /// Which try it is of those that the shop makes by itself; 0 when somebody asked for it.
    pub turn: i32,
    /// When the shop tries again by itself, after it was refused; None when it does not.
    pub retry_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
