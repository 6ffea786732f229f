//! How a component is for the whole shop, as far as was written.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "component_state")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub component: String,
    pub status: String,
    /// When it became so.
    pub since: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
