//! What the catalogue's mutations are given.

use crate::catalog;
use crate::catalog::graphql::product::ProductStatus;
use crate::catalog::graphql::variant::VariantStatus;
use crate::catalog::{
    CategoryChange, NewCategory, NewPrice, NewProduct, NewVariant, ProductChange,
};
use crate::graphql::NodeKind;
use crate::graphql::scalars::{BigInt, MoneyInput};
use async_graphql::{Enum, ID, InputObject, MaybeUndefined};
use uuid::Uuid;

/// A category to make.
#[derive(InputObject)]
pub struct CategoryCreateInput {
    /// The display name, 1 to 200 characters.
    name: String,
    /// The unique name for addresses of pages: words of a–z and 0–9 with a hyphen between them.
    /// When not given, it is made from the name.
    slug: Option<String>,
    /// The category that it belongs to; a root of the tree when not given.
    parent_id: Option<ID>,
    /// Makes repeating the mutation harmless: 1 to 255 printable ASCII characters, kept 72 hours.
    pub(super) idempotency_key: Option<String>,
}

/// What to change of a category. What is not given stays.
#[derive(InputObject)]
pub struct CategoryUpdateInput {
    /// The category.
    id: ID,
    /// The display name, 1 to 200 characters.
    name: Option<String>,
    /// The unique name for addresses of pages.
    slug: Option<String>,
    /// The category that it belongs to; null makes it a root of the tree. What is below it moves
    /// with it.
    parent_id: MaybeUndefined<ID>,
    /// The version that you have seen: when the category changed since, nothing happens.
    expected_version: Option<BigInt>,
}

/// A category to delete.
#[derive(InputObject)]
pub struct CategoryDeleteInput {
    /// The category; it must have neither categories below it nor products.
    pub(super) id: ID,
    /// The version that you have seen: when the category changed since, nothing happens.
    pub(super) expected_version: Option<BigInt>,
}

/// A product to make.
#[derive(InputObject)]
pub struct ProductCreateInput {
    /// The display name, 1 to 200 characters.
    name: String,
    /// The unique name for addresses of pages: words of a–z and 0–9 with a hyphen between them.
    /// When not given, it is made from the name.
    slug: Option<String>,
    /// What the product's page says, at most 10,000 characters.
    description: Option<String>,
    /// The category to sort it into.
    category_id: ID,
    /// Whether it is sold; ACTIVE when not given.
    status: Option<ProductStatus>,
    /// Its variants in display order, 1 to 100.
    variants: Vec<VariantInput>,
    /// Makes repeating the mutation harmless: 1 to 255 printable ASCII characters, kept 72 hours.
    pub(super) idempotency_key: Option<String>,
}

/// One product of many to make.
#[derive(InputObject)]
pub struct ProductRowInput {
    /// The display name, 1 to 200 characters.
    name: String,
    /// The unique name for addresses of pages: words of a–z and 0–9 with a hyphen between them.
    /// When not given, it is made from the name.
    slug: Option<String>,
    /// What the product's page says, at most 10,000 characters.
    description: Option<String>,
    /// The category to sort it into.
    category_id: ID,
    /// Whether it is sold; ACTIVE when not given.
    status: Option<ProductStatus>,
    /// Its variants in display order, 1 to 100.
    variants: Vec<VariantInput>,
}

/// A variant to make.
#[derive(InputObject)]
pub struct VariantInput {
    /// The stock keeping unit, unique in the shop: 1 to 64 characters without white space.
    sku: String,
    /// The display name, next to the product's; at most 200 characters.
    name: Option<String>,
    /// The list prices: 1 to 20, one a currency.
    prices: Vec<MoneyInput>,
    /// What tells it from the other variants, at most 10.
    options: Option<Vec<VariantOptionInput>>,
    /// Pieces on hand in the default warehouse; 0 when not given.
    stock: Option<i32>,
    /// At this many available pieces or fewer the stock there counts as low; 0 when not given.
    reorder_point: Option<i32>,
}

/// One way in which a variant differs from the others of its product.
#[derive(InputObject)]
pub struct VariantOptionInput {
    /// What differs, such as `Colour`: 1 to 50 characters.
    name: String,
    /// How it is here, such as `Black`: 1 to 100 characters.
    value: String,
}

/// What to change of a product. What is not given stays.
#[derive(InputObject)]
pub struct ProductUpdateInput {
    /// The product.
    id: ID,
    /// The display name, 1 to 200 characters.
    name: Option<String>,
    /// The unique name for addresses of pages; it does not follow the name by itself.
    slug: Option<String>,
    /// What the product's page says, at most 10,000 characters.
    description: Option<String>,
    /// The category to sort it into.
    category_id: Option<ID>,
    /// Whether it is sold.
    status: Option<ProductStatus>,
    /// The version that you have seen: when the product or one of its variants changed since,
    /// nothing happens.
    expected_version: Option<BigInt>,
}

/// A product to delete.
#[derive(InputObject)]
pub struct ProductDeleteInput {
    /// The product.
    pub(super) id: ID,
    /// The version that you have seen: when the product or one of its variants changed since,
    /// nothing happens.
    pub(super) expected_version: Option<BigInt>,
}

