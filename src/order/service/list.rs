//! Pages of orders: one's own, or all for staff.

use crate::account::typed_key;
use crate::auth::{Permission, Viewer};
use crate::db::keys::among;
use crate::db::page::{Keyset, Page, Window};
use crate::db::text::{begins_with, contains};
use crate::order::service::find::seen_by;
use crate::order::service::{Orders, orders, select_orders};
use crate::order::{
    Order, OrderError, OrderFilter, OrderKind, OrderList, OrderSort, OrderSortField, OrderStatus,
    number,
};
use crate::validation::{Problem, ProblemKind};
use entity::shop_order::{Column, Entity, Model};
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{
    Alias, Asterisk, Expr, ExprTrait, Query, SelectStatement, SimpleExpr, UnionType,
};
use std::collections::HashMap;
use uuid::Uuid;

/// Accounts in one statement at most: SQLite takes 500 terms in a compound select, and 100 keep its
/// planner quick.
const CUSTOMERS_AT_ONCE: usize = 100;

#[derive(FromQueryResult)]
struct Count {
    count: i64,
}

#[derive(FromQueryResult)]
struct CustomerCount {
    customer_id: Option<Uuid>,
    count: i64,
}

impl Orders {
    /// A page of a list of orders, of those that the viewer may see.
    ///
    /// # Errors
    /// [`OrderError::Invalid`] for a cursor that cannot be of this list.
    pub async fn list(
        &self,
        viewer: &Viewer,
        list: &OrderList,
        window: &Window,
    ) -> Result<Page<Order>, OrderError> {
        viewer.may(Permission::OrderList)?;
        check_cursors(list.sort, window)?;
        let mut select = select_orders();
        self.restrict(&mut select, viewer, list);
        keyset(list.sort).apply(&mut select, window);
        Ok(Page::cut(orders(self.db.all::<Model>(&select).await?)?, window))
    }

    /// How many orders a list has, of those that the viewer may see.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count(&self, viewer: &Viewer, list: &OrderList) -> Result<u64, OrderError> {
        viewer.may(Permission::OrderList)?;
        let mut select = Query::select();
        select.expr_as(Expr::col(Asterisk).count(), "count").from(Entity);
        self.restrict(&mut select, viewer, list);
        let count = self.db.one::<Count>(&select).await?;
        Ok(count.and_then(|row| u64::try_from(row.count).ok()).unwrap_or_default())
    }

    /// The same page of the orders of many accounts, in one statement, the latest first; of those
    /// that the viewer may see.
    ///
    /// # Errors
    /// As [`Orders::list`].
    pub async fn list_of(
        &self,
        viewer: &Viewer,
        customers: &[Uuid],
        window: &Window,
    ) -> Result<HashMap<Uuid, Page<Order>>, OrderError> {
        viewer.may(Permission::OrderList)?;
        check_cursors(OrderSort::default(), window)?;
        let mut found: HashMap<Uuid, Vec<Order>> =
            customers.iter().map(|customer| (*customer, Vec::new())).collect();
        for chunk in customers.chunks(CUSTOMERS_AT_ONCE) {
            let mut parts = chunk.iter().map(|customer| {
                let mut select = select_orders();
                select
                    .and_where(column(Column::CustomerId).eq(*customer))
                    .and_where_option(seen_by(viewer));
                keyset(OrderSort::default()).apply(&mut select, window);
                // A limited select can stand in a union only inside a select of its own.
                let mut outer = Query::select();
                outer.column(Asterisk).from_subquery(select, Alias::new("part"));
                outer
            });
            let Some(mut union) = parts.next() else { continue };
            for part in parts {
                union.union(UnionType::All, part);
            }
            for order in orders(self.db.all::<Model>(&union).await?)? {
                if let Some(customer) = order.customer_id {
                    found.entry(customer).or_default().push(order);
                }
            }
        }
        // What a union gives is in no order.
        let sorted = found.into_iter().map(|(customer, mut rows)| {
            rows.sort_by_key(|order| (order.created_at, order.id));
            if !window.backward {
                rows.reverse();
            }
            (customer, Page::cut(rows, window))
        });
        Ok(sorted.collect())
    }

    /// How many orders each of these accounts has, of those that the viewer may see.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_of(
        &self,
        viewer: &Viewer,
        customers: &[Uuid],
    ) -> Result<HashMap<Uuid, u64>, OrderError> {
        viewer.may(Permission::OrderList)?;
        let mut select = Query::select();
        select
            .column(Column::CustomerId)
            .expr_as(Expr::col(Asterisk).count(), "count")
            .from(Entity)
            .and_where(among(column(Column::CustomerId), customers))
            .and_where_option(seen_by(viewer))
            .group_by_col(Column::CustomerId);
        let rows = self.db.all::<CustomerCount>(&select).await?;
        let counts = rows.into_iter().filter_map(|row| {
            Some((row.customer_id?, u64::try_from(row.count).unwrap_or_default()))
        });
        Ok(counts.collect())
    }

    fn restrict(&self, select: &mut SelectStatement, viewer: &Viewer, list: &OrderList) {
        select
            .and_where_option(seen_by(viewer))
            .and_where_option(list.filter.as_ref().map(condition));
        if let Some(search) = &list.search {
            let postgres = self.db.is_postgres();
            let by_number = begins_with(postgres, column(Column::Number), &number::read(search));
            let by_email = begins_with(postgres, column(Column::EmailKey), &typed_key(search));
            select.and_where(by_number.or(by_email));
        }
    }
}

