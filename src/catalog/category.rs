//! A node of the category tree, as the rest of the program sees it.

use crate::cache::Cached;
use crate::db::Timestamp;
use crate::db::page::{Cursor, CursorKey};
use crate::events::EntityKind;
use entity::category;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A place in the tree that products are sorted into. Everybody may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Category {
    /// The key.
    pub id: Uuid,
    /// The category that this one belongs to; None for a root.
    pub parent_id: Option<Uuid>,
    /// The display name.
    pub name: String,
    /// The unique name for addresses of pages.
    pub slug: String,
    /// Rises with each change.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

impl Cached for Category {
    const KIND: EntityKind = EntityKind::Category;

    fn id(&self) -> Uuid {
        self.id
    }

    fn version(&self) -> i64 {
        self.version
    }
}

impl Category {
    /// Its place among all categories and among its siblings.
    #[must_use]
    pub fn place(&self) -> Cursor {
        Cursor { key: CursorKey::Id, id: self.id }
    }
}

impl From<category::Model> for Category {
    fn from(model: category::Model) -> Self {
        Self {
            id: model.id,
            parent_id: model.parent_id,
            name: model.name,
            slug: model.slug,
            version: model.version,
            created_at: model.created_at,
            updated_at: model.updated_at,
        }
    }
}
