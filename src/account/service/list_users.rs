//! Pages of accounts, for administrators.

use crate::account::email::{TypedPart, typed_key};
use crate::account::list::{UserFilter, UserList, UserSortField};
use crate::account::{AccountError, Accounts, User};
use crate::auth::{Permission, Role, Viewer};
use crate::db::keys::among;
use crate::db::page::{Keyset, Page, Window};
use crate::db::text::contains;
use crate::text::name_key;
use entity::user_account::{Column, Entity, Model};
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, Query, SelectStatement, SimpleExpr};

#[derive(FromQueryResult)]
struct Count {
    count: i64,
}

impl Accounts {
    /// A page of a list of accounts. Administrators only.
    ///
    /// # Errors
    /// [`AccountError::BadArgument`] for a cursor that cannot be of this list.
    pub async fn list_users(
        &self,
        viewer: &Viewer,
        list: &UserList,
        window: &Window,
    ) -> Result<Page<User>, AccountError> {
        viewer.may(Permission::AccountList)?;
        if !window.after.iter().chain(&window.before).all(|cursor| list.knows(&cursor.key)) {
            let message = "The cursor is not one of this list.".to_owned();
            return Err(AccountError::BadArgument(message));
        }
        let mut select = select(list);
        select.column((Entity, Asterisk));
        keyset(list).apply(&mut select, window);
        let rows = self.db.all::<Model>(&select).await?;
        Ok(Page::cut(rows.into_iter().map(User::from).collect(), window))
    }

    /// How many accounts a list has. Administrators only.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_users(&self, viewer: &Viewer, list: &UserList) -> Result<u64, AccountError> {
        viewer.may(Permission::AccountList)?;
        let mut select = select(list);
        select.expr_as(column(Column::Id).count(), "count");
        let count = self.db.one::<Count>(&select).await?;
        Ok(count.and_then(|row| u64::try_from(row.count).ok()).unwrap_or_default())
    }
}

fn select(list: &UserList) -> SelectStatement {
    let mut select = Query::select();
    select.from(Entity).and_where_option(list.filter.as_ref().map(condition));
    if let Some(search) = &list.search {
        let name = contains(column(Column::NameKey), &name_key(search));
        select.and_where(name.or(email_contains(search)));
    }
    select
}

fn keyset(list: &UserList) -> Keyset {
    let key = list.sort.map(|sort| match sort.field {
        UserSortField::Name => column(Column::NameKey),
        UserSortField::Email => column(Column::EmailKey),
        UserSortField::CreatedAt => column(Column::CreatedAt),
    });
    let descending = list.sort.is_some_and(|sort| sort.descending);
    Keyset { key, id: column(Column::Id), descending }
}

fn column(column: Column) -> SimpleExpr {
    Expr::col((Entity, column))
}

fn condition(filter: &UserFilter) -> SimpleExpr {
    match filter {
        UserFilter::And(filters) => {
            let all = filters.iter().map(condition).reduce(ExprTrait::and);
            all.unwrap_or_else(|| Expr::cust("1 = 1"))
        }
        UserFilter::Or(filters) => any(filters),
        UserFilter::Not(filters) => any(filters).not(),
        UserFilter::Id(ids) => among(column(Column::Id), ids),
        UserFilter::Email(emails) => {
            let keys: Vec<String> = emails.iter().map(|email| typed_key(email)).collect();
            among(column(Column::EmailKey), &keys)
        }
        UserFilter::EmailContains(text) => email_contains(text),
        UserFilter::Name(names) => among(column(Column::Name), names),
        UserFilter::NameContains(text) => contains(column(Column::NameKey), &name_key(text)),
        UserFilter::Role(roles) => {
            let words: Vec<&str> = roles.iter().copied().map(Role::as_str).collect();
            among(column(Column::Role), &words)
        }
        UserFilter::Active(is) => column(Column::Active).eq(*is),
        UserFilter::EmailVerified(is) => column(Column::EmailVerified).eq(*is),
        UserFilter::Created(gte, lte) => {
            let created = || column(Column::CreatedAt);
            let ends = [gte.map(|least| created().gte(least)), lte.map(|most| created().lte(most))];
            let both = ends.into_iter().flatten().reduce(ExprTrait::and);
            both.unwrap_or_else(|| Expr::cust("1 = 1"))
        }
    }
}

/// Whether an address has this in it, whichever way its domain is written in either of them.
fn email_contains(text: &str) -> SimpleExpr {
    let TypedPart { key, domain, local } = TypedPart::read(text);
    let in_key = contains(column(Column::EmailKey), &key);
    match local {
        None => in_key.or(contains(column(Column::Email), &domain)),
        Some(local) => {
            let around = contains(column(Column::EmailKey), &format!("{local}@"))
                .and(contains(column(Column::Email), &format!("@{domain}")));
            in_key.or(around)
        }
    }
}

/// One of the conditions; of none, false.
fn any(filters: &[UserFilter]) -> SimpleExpr {
    let any = filters.iter().map(condition).reduce(ExprTrait::or);
    any.unwrap_or_else(|| Expr::cust("1 = 2"))
}