fn check_cursors(sort: OrderSort, window: &Window) -> Result<(), OrderError> {
    if window.after.iter().chain(&window.before).all(|cursor| sort.knows(&cursor.key)) {
        return Ok(());
    }
    let message = "The cursor is not one of this list.";
    Err(Problem::new(ProblemKind::Invalid, ["after"], message).into())
}

fn keyset(sort: OrderSort) -> Keyset {
    let key = match sort.field {
        OrderSortField::CreatedAt => Column::CreatedAt,
        OrderSortField::UpdatedAt => Column::UpdatedAt,
        OrderSortField::Number => Column::Number,
    };
    Keyset { key: Some(column(key)), id: column(Column::Id), descending: sort.descending }
}

fn column(column: Column) -> SimpleExpr {
    Expr::col((Entity, column))
}

fn condition(filter: &OrderFilter) -> SimpleExpr {
    match filter {
        OrderFilter::And(filters) => all(filters.iter().map(condition)),
        OrderFilter::Or(filters) => any(filters),
        OrderFilter::Not(filters) => any(filters).not(),
        OrderFilter::Id(ids) => among(column(Column::Id), ids),
        OrderFilter::Number(numbers) => {
            let numbers: Vec<String> = numbers.iter().map(|text| number::read(text)).collect();
            among(column(Column::Number), &numbers)
        }
        OrderFilter::NumberContains(text) => contains(column(Column::Number), &number::read(text)),
        OrderFilter::Email(emails) => {
            let keys: Vec<String> = emails.iter().map(|email| typed_key(email)).collect();
            among(column(Column::EmailKey), &keys)
        }
        OrderFilter::EmailContains(text) => contains(column(Column::EmailKey), &typed_key(text)),
        OrderFilter::Kind(kinds) => {
            let words: Vec<&str> = kinds.iter().copied().map(OrderKind::as_str).collect();
            among(column(Column::Kind), &words)
        }
        OrderFilter::Status(statuses) => {
            let words: Vec<&str> = statuses.iter().copied().map(OrderStatus::as_str).collect();
            among(column(Column::Status), &words)
        }
        // Of a guest's order NULL would be neither true nor false.
        OrderFilter::Customer(ids) => {
            column(Column::CustomerId).is_not_null().and(among(column(Column::CustomerId), ids))
        }
        OrderFilter::Total(least, most) => {
            let currency = least.or(*most).map(|end| end.currency.code());
            all([
                currency.map(|code| column(Column::Currency).eq(code)),
                least.map(|end| column(Column::Total).gte(end.minor)),
                most.map(|end| column(Column::Total).lte(end.minor)),
            ]
            .into_iter()
            .flatten())
        }
        OrderFilter::Created(gte, lte) => within(Column::CreatedAt, *gte, *lte),
        OrderFilter::Updated(gte, lte) => within(Column::UpdatedAt, *gte, *lte),
    }
}

fn within(
    time: Column,
    gte: Option<crate::db::Timestamp>,
    lte: Option<crate::db::Timestamp>,
) -> SimpleExpr {
    let ends = [gte.map(|end| column(time).gte(end)), lte.map(|end| column(time).lte(end))];
    all(ends.into_iter().flatten())
}

/// All of the conditions; of none, true.
fn all(conditions: impl Iterator<Item = SimpleExpr>) -> SimpleExpr {
    conditions.reduce(ExprTrait::and).unwrap_or_else(|| Expr::cust("1 = 1"))
}

/// One of the conditions; of none, false.
fn any(filters: &[OrderFilter]) -> SimpleExpr {
    let any = filters.iter().map(condition).reduce(ExprTrait::or);
    any.unwrap_or_else(|| Expr::cust("1 = 2"))
}
