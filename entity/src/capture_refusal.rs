//! A capture that was refused, or that the provider could not be asked for: nothing was taken.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "capture_refusal")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub payment_id: Uuid,
    /// Which try it was, as the payment's row counted then.
    #[sea_orm(primary_key, auto_increment = false)]
    pub step: i32,
    /// Why the provider refused; None when it could not be asked.
    pub failure_code: Option<String>,
    /// When another try may help; None when the provider refused.
    pub retry_after_seconds: Option<i32>,
    pub refused_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
