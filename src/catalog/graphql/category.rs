//! Categories in the schema.

use crate::catalog;
use crate::catalog::graphql::filter::{ProductSort, ProductWhere, read_list};
use crate::catalog::graphql::product::{Product, product_connection};
use crate::catalog::loader::CatalogLoaders;
use crate::db::page::Page;
use crate::graphql::scalars::{BigInt, DateTime};
use crate::graphql::{Connection, Fault, NodeKind, PageArgs};
use async_graphql::{Context, ID, Object};
use futures::FutureExt;
use futures::future::BoxFuture;
use std::hash::Hash;
use std::sync::Arc;

/// A place in the tree that products are sorted into.
pub struct Category(pub Arc<catalog::Category>);

/// A place in the tree that products are sorted into.
#[Object]
impl Category {
    /// The opaque id, for `node`.
    pub async fn id(&self) -> ID {
        NodeKind::Category.id(self.0.id)
    }

    /// The display name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The unique name for addresses of pages, such as `home-garden`.
    async fn slug(&self) -> &str {
        &self.0.slug
    }

    /// The category that this one belongs to; null for a root of the tree.
    async fn parent(&self, ctx: &Context<'_>) -> Option<Result<Category, Fault>> {
        let parent = self.0.parent_id?;
        let found = ctx.data_unchecked::<CatalogLoaders>().find_category(parent).await;
        found.map(|category| category.map(Category)).transpose()
    }

    /// The categories that belong to this one, in the order of their creation.
    async fn children(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the beginning, 0 to 100; 20 when neither is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Category>, Fault> {
        let loaders = ctx.data_unchecked::<CatalogLoaders>();
        let id = self.0.id;
        let list = ("Category.children", id);
        let window = PageArgs { first, after, last, before }.window(&list)?;
        let page = loaders.children.get((id, window)).await?.unwrap_or_else(Page::empty);
        let count = loaders.child_count.clone();
        Ok(category_connection(page, &list, move || {
            let count = count.clone();
            async move { Ok(count.get(id).await?.unwrap_or_default()) }.boxed()
        }))
    }

    /// The products of this category and of all below it.
    #[expect(clippy::too_many_arguments, reason = "they are the field's arguments")]
    async fn products(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the beginning, 0 to 100; 20 when neither is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(name = "where", desc = "Only products that meet these conditions.")]
        filter: Option<ProductWhere>,
        #[graphql(desc = "How to sort; in the order of their creation when not given.")]
        order_by: Option<ProductSort>,
    ) -> Result<Connection<Product>, Fault> {
        let loaders = ctx.data_unchecked::<CatalogLoaders>();
        let id = self.0.id;
        let products = read_list(filter, order_by, None)?;
        let list = ("Category.products", id, &products);
        let window = PageArgs { first, after, last, before }.window(&list)?;
        let page = loaders.products.get((id, (products.clone(), window))).await?;
        let page = page.unwrap_or_else(Page::empty);
        let (count, counted) = (loaders.product_count.clone(), products.clone());
        Ok(product_connection(page, &list, move || {
            let (count, key) = (count.clone(), (id, counted.clone()));
            async move { Ok(count.get(key).await?.unwrap_or_default()) }.boxed()
        }))
    }

    /// Rises with each change; give it as `expectedVersion` to change only what you have seen.
    async fn version(&self) -> BigInt {
        BigInt(self.0.version)
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// When it was changed last.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated_at)
    }
}

/// A connection over a page of categories.
pub(super) fn category_connection<F>(
    page: Page<Arc<catalog::Category>>,
    list: &impl Hash,
    count: F,
) -> Connection<Category>
where
    F: Fn() -> BoxFuture<'static, Result<u64, Fault>> + Send + Sync + 'static,
{
    Connection::new(page, list, |category| category.place(), Category, count)
}
