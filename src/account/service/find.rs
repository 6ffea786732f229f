//! Accounts by their keys.

use crate::account::{AccountError, Accounts, User};
use crate::auth::{Permission, Viewer};
use entity::user_account::{Column, Entity, Model};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryTrait};
use std::collections::HashMap;
use uuid::Uuid;

impl Accounts {
    /// Accounts by key: one's own, and with [`Permission::AccountRead`] every one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_many(
        &self,
        viewer: &Viewer,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, User>, AccountError> {
        let all = viewer.can(Permission::AccountRead);
        let visible: Vec<Uuid> =
            ids.iter().copied().filter(|id| all || viewer.user_id() == Some(*id)).collect();
        if visible.is_empty() {
            return Ok(HashMap::new());
        }
        let query = Entity::find().filter(Column::Id.is_in(visible)).into_query();
        let models = self.db.all::<Model>(&query).await?;
        Ok(models.into_iter().map(|model| (model.id, model.into())).collect())
    }
}
