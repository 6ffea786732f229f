//! The fields whose answers are the same for all guests until a change is told of. A field belongs
//! here when all that its resolver reads is told: entities of the catalogue by
//! `EntitiesChanged`, stock and flash sales by notes in `cache::reads`. What depends on who asks, on
//! the time, or on anything else does not.

use crate::graphql::document::SharedFields;

/// By type.
pub const FIELDS: SharedFields = &[
    ("Query", &["product", "products", "category", "categories"]),
    (
        "Product",
        &[
            "id",
            "name",
            "slug",
            "description",
            "status",
            "category",
            "variants",
            "priceRange",
            "inStock",
            "version",
            "createdAt",
            "updatedAt",
        ],
    ),
    (
        "ProductVariant",
        &[
            "id",
            "sku",
            "name",
            "product",
            "options",
            "status",
            "price",
            "listPrice",
            "stock",
            "version",
            "createdAt",
            "updatedAt",
        ],
    ),
    (
        "Category",
        &[
            "id",
            "name",
            "slug",
            "parent",
            "children",
            "products",
            "version",
            "createdAt",
            "updatedAt",
        ],
    ),
    ("ProductConnection", &["edges", "nodes", "pageInfo", "totalCount"]),
    ("ProductEdge", &["cursor", "node"]),
    ("ProductVariantConnection", &["edges", "nodes", "pageInfo", "totalCount"]),
    ("ProductVariantEdge", &["cursor", "node"]),
    ("CategoryConnection", &["edges", "nodes", "pageInfo", "totalCount"]),
    ("CategoryEdge", &["cursor", "node"]),
    ("PageInfo", &["hasPreviousPage", "hasNextPage", "startCursor", "endCursor"]),
    ("VariantOption", &["name", "value"]),
    ("VariantStock", &["available", "status", "version"]),
    ("Money", &["amount", "currency", "amountMinor", "decimals"]),
    ("MoneyRange", &["minimum", "maximum"]),
];
