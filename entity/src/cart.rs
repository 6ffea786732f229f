//! What someone means to buy.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "cart")]
pub struct Model {
    /// 128 random bits: a guest's secret.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is; None: the guest's who knows the key.
    pub customer_id: Option<Uuid>,
    /// ISO 4217 code.
    pub currency: String,
    /// OPEN, COMPLETED or MERGED.
    pub status: String,
    /// Where the goods go: an ISO 3166-1 code; None while it is not known.
    pub country: Option<String>,
    pub region: Option<String>,
    pub postal_code: Option<String>,
    /// The code of a shipping method, which may be gone.
    pub shipping_method: Option<String>,
    /// The order that a COMPLETED cart became.
    pub order_id: Option<Uuid>,
    /// The cart that has the lines of a MERGED one.
    pub merged_into: Option<Uuid>,
    pub version: i64,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    /// From then on it is not there any more.
    pub expires_at: DateTimeUtc,
    #[sea_orm(has_many)]
    pub lines: HasMany<super::cart_line::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
