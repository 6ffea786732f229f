//! Something that those who run the shop should look at. One of a rule and a subject is unresolved
//! at most.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "alert")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub rule: String,
    /// The SKU, component or provider; empty: the whole shop.
    pub subject: String,
    /// WARNING or CRITICAL.
    pub severity: String,
    /// OPEN, ACKNOWLEDGED or RESOLVED.
    pub status: String,
    pub message: String,
    pub threshold: String,
    pub measured: String,
    /// Rises with each change of status.
    pub version: i64,
    /// Since when there has been no more reason for it.
    pub quiet_since: Option<DateTimeUtc>,
    pub raised_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub acknowledged_at: Option<DateTimeUtc>,
    /// The account; None also when a program did it.
    pub acknowledged_by: Option<Uuid>,
    pub note: Option<String>,
    pub resolved_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
