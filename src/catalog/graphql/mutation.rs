//! Mutations of the catalogue, for staff.

use crate::auth::{Permission, Viewer};
use crate::catalog::graphql::category::Category;
use crate::catalog::graphql::input::{
    CategoryCreateInput, CategoryDeleteInput, CategoryUpdateInput, ProductBulkCreateInput,
    ProductCreateInput, ProductDeleteInput, ProductRowInput, ProductUpdateInput,
    VariantCreateInput, VariantDeleteInput, VariantUpdateInput, key,
};
use crate::catalog::graphql::payload::{
    CategoryCreatePayload, CategoryDeletePayload, CategoryUpdatePayload, ProductBulkCreatePayload,
    ProductCreatePayload, ProductDeletePayload, ProductUpdatePayload, VariantCreatePayload,
    VariantDeletePayload, VariantUpdatePayload,
};
use crate::catalog::graphql::product::Product;
use crate::catalog::graphql::refusal;
use crate::catalog::graphql::variant::ProductVariant;
use crate::catalog::loader::CatalogLoaders;
use crate::catalog::{Catalog, CatalogError, Created, Deleted};
use crate::graphql::idempotency::Replayed;
use crate::graphql::user_error::{ArchivedInsteadWarning, WarningCode};
use crate::graphql::{Auth, Fault, NodeKind, UserError, Warning};
use async_graphql::{Context, ID, Object};
use uuid::Uuid;

/// Mutations of the catalogue.
#[derive(Default)]
pub struct CatalogMutation;

