//! Who did what to whom or to what: one row for each act that has to be answered for. Append-only.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_event")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// What was done, such as USER_ROLE_SET.
    pub action: String,
    /// USER, API_TOKEN, GUEST or SYSTEM.
    pub actor_kind: String,
    /// The account that did it.
    pub user_id: Option<Uuid>,
    /// The token of the program that did it.
    pub api_token_id: Option<Uuid>,
    /// What kind of thing it was done to, such as USER.
    pub subject_kind: String,
    pub subject_id: Uuid,
    /// What was there before.
    pub old_value: Option<Json>,
    /// What is there since.
    pub new_value: Option<Json>,
    /// The request that asked for it; None for the command line and background work.
    pub request_id: Option<String>,
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
