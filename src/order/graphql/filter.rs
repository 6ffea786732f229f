//! The arguments that choose and sort orders.

use crate::graphql::filters::{
    ConditionsLeft, DateTimeFilter, IdFilter, MoneyRangeFilter, SortDirection, StringFilter,
    read_search,
};
use crate::graphql::{Fault, NodeKind};
use crate::order::graphql::types::{OrderKind, OrderStatus};
use crate::order::{self, OrderFilter, OrderList};
use async_graphql::{Enum, InputObject};

/// Conditions on orders. All that are given must hold. At most 100 conditions in all.
#[derive(InputObject)]
pub struct OrderWhere {
    /// All of these hold. Of an empty list: true.
    #[graphql(name = "AND")]
    and: Option<Vec<OrderWhere>>,
    /// At least one of these holds. Of an empty list: false.
    #[graphql(name = "OR")]
    or: Option<Vec<OrderWhere>>,
    /// This does not hold.
    #[graphql(name = "NOT")]
    not: Option<Box<OrderWhere>>,
    /// The order's id.
    id: Option<IdFilter>,
    /// The number, however it is written: in small letters, with blanks for hyphens.
    number: Option<StringFilter>,
    /// The e-mail address that the order was placed with, whatever its case.
    email: Option<StringFilter>,
    /// Of one of these kinds.
    kind: Option<Vec<OrderKind>>,
    /// Stands at one of these.
    status: Option<Vec<OrderStatus>>,
    /// The account that bought.
    customer_id: Option<IdFilter>,
    /// The total. Orders in other currencies than that of the ends do not meet it.
    total: Option<MoneyRangeFilter>,
    /// When it was placed.
    created_at: Option<DateTimeFilter>,
    /// When it changed last.
    updated_at: Option<DateTimeFilter>,
}

/// What orders can be sorted by.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "order::OrderSortField")]
pub enum OrderSortField {
    /// When they were placed.
    CreatedAt,
    /// When they changed last.
    UpdatedAt,
    /// The number.
    Number,
}

/// How to sort orders. The id breaks ties, in the same direction.
#[derive(InputObject)]
pub struct OrderSort {
    /// By what.
    field: OrderSortField,
    /// In which direction.
    #[graphql(default_with = "SortDirection::Asc")]
    direction: SortDirection,
}

/// The list that the arguments of the field ask for.
pub(super) fn read_list(
    filter: Option<OrderWhere>,
    order_by: Option<OrderSort>,
    search: Option<String>,
) -> Result<OrderList, Fault> {
    let mut left = ConditionsLeft::default();
    let filter = filter.map(|filter| filter.read(&mut left)).transpose()?;
    let sort = order_by.map(|sort| order::OrderSort {
        field: sort.field.into(),
        descending: sort.direction == SortDirection::Desc,
    });
    let search = read_search(search)?;
    Ok(OrderList { filter, sort: sort.unwrap_or_default(), search })
}

/// Puts the conditions of a group into one.
type Combine = fn(Vec<OrderFilter>) -> OrderFilter;

impl OrderWhere {
    fn read(self, left: &mut ConditionsLeft) -> Result<OrderFilter, Fault> {
        let mut conditions = Vec::new();
        let groups: [(_, Combine); 3] = [
            (self.and, OrderFilter::And),
            (self.or, OrderFilter::Or),
            (self.not.map(|filter| vec![*filter]), OrderFilter::Not),
        ];
        for (group, combine) in groups {
            if let Some(group) = group {
                left.take()?;
                let group: Result<Vec<_>, _> = group.into_iter().map(|w| w.read(left)).collect();
                conditions.push(combine(group?));
            }
        }
        if let Some(filter) = self.id {
            conditions.extend(filter.read(NodeKind::Order)?.into_iter().map(OrderFilter::Id));
        }
        if let Some(filter) = self.customer_id {
            let lists = filter.read(NodeKind::User)?;
            conditions.extend(lists.into_iter().map(OrderFilter::Customer));
        }
        if let Some(filter) = self.number {
            conditions.extend(filter.read_values()?.into_iter().map(OrderFilter::Number));
            let contains = filter.read_contains()?.map(str::to_owned);
            conditions.extend(contains.map(OrderFilter::NumberContains));
        }
        if let Some(filter) = self.email {
            conditions.extend(filter.read_values()?.into_iter().map(OrderFilter::Email));
            let contains = filter.read_contains()?.map(str::to_owned);
            conditions.extend(contains.map(OrderFilter::EmailContains));
        }
        if let Some(kinds) = self.kind {
            conditions.push(OrderFilter::Kind(kinds.into_iter().map(Into::into).collect()));
        }
        if let Some(statuses) = self.status {
            conditions.push(OrderFilter::Status(statuses.into_iter().map(Into::into).collect()));
        }
        if let Some(total) = self.total {
            let [least, most] = total.read()?;
            conditions.push(OrderFilter::Total(least, most));
        }
        if let Some(created) = self.created_at {
            let (gte, lte) = created.bounds();
            conditions.push(OrderFilter::Created(gte, lte));
        }
        if let Some(updated) = self.updated_at {
            let (gte, lte) = updated.bounds();
            conditions.push(OrderFilter::Updated(gte, lte));
        }
        for _ in &conditions {
            left.take()?;
        }
        Ok(OrderFilter::And(conditions))
    }
}
