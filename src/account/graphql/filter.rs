//! The arguments that choose and sort accounts.

use crate::account::graphql::Role;
use crate::account::{self, UserFilter, UserList};
use crate::graphql::filters::{
    ConditionsLeft, DateTimeFilter, IdFilter, SortDirection, StringFilter, read_search,
};
use crate::graphql::{Fault, NodeKind};
use async_graphql::{Enum, InputObject};

/// Conditions on accounts. All that are given must hold. At most 100 conditions in all.
#[derive(InputObject)]
pub struct UserWhere {
    /// All of these hold. Of an empty list: true.
    #[graphql(name = "AND")]
    and: Option<Vec<UserWhere>>,
    /// At least one of these holds. Of an empty list: false.
    #[graphql(name = "OR")]
    or: Option<Vec<UserWhere>>,
    /// This does not hold.
    #[graphql(name = "NOT")]
    not: Option<Box<UserWhere>>,
    /// The account's id.
    id: Option<IdFilter>,
    /// The e-mail address, whatever its case.
    email: Option<StringFilter>,
    /// The name.
    name: Option<StringFilter>,
    /// One of these roles.
    role: Option<Vec<Role>>,
    /// Whether its owner can sign in.
    active: Option<bool>,
    /// Whether the address was proved to be the owner's.
    email_verified: Option<bool>,
    /// When the account was made.
    created_at: Option<DateTimeFilter>,
}

/// What accounts can be sorted by.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "account::UserSortField")]
pub enum UserSortField {
    /// The name, whatever its case and diacritics.
    Name,
    /// The e-mail address, whatever its case.
    Email,
    /// When the account was made.
    CreatedAt,
}

/// How to sort accounts. The id breaks ties, in the same direction.
#[derive(InputObject)]
pub struct UserSort {
    /// By what.
    field: UserSortField,
    /// In which direction.
    #[graphql(default_with = "SortDirection::Asc")]
    direction: SortDirection,
}

/// The list that the arguments of the field ask for.
pub(super) fn read_list(
    filter: Option<UserWhere>,
    order_by: Option<UserSort>,
    search: Option<String>,
) -> Result<UserList, Fault> {
    let mut left = ConditionsLeft::default();
    let filter = filter.map(|filter| filter.read(&mut left)).transpose()?;
    let sort = order_by.map(|sort| account::UserSort {
        field: sort.field.into(),
        descending: sort.direction == SortDirection::Desc,
    });
    let search = read_search(search)?;
    Ok(UserList { filter, sort, search })
}

/// Puts the conditions of a group into one.
type Combine = fn(Vec<UserFilter>) -> UserFilter;

impl UserWhere {
    fn read(self, left: &mut ConditionsLeft) -> Result<UserFilter, Fault> {
        let mut conditions = Vec::new();
        let groups: [(_, Combine); 3] = [
            (self.and, UserFilter::And),
            (self.or, UserFilter::Or),
            (self.not.map(|filter| vec![*filter]), UserFilter::Not),
        ];
        for (group, combine) in groups {
            if let Some(group) = group {
                left.take()?;
                let group: Result<Vec<_>, _> = group.into_iter().map(|w| w.read(left)).collect();
                conditions.push(combine(group?));
            }
        }
        if let Some(filter) = self.id {
            conditions.extend(filter.read(NodeKind::User)?.into_iter().map(UserFilter::Id));
        }
        if let Some(filter) = self.email {
            conditions.extend(filter.read_values()?.into_iter().map(UserFilter::Email));
            let contains = filter.read_contains()?.map(str::to_owned);
            conditions.extend(contains.map(UserFilter::EmailContains));
        }
        if let Some(filter) = self.name {
            conditions.extend(filter.read_values()?.into_iter().map(UserFilter::Name));
            let contains = filter.read_contains()?.map(str::to_owned);
            conditions.extend(contains.map(UserFilter::NameContains));
        }
        if let Some(roles) = self.role {
            conditions.push(UserFilter::Role(roles.into_iter().map(Into::into).collect()));
        }
        conditions.extend(self.active.map(UserFilter::Active));
        conditions.extend(self.email_verified.map(UserFilter::EmailVerified));
        if let Some(created) = self.created_at {
            let (gte, lte) = created.bounds();
            conditions.push(UserFilter::Created(gte, lte));
        }
        for _ in &conditions {
            left.take()?;
        }
        Ok(UserFilter::And(conditions))
    }
}
