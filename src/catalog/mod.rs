//! The catalogue: categories as a tree, products, variants and their prices. What is in stock of
//! them is `stock`'s.

mod category;
mod draft;
mod error;
pub mod graphql;
mod list;
pub mod loader;
mod product;
pub mod search_text;
mod service;

pub use category::Category;
pub use draft::{NewPrice, NewProduct, NewVariant};
pub use error::CatalogError;
pub use list::{
    ListedProduct, PriceBounds, ProductFilter, ProductList, ProductSort, ProductSortField, Search,
    TextMatch, TimeBounds,
};
pub use product::{PriceRange, Product, ProductStatus, Variant, VariantOption, VariantStatus};
pub use service::{
    Catalog, CategoryChange, Created, CreatedRow, Deleted, ErrorPolicy, Facet, NewCategory, Offer,
    ProductChange, VariantChange,
};