/// Products to make.
#[derive(InputObject)]
pub struct ProductBulkCreateInput {
    /// The products, 1 to 1,000.
    pub(super) rows: Vec<ProductRowInput>,
    /// What to do with the good rows when others are bad.
    #[graphql(default_with = "ErrorPolicy::RejectEverything")]
    pub(super) error_policy: ErrorPolicy,
    /// Makes repeating the mutation harmless: 1 to 255 printable ASCII characters, kept 72 hours.
    pub(super) idempotency_key: Option<String>,
}

/// What to do with the good rows when others are bad.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "catalog::ErrorPolicy")]
pub enum ErrorPolicy {
    /// Make nothing.
    RejectEverything,
    /// Make the good ones.
    RejectFailedRows,
}

/// A variant to add to a product.
#[derive(InputObject)]
pub struct VariantCreateInput {
    /// The product.
    pub(super) product_id: ID,
    /// The variant; it becomes the last one in display order.
    pub(super) variant: VariantInput,
    /// Makes repeating the mutation harmless: 1 to 255 printable ASCII characters, kept 72 hours.
    pub(super) idempotency_key: Option<String>,
}

/// What to change of a variant. What is not given stays.
#[derive(InputObject)]
pub struct VariantUpdateInput {
    /// The variant.
    pub(super) id: ID,
    /// The stock keeping unit, unique in the shop.
    sku: Option<String>,
    /// The display name, next to the product's.
    name: Option<String>,
    /// All list prices, in place of those it has.
    prices: Option<Vec<MoneyInput>>,
    /// All options, in place of those it has.
    options: Option<Vec<VariantOptionInput>>,
    /// Whether it is sold. At least one variant of a product is.
    status: Option<VariantStatus>,
    /// The version that you have seen: when the variant changed since, nothing happens.
    expected_version: Option<BigInt>,
}

/// A variant to delete.
#[derive(InputObject)]
pub struct VariantDeleteInput {
    /// The variant; at least one other of its product must be sold.
    pub(super) id: ID,
    /// The version that you have seen: when the variant changed since, nothing happens.
    pub(super) expected_version: Option<BigInt>,
}

/// The key in an id. What is no id of this kind names nothing, as does a key that nobody has: the
/// service then says at which field nothing was found, next to all else that is wrong.
pub(super) fn key(kind: NodeKind, id: &ID) -> Uuid {
    kind.key(id).unwrap_or_default()
}

impl CategoryCreateInput {
    pub(super) fn read(self) -> NewCategory {
        let parent_id = self.parent_id.map(|id| key(NodeKind::Category, &id));
        NewCategory { name: self.name, slug: self.slug, parent_id }
    }
}

impl CategoryUpdateInput {
    pub(super) fn read(self) -> CategoryChange {
        let parent_id: Option<Option<ID>> = self.parent_id.into();
        CategoryChange {
            id: key(NodeKind::Category, &self.id),
            name: self.name,
            slug: self.slug,
            parent_id: parent_id.map(|parent| parent.map(|id| key(NodeKind::Category, &id))),
            expected_version: self.expected_version.map(|version| version.0),
        }
    }
}

impl ProductCreateInput {
    pub(super) fn read(self) -> NewProduct {
        NewProduct {
            name: self.name,
            slug: self.slug,
            description: self.description,
            category_id: key(NodeKind::Category, &self.category_id),
            status: self.status.map(catalog::ProductStatus::from),
            variants: self.variants.into_iter().map(VariantInput::read).collect(),
        }
    }
}

impl ProductRowInput {
    pub(super) fn read(self) -> NewProduct {
        NewProduct {
            name: self.name,
            slug: self.slug,
            description: self.description,
            category_id: key(NodeKind::Category, &self.category_id),
            status: self.status.map(catalog::ProductStatus::from),
            variants: self.variants.into_iter().map(VariantInput::read).collect(),
        }
    }
}

impl ProductUpdateInput {
    pub(super) fn read(self) -> ProductChange {
        ProductChange {
            id: key(NodeKind::Product, &self.id),
            name: self.name,
            slug: self.slug,
            description: self.description,
            category_id: self.category_id.map(|id| key(NodeKind::Category, &id)),
            status: self.status.map(catalog::ProductStatus::from),
            expected_version: self.expected_version.map(|version| version.0),
        }
    }
}

impl VariantInput {
    pub(super) fn read(self) -> NewVariant {
        NewVariant {
            sku: self.sku,
            name: self.name,
            prices: self.prices.into_iter().map(read_price).collect(),
            options: read_options(self.options.unwrap_or_default()),
            stock: self.stock.map(i64::from),
            reorder_point: self.reorder_point.map(i64::from),
        }
    }
}

impl VariantUpdateInput {
    pub(super) fn read(self) -> catalog::VariantChange {
        catalog::VariantChange {
            id: key(NodeKind::ProductVariant, &self.id),
            sku: self.sku,
            name: self.name,
            prices: self.prices.map(|prices| prices.into_iter().map(read_price).collect()),
            options: self.options.map(read_options),
            status: self.status.map(catalog::VariantStatus::from),
            expected_version: self.expected_version.map(|version| version.0),
        }
    }
}

fn read_price(price: MoneyInput) -> NewPrice {
    NewPrice { amount: price.amount.0, currency: price.currency.0 }
}

fn read_options(options: Vec<VariantOptionInput>) -> Vec<catalog::VariantOption> {
    let read = |option: VariantOptionInput| catalog::VariantOption {
        name: option.name,
        value: option.value,
    };
    options.into_iter().map(read).collect()
}
