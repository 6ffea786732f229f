//! A postal address in an account's address book.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "address")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub user_id: Uuid,
    /// Who receives there.
    pub name: String,
    pub line1: String,
    pub line2: Option<String>,
    pub city: String,
    pub region: Option<String>,
    /// Empty where the country has none.
    pub postal_code: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// One of an account at most.
    pub is_default_shipping: bool,
    /// One of an account at most.
    pub is_default_billing: bool,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
