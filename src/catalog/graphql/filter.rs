//! The arguments that choose and sort products.

use crate::catalog;
use crate::catalog::graphql::product::ProductStatus;
use crate::catalog::{PriceBounds, ProductFilter, ProductList, Search, TextMatch, TimeBounds};
use crate::graphql::filters::{
    ConditionsLeft, DateTimeFilter, IdFilter, MoneyRangeFilter, SortDirection, StringFilter,
    check_search,
};
use crate::graphql::{Fault, NodeKind};
use async_graphql::{Enum, InputObject};

/// Conditions on products. All that are given must hold. At most 100 conditions in all.
#[derive(InputObject)]
pub struct ProductWhere {
    /// All of these hold. Of an empty list: true.
    #[graphql(name = "AND")]
    and: Option<Vec<ProductWhere>>,
    /// At least one of these holds. Of an empty list: false.
    #[graphql(name = "OR")]
    or: Option<Vec<ProductWhere>>,
    /// This does not hold.
    #[graphql(name = "NOT")]
    not: Option<Box<ProductWhere>>,
    /// The product's id.
    id: Option<IdFilter>,
    /// The product's name.
    name: Option<StringFilter>,
    /// The product's category, or one above it.
    category_id: Option<IdFilter>,
    /// One of these states, at most 100. Customers see ACTIVE products alone in any case.
    status: Option<Vec<ProductStatus>>,
    /// The list price of at least one variant that is sold. One without a price in this currency
    /// is outside every range.
    price: Option<MoneyRangeFilter>,
    /// Whether a variant can be bought now.
    in_stock: Option<bool>,
    /// When the product was made.
    created_at: Option<DateTimeFilter>,
}

/// What products can be sorted by.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "catalog::ProductSortField")]
pub enum ProductSortField {
    /// The name, whatever its case and diacritics.
    Name,
    /// The lowest list price of the variants that are sold, in the shop's currency; without one,
    /// as if it were the highest.
    Price,
    /// When the product was made.
    CreatedAt,
    /// When the product or one of its variants was changed last.
    UpdatedAt,
}

/// How to sort products. The id breaks ties, in the same direction.
#[derive(InputObject)]
pub struct ProductSort {
    /// By what.
    field: ProductSortField,
    /// In which direction.
    #[graphql(default_with = "SortDirection::Asc")]
    direction: SortDirection,
}

/// The list that the arguments of a field ask for.
pub(super) fn read_list(
    filter: Option<ProductWhere>,
    order_by: Option<ProductSort>,
    search: Option<String>,
) -> Result<ProductList, Fault> {
    let mut left = ConditionsLeft::default();
    let filter = filter.map(|filter| filter.read(&mut left)).transpose()?;
    let sort = order_by.map(|sort| catalog::ProductSort {
        field: sort.field.into(),
        descending: sort.direction == SortDirection::Desc,
    });
    search.as_deref().map_or(Ok(()), check_search)?;
    Ok(ProductList { filter, sort, search: search.map(|text| Search::parse(&text)) })
}

/// Puts the conditions of a group into one.
type Combine = fn(Vec<ProductFilter>) -> ProductFilter;

impl ProductWhere {
    fn read(self, left: &mut ConditionsLeft) -> Result<ProductFilter, Fault> {
        let mut conditions = Vec::new();
        let groups: [(_, Combine); 3] = [
            (self.and, ProductFilter::And),
            (self.or, ProductFilter::Or),
            (self.not.map(|filter| vec![*filter]), ProductFilter::Not),
        ];
        for (group, combine) in groups {
            if let Some(group) = group {
                left.take()?;
                let group: Result<Vec<_>, _> = group.into_iter().map(|w| w.read(left)).collect();
                conditions.push(combine(group?));
            }
        }
        read_ids(self.id, NodeKind::Product, ProductFilter::Id, &mut conditions)?;
        let category = ProductFilter::Category;
        read_ids(self.category_id, NodeKind::Category, category, &mut conditions)?;
        read_name(self.name, &mut conditions)?;
        if let Some(status) = self.status {
            let states = status.into_iter().map(catalog::ProductStatus::from).collect();
            conditions.push(ProductFilter::Status(states));
        }
        read_price(self.price, &mut conditions)?;
        conditions.extend(self.in_stock.map(ProductFilter::InStock));
        if let Some(created) = self.created_at {
            let (gte, lte) = created.bounds();
            conditions.push(ProductFilter::Created(TimeBounds { gte, lte }));
        }
        for _ in &conditions {
            left.take()?;
        }
        Ok(ProductFilter::And(conditions))
    }
}

fn read_ids(
    filter: Option<IdFilter>,
    kind: NodeKind,
    condition: fn(Vec<uuid::Uuid>) -> ProductFilter,
    conditions: &mut Vec<ProductFilter>,
) -> Result<(), Fault> {
    if let Some(filter) = filter {
        conditions.extend(filter.read(kind)?.into_iter().map(condition));
    }
    Ok(())
}

fn read_name(
    filter: Option<StringFilter>,
    conditions: &mut Vec<ProductFilter>,
) -> Result<(), Fault> {
    if let Some(filter) = filter {
        let values = filter.read_values()?.into_iter().map(TextMatch::OneOf);
        conditions.extend(values.map(ProductFilter::Name));
        let contains = filter.read_contains()?.map(|text| TextMatch::Contains(text.to_owned()));
        conditions.extend(contains.map(ProductFilter::Name));
    }
    Ok(())
}

fn read_price(
    filter: Option<MoneyRangeFilter>,
    conditions: &mut Vec<ProductFilter>,
) -> Result<(), Fault> {
    let Some(filter) = filter else { return Ok(()) };
    let [least, most] = filter.read()?;
    if let Some(currency) = least.or(most).map(|end| end.currency) {
        let (gte, lte) = (least.map(|end| end.minor), most.map(|end| end.minor));
        conditions.push(ProductFilter::Price(PriceBounds { currency, gte, lte }));
    }
    Ok(())
}
