//! Queries about the catalogue; everybody may ask them.

use crate::auth::{Permission, Viewer};
use crate::catalog::Catalog;
use crate::catalog::graphql::category::{Category, category_connection};
use crate::catalog::graphql::filter::{ProductSort, ProductWhere, read_list};
use crate::catalog::graphql::product::{Product, product_connection};
use crate::catalog::loader::CatalogLoaders;
use crate::graphql::{Auth, Connection, Fault, NodeKind, PageArgs};
use async_graphql::{Context, ID, Object, OneofObject};
use futures::FutureExt;

/// Which product: exactly one of these.
#[derive(OneofObject)]
pub enum ProductBy {
    /// The opaque id.
    Id(ID),
    /// The unique name for addresses of pages.
    Slug(String),
    /// The SKU of one of its variants.
    Sku(String),
}

/// Which category: exactly one of these.
#[derive(OneofObject)]
pub enum CategoryBy {
    /// The opaque id.
    Id(ID),
    /// The unique name for addresses of pages.
    Slug(String),
}

/// Queries about the catalogue.
#[derive(Default)]
pub struct CatalogQuery;

/// Queries about the catalogue.
#[Object]
impl CatalogQuery {
    /// One product; null when there is none, or none that you may see.
    #[graphql(directive = Auth::apply(Permission::CatalogRead))]
    async fn product(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] by: ProductBy,
    ) -> Option<Result<Product, Fault>> {
        find_product(ctx.data_unchecked(), by).await.transpose()
    }

    /// The products of the shop. Customers see those that are sold, staff see all.
    #[graphql(directive = Auth::apply(Permission::CatalogRead))]
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
        #[graphql(desc = "How to sort. When not given: with search by how well they match, over \
                          the 1,000 best hits, of more than 5,000 hits among the 5,000 latest \
                          products; else in the order of their creation.")]
        order_by: Option<ProductSort>,
        #[graphql(desc = "Words in names, SKUs, descriptions and variant names, at most 100 \
                          characters; the first 10 words count. Each must begin a word of the \
                          product, whatever the case and the diacritics. Without a letter or \
                          digit nothing is found.")]
        search: Option<String>,
    ) -> Result<Connection<Product>, Fault> {
        let viewer = *ctx.data_unchecked::<Viewer>();
        let catalog = ctx.data_unchecked::<Catalog>();
        let list = read_list(filter, order_by, search)?;
        let window = PageArgs { first, after, last, before }.window(&list)?;
        let page = catalog.list_products(&viewer, &list, &window).await?;
        let (catalog, counted) = (catalog.clone(), list.clone());
        Ok(product_connection(page, &list, move || {
            let (catalog, list) = (catalog.clone(), counted.clone());
            async move { Ok(catalog.count_products(&viewer, &list).await?) }.boxed()
        }))
    }

    /// One category; null when there is none.
    #[graphql(directive = Auth::apply(Permission::CatalogRead))]
    async fn category(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] by: CategoryBy,
    ) -> Option<Result<Category, Fault>> {
        find_category(ctx.data_unchecked(), by).await.transpose()
    }

    /// The categories of the shop, in the order of their creation.
    #[graphql(directive = Auth::apply(Permission::CatalogRead))]
    async fn categories(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only the children of this one; all when not given.")] parent_id: Option<
            ID,
        >,
        #[graphql(desc = "So many from the beginning, 0 to 100; 20 when neither is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Category>, Fault> {
        let catalog = ctx.data_unchecked::<Catalog>();
        let parent = parent_id.map(|id| NodeKind::Category.key(&id)).transpose()?;
        let list = ("Query.categories", parent);
        let window = PageArgs { first, after, last, before }.window(&list)?;
        let page = catalog.list_categories(parent, &window).await?;
        let catalog = catalog.clone();
        Ok(category_connection(page, &list, move || {
            let catalog = catalog.clone();
            async move { Ok(catalog.count_categories(parent).await?) }.boxed()
        }))
    }
}

async fn find_product(loaders: &CatalogLoaders, by: ProductBy) -> Result<Option<Product>, Fault> {
    let id = match by {
        ProductBy::Id(id) => NodeKind::Product.key(&id)?,
        ProductBy::Slug(slug) => {
            return Ok(loaders.product_by_slug.get(slug).await?.map(Product));
        }
        ProductBy::Sku(sku) => match loaders.variant_by_sku.get(sku).await? {
            Some(variant) => variant.product_id,
            None => return Ok(None),
        },
    };
    Ok(loaders.find_product(id).await?.map(Product))
}

async fn find_category(
    loaders: &CatalogLoaders,
    by: CategoryBy,
) -> Result<Option<Category>, Fault> {
    Ok(match by {
        CategoryBy::Id(id) => {
            let id = NodeKind::Category.key(&id)?;
            loaders.find_category(id).await?.map(Category)
        }
        CategoryBy::Slug(slug) => loaders.category_by_slug.get(slug).await?.map(Category),
    })
}
