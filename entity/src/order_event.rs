//! One change of an order; append-only.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "order_event")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub order_id: Uuid,
    /// The order's version after the change.
    pub version: i64,
    #[sea_orm(column_name = "type")]
    pub kind: String,
    /// None for the first one.
    pub from_status: Option<String>,
    pub to_status: String,
    /// Who did it; None: a guest, a program or the server.
    pub actor_id: Option<Uuid>,
    pub api_token_id: Option<Uuid>,
    /// What was taken with the change, in minor units of the order's currency.
    pub paid: i64,
    /// What went back with the change, in minor units of the order's currency.
    pub refunded: i64,
    pub data: Json,
    /// The id of the request or job that it was done in.
    pub correlation_id: Option<String>,
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
