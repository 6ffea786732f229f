//! What not everybody may do.

/// Something that not everybody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// See drafts and archived products.
    CatalogReadAll,
    /// Create, change and delete categories, products and variants.
    CatalogWrite,
    /// See stock levels by warehouse, movements and warehouses.
    StockRead,
    /// Change stock levels and warehouses.
    StockWrite,
}
