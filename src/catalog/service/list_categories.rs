//! Pages of categories: of the whole tree and of many categories' children at once.

use crate::catalog::service::Catalog;
use crate::catalog::service::nested::of_each;
use crate::catalog::service::pages::{check_cursors, number, pages};
use crate::catalog::service::rows::{OfParent, PARENT};
use crate::catalog::{CatalogError, Category};
use crate::db::page::{CursorKey, Keyset, Page, Window};
use entity::category;
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, Query, SimpleExpr};
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

impl Catalog {
    /// A page of all categories, or of one category's children.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_categories(
        &self,
        parent: Option<Uuid>,
        window: &Window,
    ) -> Result<Page<Arc<Category>>, CatalogError> {
        check_cursors(window, |cursor| cursor.key == CursorKey::Id)?;
        let mut select = Query::select();
        select
            .column((category::Entity, Asterisk))
            .from(category::Entity)
            .and_where_option(parent.map(|parent| column(category::Column::ParentId).eq(parent)));
        keyset().apply(&mut select, window);
        let rows = self.db.all::<category::Model>(&select).await?;
        Ok(Page::cut(rows.into_iter().map(|model| Arc::new(model.into())).collect(), window))
    }

    /// How many categories there are, or how many children one has.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_categories(&self, parent: Option<Uuid>) -> Result<u64, CatalogError> {
        let mut select = Query::select();
        select
            .expr_as(column(category::Column::Id).count(), "count")
            .from(category::Entity)
            .and_where_option(parent.map(|parent| column(category::Column::ParentId).eq(parent)));
        Ok(number(self.db.one(&select).await?))
    }

    /// For each category a page of its children.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_children_of(
        &self,
        parents: &[Uuid],
        window: &Window,
    ) -> Result<HashMap<Uuid, Page<Arc<Category>>>, CatalogError> {
        check_cursors(window, |cursor| cursor.key == CursorKey::Id)?;
        let limited = |parent: SimpleExpr| {
            let mut select = Query::select();
            select
                .column((category::Entity, Asterisk))
                .from(category::Entity)
                .and_where(column(category::Column::ParentId).eq(parent));
            keyset().apply(&mut select, window);
            select
        };
        let parents = (parents, category::Entity);
        let mut rows: Vec<OfParent<category::Model>> = Vec::new();
        for select in of_each(&self.db, parents, category::Entity, limited) {
            rows.append(&mut self.db.all(&select).await?);
        }
        let rows = rows.into_iter().map(|of| (of.parent, Arc::new(Category::from(of.row))));
        Ok(pages(rows, window, false, |category| category.place()))
    }

    /// For each category the number of its children.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_children_of(
        &self,
        parents: &[Uuid],
    ) -> Result<HashMap<Uuid, u64>, CatalogError> {
        let parent = (category::Entity, category::Column::ParentId);
        let mut select = Query::select();
        select
            .expr_as(Expr::col(parent), PARENT)
            .expr_as(column(category::Column::Id).count(), "count")
            .from(category::Entity)
            .group_by_columns([parent]);
        self.counts(select, Expr::col(parent), parents).await
    }
}

fn column(column: category::Column) -> SimpleExpr {
    Expr::col((category::Entity, column))
}

/// Categories stand in the order of their creation.
fn keyset() -> Keyset {
    Keyset { key: None, id: column(category::Column::Id), descending: false }
}
