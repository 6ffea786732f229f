//! One attempt to pay for an order. Amounts are minor units of its currency.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payment")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub order_id: Uuid,
    /// The order's number, which the provider shows to the payer.
    pub order_number: String,
    pub provider: String,
    pub method: String,
    pub currency: String,
    pub amount: i64,
    /// Whether the money is taken as soon as it is authorized.
    pub capture_at_once: bool,
    /// Where it stands, by the table of states.
    pub state: String,
    pub authorized: i64,
    /// What the capture that is under way asks for; otherwise 0.
    pub capturing: i64,
    pub captured: i64,
    pub refunded: i64,
    /// What refunds that are under way ask for.
    pub refund_pending: i64,
    /// Tells the tries of captures and voids apart in the provider's keys.
    pub step: i32,
    pub provider_reference: Option<String>,
    pub failure_code: Option<String>,
    pub retry_after_seconds: Option<i32>,
    pub next_action: Option<Json>,
    /// Until then whoever works on it is left alone; None when nothing is open.
    pub lease_until: Option<DateTimeUtc>,
    /// How often its fate was asked for.
    pub attempts: i32,
    pub version: i64,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    /// What the last capture was asked for; None when none was, or all of it.
    pub capture_asked: Option<i64>,
    /// Why it was let go, in the words of who asked.
    pub void_reason: Option<String>,
    /// How it was decided, when it was: `succeeded`, `declined` or `failed`.
    pub decided_as: Option<String>,
    /// When it was decided first.
    pub decided_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
