//! What a provider told of a payment; each event once.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payment_event")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub provider: String,
    /// The provider's own id of the event.
    pub event_id: String,
    pub payment_id: Uuid,
    pub kind: String,
    pub said: Json,
    pub received_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