/// Mutations of the catalogue.
#[Object]
impl CatalogMutation {
    /// Make a category.
    #[graphql(directive = Auth::apply(Permission::CatalogWrite))]
    async fn category_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The category.")] mut input: CategoryCreateInput,
    ) -> Option<Result<CategoryCreatePayload, Fault>> {
        let (catalog, viewer) = services(ctx);
        let idempotency_key = input.idempotency_key.take();
        let new = input.read();
        let made = catalog.create_category(viewer, &new, idempotency_key.as_deref()).await;
        Some(match made {
            Ok(made) => {
                let category = category(ctx, told(ctx, made)).await;
                category.map(|category| CategoryCreatePayload { category, ..Default::default() })
            }
            Err(error) => refused(error, |user_errors| CategoryCreatePayload {
                user_errors,
                ..Default::default()
            }),
        })
    }

    /// Change a category, or move it with all below it to another place in the tree.
    #[graphql(directive = Auth::apply(Permission::CatalogWrite))]
    async fn category_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change.")] input: CategoryUpdateInput,
    ) -> Option<Result<CategoryUpdatePayload, Fault>> {
        let (catalog, viewer) = services(ctx);
        let change = input.read();
        Some(match catalog.update_category(viewer, &change).await {
            Ok(()) => {
                let category = category(ctx, change.id).await;
                category.map(|category| CategoryUpdatePayload { category, ..Default::default() })
            }
            Err(error) => refused(error, |user_errors| CategoryUpdatePayload {
                user_errors,
                ..Default::default()
            }),
        })
    }

    /// Delete a category that has neither categories below it nor products.
    #[graphql(directive = Auth::apply(Permission::CatalogWrite))]
    async fn category_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] input: CategoryDeleteInput,
    ) -> Option<Result<CategoryDeletePayload, Fault>> {
        let (catalog, viewer) = services(ctx);
        let expected_version = input.expected_version.map(|version| version.0);
        let id = key(NodeKind::Category, &input.id);
        Some(match catalog.delete_category(viewer, id, expected_version).await {
            Ok(()) => Ok(CategoryDeletePayload {
                deleted_id: Some(NodeKind::Category.id(id)),
                ..Default::default()
            }),
            Err(error) => refused(error, |user_errors| CategoryDeletePayload {
                user_errors,
                ..Default::default()
            }),
        })
    }

    /// Make a product with its variants and their opening stock.
    #[graphql(directive = Auth::apply(Permission::CatalogWrite))]
    async fn product_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The product.")] mut input: ProductCreateInput,
    ) -> Option<Result<ProductCreatePayload, Fault>> {
        let (catalog, viewer) = services(ctx);
        let idempotency_key = input.idempotency_key.take();
        let made = catalog.create_product(viewer, input.read(), idempotency_key.as_deref()).await;
        Some(match made {
            Ok(made) => {
                let product = product(ctx, told(ctx, made)).await;
                product.map(|product| ProductCreatePayload { product, ..Default::default() })
            }
            Err(error) => refused(error, |user_errors| ProductCreatePayload {
                user_errors,
                ..Default::default()
            }),
        })
    }

    /// Make many products at once, each with its variants and their opening stock.
    #[graphql(directive = Auth::apply(Permission::CatalogWrite))]
    async fn product_bulk_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The products.")] input: ProductBulkCreateInput,
    ) -> Option<Result<ProductBulkCreatePayload, Fault>> {
        let (catalog, viewer) = services(ctx);
        let rows: Vec<_> = input.rows.into_iter().map(ProductRowInput::read).collect();
        let idempotency_key = input.idempotency_key.as_deref();
        let policy = input.error_policy.into();
        let made = catalog.create_products(viewer, &rows, policy, idempotency_key).await;
        Some(match made {
            Ok(made) => ProductBulkCreatePayload::of(ctx, told(ctx, made)).await,
            Err(error) => refused(error, |user_errors| ProductBulkCreatePayload {
                user_errors,
                ..Default::default()
            }),
        })
    }

    /// Change a product.
    #[graphql(directive = Auth::apply(Permission::CatalogWrite))]
    async fn product_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change.")] input: ProductUpdateInput,
    ) -> Option<Result<ProductUpdatePayload, Fault>> {
        let (catalog, viewer) = services(ctx);
        let change = input.read();
        Some(match catalog.update_product(viewer, &change).await {
            Ok(()) => {
                let product = product(ctx, Some(change.id)).await;
                product.map(|product| ProductUpdatePayload { product, ..Default::default() })
            }
            Err(error) => refused(error, |user_errors| ProductUpdatePayload {
                user_errors,
                ..Default::default()
            }),
        })
    }

    /// Delete a product with its variants; when stock movements, carts or orders refer to it, it is
    /// archived and a warning says so.
    #[graphql(directive = Auth::apply(Permission::CatalogWrite))]
    async fn product_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] input: ProductDeleteInput,
    ) -> Option<Result<ProductDeletePayload, Fault>> {
        let (catalog, viewer) = services(ctx);
        let expected_version = input.expected_version.map(|version| version.0);
        let id = key(NodeKind::Product, &input.id);
        Some(match catalog.delete_product(viewer, id, expected_version).await {
            Ok(Deleted::Gone) => Ok(ProductDeletePayload {
                deleted_id: Some(NodeKind::Product.id(id)),
                ..Default::default()
            }),
            Ok(Deleted::Archived) => {
                product(ctx, Some(id)).await.map(|product| ProductDeletePayload {
                    product,
                    warnings: vec![archived_instead(NodeKind::Product.id(id))],
                    ..Default::default()
                })
            }
            Err(error) => refused(error, |user_errors| ProductDeletePayload {
                user_errors,
                ..Default::default()
            }),
        })
    }

    /// Add a variant to a product, with its opening stock.
    #[graphql(directive = Auth::apply(Permission::CatalogWrite))]
    async fn variant_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The variant.")] input: VariantCreateInput,
    ) -> Option<Result<VariantCreatePayload, Fault>> {
        let (catalog, viewer) = services(ctx);
        let product_id = key(NodeKind::Product, &input.product_id);
        let (new, idempotency_key) = (input.variant.read(), input.idempotency_key.as_deref());
        let made = catalog.create_variant(viewer, product_id, &new, idempotency_key).await;
        Some(match made {
            Ok(made) => {
                let variant = variant(ctx, told(ctx, made)).await;
                variant.map(|variant| VariantCreatePayload { variant, ..Default::default() })
            }
            Err(error) => refused(error, |user_errors| VariantCreatePayload {
                user_errors,
                ..Default::default()
            }),
        })
    }

    /// Change a variant.
    #[graphql(directive = Auth::apply(Permission::CatalogWrite))]
    async fn variant_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change.")] input: VariantUpdateInput,
    ) -> Option<Result<VariantUpdatePayload, Fault>> {
        let (catalog, viewer) = services(ctx);
        let change = input.read();
        Some(match catalog.update_variant(viewer, &change).await {
            Ok(()) => {
                let variant = variant(ctx, change.id).await;
                variant.map(|variant| VariantUpdatePayload { variant, ..Default::default() })
            }
            Err(error) => refused(error, |user_errors| VariantUpdatePayload {
                user_errors,
                ..Default::default()
            }),
        })
    }

    /// Delete a variant; when stock movements, carts or orders refer to it, it is archived and a
    /// warning says so.
    #[graphql(directive = Auth::apply(Permission::CatalogWrite))]
    async fn variant_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] input: VariantDeleteInput,
    ) -> Option<Result<VariantDeletePayload, Fault>> {
        let (catalog, viewer) = services(ctx);
        let expected_version = input.expected_version.map(|version| version.0);
        let id = key(NodeKind::ProductVariant, &input.id);
        Some(match catalog.delete_variant(viewer, id, expected_version).await {
            Ok(Deleted::Gone) => Ok(VariantDeletePayload {
                deleted_id: Some(NodeKind::ProductVariant.id(id)),
                ..Default::default()
            }),
            Ok(Deleted::Archived) => variant(ctx, id).await.map(|variant| VariantDeletePayload {
                variant,
                warnings: vec![archived_instead(NodeKind::ProductVariant.id(id))],
                ..Default::default()
            }),
            Err(error) => refused(error, |user_errors| VariantDeletePayload {
                user_errors,
                ..Default::default()
            }),
        })
    }
}

