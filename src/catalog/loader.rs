//! Look-ups of the catalogue, batched.

use crate::auth::Viewer;
use crate::catalog::{
    Catalog, CatalogError, Category, Facet, ListedProduct, Offer, PriceRange, Product, ProductList,
    Variant,
};
use crate::db::page::{Page, Window};
use crate::graphql::{Batch, Fault, Freshness};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use uuid::Uuid;

/// A list of a parent: the parent's key and the arguments of the list.
pub type ListKey<A> = (Uuid, A);

/// The look-ups of one request. What the viewer may not see is not there.
pub struct CatalogLoaders {
    catalog: Catalog,
    viewer: Viewer,
    /// Products by key.
    pub product: Batch<Uuid, Arc<Product>>,
    /// Products by slug.
    pub product_by_slug: Batch<String, Arc<Product>>,
    /// Variants by key.
    pub variant: Batch<Uuid, Arc<Variant>>,
    /// Variants by key that a line refers to, also when they are not sold any more.
    pub variant_in_use: Batch<Uuid, Arc<Variant>>,
    /// The products of such variants.
    pub product_in_use: Batch<Uuid, Arc<Product>>,
    /// What is offered of variants now, or after the change that a subscription tells of, a facet at
    /// a time; for variants that the viewer was found to be allowed to see.
    pub offer: Batch<(Uuid, Facet), Offer>,
    /// Variants by SKU.
    pub variant_by_sku: Batch<String, Arc<Variant>>,
    /// Categories by key.
    pub category: Batch<Uuid, Arc<Category>>,
    /// Categories by slug.
    pub category_by_slug: Batch<String, Arc<Category>>,
    /// The price ranges of a product, one a currency.
    pub price_ranges: Batch<Uuid, Vec<PriceRange>>,
    /// A part of the variants of a product.
    pub variants: Batch<ListKey<Window>, Page<Arc<Variant>>>,
    /// How many variants a product has.
    pub variant_count: Batch<Uuid, u64>,
    /// A part of the children of a category.
    pub children: Batch<ListKey<Window>, Page<Arc<Category>>>,
    /// How many children a category has.
    pub child_count: Batch<Uuid, u64>,
    /// A part of the products of a category.
    pub products: Batch<ListKey<(ProductList, Window)>, Page<ListedProduct>>,
    /// How many products a category has.
    pub product_count: Batch<ListKey<ProductList>, u64>,
}

impl CatalogLoaders {
    /// Look-ups as `viewer`; `freshness` is that of what a subscription hands out.
    #[must_use]
    pub fn new(catalog: &Catalog, viewer: Viewer, freshness: Freshness) -> Self {
        let with = || catalog.clone();
        Self {
            catalog: catalog.clone(),
            viewer,
            product: batch(with(), move |catalog, ids| async move {
                catalog.find_products(&viewer, &ids).await
            }),
            product_by_slug: batch(with(), move |catalog, slugs| async move {
                catalog.find_products_by_slug(&viewer, &slugs).await
            }),
            variant: batch(with(), move |catalog, ids| async move {
                catalog.find_variants(&viewer, &ids).await
            }),
            variant_in_use: batch(with(), |catalog, ids| async move {
                catalog.find_variants_in_use(&ids).await
            }),
            product_in_use: batch(with(), |catalog, ids| async move {
                catalog.find_products_in_use(&ids).await
            }),
            offer: batch(with(), move |catalog, asked: Vec<(Uuid, Facet)>| {
                let heard_at = freshness.heard_at();
                async move {
                    match heard_at {
                        Some(heard_at) => catalog.find_offers_since(&asked, heard_at).await,
                        None => catalog.find_offers(&asked).await,
                    }
                }
            }),
            variant_by_sku: batch(with(), move |catalog, skus| async move {
                catalog.find_variants_by_sku(&viewer, &skus).await
            }),
            category: batch(
                with(),
                |catalog, ids| async move { catalog.find_categories(&ids).await },
            ),
            category_by_slug: batch(with(), |catalog, slugs| async move {
                catalog.find_categories_by_slug(&slugs).await
            }),
            price_ranges: batch(with(), |catalog, ids| async move {
                catalog.find_price_ranges(&ids).await
            }),
            variants: lists(with(), move |catalog, products, window| async move {
                catalog.list_variants_of(&viewer, &products, &window).await
            }),
            variant_count: batch(with(), move |catalog, products| async move {
                catalog.count_variants_of(&viewer, &products).await
            }),
            children: lists(with(), |catalog, parents, window| async move {
                catalog.list_children_of(&parents, &window).await
            }),
            child_count: batch(with(), |catalog, parents| async move {
                catalog.count_children_of(&parents).await
            }),
            products: lists(with(), move |catalog, categories, (list, window)| async move {
                catalog.list_products_of(&viewer, &categories, &list, &window).await
            }),
            product_count: lists(with(), move |catalog, categories, list| async move {
                catalog.count_products_of(&viewer, &categories, &list).await
            }),
        }
    }
}

impl CatalogLoaders {
    /// A category. What the cache has at hand costs no turn in a batch.
    ///
    /// # Errors
    /// The fault of the look-up.
    pub async fn find_category(&self, id: Uuid) -> Result<Option<Arc<Category>>, Fault> {
        match self.catalog.peek_category(id) {
            Some(category) => Ok(Some(category)),
            None => self.category.get(id).await,
        }
    }

    /// A product that the viewer may see. What the cache has at hand costs no turn in a batch.
    ///
    /// # Errors
    /// The fault of the look-up.
    pub async fn find_product(&self, id: Uuid) -> Result<Option<Arc<Product>>, Fault> {
        match self.catalog.peek_product(&self.viewer, id) {
            Some(product) => Ok(Some(product)),
            None => self.product.get(id).await,
        }
    }
}

fn batch<K, V, F, Fut>(catalog: Catalog, find: F) -> Batch<K, V>
where
    K: Eq + Hash + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    F: Fn(Catalog, Vec<K>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<HashMap<K, V>, CatalogError>> + Send + 'static,
{
    Batch::new(move |keys| {
        let found = find(catalog.clone(), keys);
        async move { found.await.map_err(Fault::from) }
    })
}

/// One call for each different arguments, whatever the number of parents.
fn lists<A, V, F, Fut>(catalog: Catalog, list: F) -> Batch<ListKey<A>, V>
where
    A: Eq + Hash + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    F: Fn(Catalog, Vec<Uuid>, A) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<HashMap<Uuid, V>, CatalogError>> + Send + 'static,
{
    Batch::new(move |keys: Vec<ListKey<A>>| {
        let mut parents: HashMap<A, Vec<Uuid>> = HashMap::new();
        for (parent, arguments) in keys {
            parents.entry(arguments).or_default().push(parent);
        }
        let lists: Vec<_> = parents
            .into_iter()
            .map(|(arguments, parents)| {
                (arguments.clone(), list(catalog.clone(), parents, arguments))
            })
            .collect();
        async move {
            let mut found = HashMap::new();
            for (arguments, list) in lists {
                let of_parents = list.await?.into_iter();
                found.extend(of_parents.map(|(parent, v)| ((parent, arguments.clone()), v)));
            }
            Ok(found)
        }
    })
}
