//! Pages of products: of the whole shop and of many categories at once.

use crate::auth::Viewer;
use crate::catalog::service::Catalog;
use crate::catalog::service::filter::{found_by, in_category, keyset, shown};
use crate::catalog::service::nested::of_each;
use crate::catalog::service::pages::{check_cursors, number, pages};
use crate::catalog::service::rows::{OfParent, PARENT, shared};
use crate::catalog::{CatalogError, ListedProduct, ProductList};
use crate::db::page::{Page, Window};
use entity::{category, category_closure, product};
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, JoinType, Query, SelectStatement, SimpleExpr};
use std::collections::HashMap;
use uuid::Uuid;

impl Catalog {
    /// A page of a list of products, those that the viewer may see.
    ///
    /// # Errors
    /// [`CatalogError::BadArgument`] for a cursor that cannot be of this list.
    pub async fn list_products(
        &self,
        viewer: &Viewer,
        list: &ProductList,
        window: &Window,
    ) -> Result<Page<ListedProduct>, CatalogError> {
        check_cursors(window, |cursor| list.knows(&cursor.key))?;
        if let (Some(search), None) = (&list.search, list.sort) {
            return self.list_by_relevance(viewer, list, search, window).await;
        }
        let mut select = self.select_listed(viewer, list);
        select.column((product::Entity, Asterisk));
        keyset(list).apply(&mut select, window);
        let rows = self.db.all::<product::Model>(&select).await?;
        Ok(Page::cut(rows.into_iter().map(|model| listed(list, model)).collect(), window))
    }

    /// How many products a list has; of one by relevance at most its first 1,000 hits.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_products(
        &self,
        viewer: &Viewer,
        list: &ProductList,
    ) -> Result<u64, CatalogError> {
        if let (Some(search), None) = (&list.search, list.sort) {
            return self.count_hits(viewer, list, search).await;
        }
        let mut select = self.select_listed(viewer, list);
        select.expr_as(Expr::col((product::Entity, product::Column::Id)).count(), "count");
        Ok(number(self.db.one(&select).await?))
    }

    fn select_listed(&self, viewer: &Viewer, list: &ProductList) -> SelectStatement {
        let mut select = Query::select();
        select.from(product::Entity);
        for condition in shown(viewer, list) {
            select.and_where(condition);
        }
        select.and_where_option(list.search.as_ref().map(|search| found_by(&self.db, search)));
        select
    }

    /// For each category a page of its products and those of its descendants.
    ///
    /// # Errors
    /// [`CatalogError::BadArgument`] for a cursor that cannot be of this list.
    pub async fn list_products_of(
        &self,
        viewer: &Viewer,
        categories: &[Uuid],
        list: &ProductList,
        window: &Window,
    ) -> Result<HashMap<Uuid, Page<ListedProduct>>, CatalogError> {
        check_cursors(window, |cursor| list.knows(&cursor.key))?;
        let conditions = shown(viewer, list);
        let limited = |category: SimpleExpr| {
            let mut select = match self.db.is_postgres() {
                true => by_descendant(category, list, window, &conditions),
                false => whole_tree(category, &conditions),
            };
            select.column((product::Entity, Asterisk));
            keyset(list).apply(&mut select, window);
            select
        };
        let parents = (categories, category::Entity);
        let mut rows: Vec<OfParent<product::Model>> = Vec::new();
        for select in of_each(&self.db, parents, product::Entity, limited) {
            rows.append(&mut self.db.all(&select).await?);
        }
        let rows = rows.into_iter().map(|of| (of.parent, listed(list, of.row)));
        let descending = keyset(list).descending;
        Ok(pages(rows, window, descending, |product| product.cursor.clone()))
    }

    /// For each category the number of its products and those of its descendants.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_products_of(
        &self,
        viewer: &Viewer,
        categories: &[Uuid],
        list: &ProductList,
    ) -> Result<HashMap<Uuid, u64>, CatalogError> {
        let ancestor = (category_closure::Entity, category_closure::Column::AncestorId);
        let mut select = Query::select();
        select
            .expr_as(Expr::col(ancestor), PARENT)
            .expr_as(Expr::col((product::Entity, product::Column::Id)).count(), "count")
            .from(category_closure::Entity)
            .inner_join(product::Entity, descends())
            .group_by_columns([ancestor]);
        for condition in shown(viewer, list) {
            select.and_where(condition);
        }
        self.counts(select, Expr::col(ancestor), categories).await
    }
}

fn listed(list: &ProductList, model: product::Model) -> ListedProduct {
    let product = shared(model);
    ListedProduct { cursor: list.place(&product), product }
}

/// The products of a category's tree on Postgres: of each category in it no more than fit into
/// the window, by the index on category and id.
fn by_descendant(
    category: SimpleExpr,
    list: &ProductList,
    window: &Window,
    conditions: &[SimpleExpr],
) -> SelectStatement {
    let mut own = Query::select();
    own.column((product::Entity, Asterisk)).from(product::Entity).and_where(descends());
    for condition in conditions {
        own.and_where(condition.clone());
    }
    keyset(list).apply(&mut own, window);
    let ancestor = (category_closure::Entity, category_closure::Column::AncestorId);
    let mut select = Query::select();
    select
        .from(category_closure::Entity)
        .join_lateral(JoinType::InnerJoin, own, product::Entity, Expr::cust("TRUE"))
        .and_where(Expr::col(ancestor).eq(category));
    select
}

/// The products of a category's tree on SQLite, which has no LATERAL.
fn whole_tree(category: SimpleExpr, conditions: &[SimpleExpr]) -> SelectStatement {
    let mut select = Query::select();
    select.from(product::Entity).and_where(in_category(category));
    for condition in conditions {
        select.and_where(condition.clone());
    }
    select
}

fn descends() -> SimpleExpr {
    Expr::col((product::Entity, product::Column::CategoryId))
        .equals((category_closure::Entity, category_closure::Column::DescendantId))
}