fn services<'a>(ctx: &Context<'a>) -> (&'a Catalog, &'a Viewer) {
    (ctx.data_unchecked(), ctx.data_unchecked())
}

/// What was made; the answer says so when it was made earlier.
fn told<T>(ctx: &Context<'_>, made: Created<T>) -> T {
    if made.replayed {
        ctx.data_unchecked::<Replayed>().set();
    }
    made.outcome
}

/// The payload of a refusal; a fault stays an error of the response.
fn refused<T>(error: CatalogError, payload: impl FnOnce(Vec<UserError>) -> T) -> Result<T, Fault> {
    refusal(error).map(payload)
}

fn archived_instead(id: ID) -> Warning {
    Warning::ArchivedInstead(ArchivedInsteadWarning {
        code: WarningCode::ArchivedInstead,
        message: "Stock movements, carts or orders refer to it: it was archived, not deleted."
            .to_owned(),
        path: vec!["id".to_owned()],
        id,
    })
}

async fn category(ctx: &Context<'_>, id: Uuid) -> Result<Option<Category>, Fault> {
    Ok(ctx.data_unchecked::<CatalogLoaders>().category.get(id).await?.map(Category))
}

async fn product(ctx: &Context<'_>, id: Option<Uuid>) -> Result<Option<Product>, Fault> {
    let Some(id) = id else { return Ok(None) };
    Ok(ctx.data_unchecked::<CatalogLoaders>().product.get(id).await?.map(Product))
}

async fn variant(ctx: &Context<'_>, id: Uuid) -> Result<Option<ProductVariant>, Fault> {
    Ok(ctx.data_unchecked::<CatalogLoaders>().variant.get(id).await?.map(ProductVariant::from))
}
