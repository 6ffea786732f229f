//! The addresses of an account. Whose they are is part of every query: another's is not there.

use crate::account::address::{Address, MAX_ADDRESSES, PostalAddress};
use crate::account::service::change::{lock_in_txn, own};
use crate::account::service::invalid;
use crate::account::{AccountError, Accounts};
use crate::auth::{Denied, Permission, Viewer};
use crate::country::Country;
use crate::db::keys::{MAX_KEYS, among};
use crate::db::{DbError, Tx};
use crate::validation::{Problem, ProblemKind};
use entity::address::{Column, Entity, Model};
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query, SelectStatement, SimpleExpr};
use sea_orm::{EntityTrait, QueryFilter, QueryTrait};
use std::collections::HashMap;
use uuid::Uuid;

/// What is to change of an address; None leaves it.
#[derive(Debug, Clone)]
pub struct AddressChange {
    /// The address.
    pub id: Uuid,
    /// Where it is, as a whole.
    pub postal: Option<PostalAddress>,
    /// Whether orders go there; true takes it from the one that was.
    pub is_default_shipping: Option<bool>,
    /// Whether invoices go there; true takes it from the one that was.
    pub is_default_billing: Option<bool>,
}

impl Accounts {
    /// Adds an address to the book of the account that asks. The first one is the default for
    /// everything. One that is in the book already is not added again.
    ///
    /// # Errors
    /// [`AccountError::Invalid`] with everything that is wrong, and when the book is full.
    pub async fn add_address(
        &self,
        viewer: &Viewer,
        postal: PostalAddress,
        [shipping, billing]: [bool; 2],
    ) -> Result<Address, AccountError> {
        let user_id = own(viewer)?;
        let postal = &checked(postal)?;
        self.db
            .tx(|tx| async move {
                let book = book_in_txn(&tx, user_id).await?;
                if let Some(known) = book.iter().find(|address| address.postal == *postal) {
                    let wish = |wanted: bool| wanted.then_some(true);
                    let defaults = [wish(shipping), wish(billing)];
                    return write_in_txn(&tx, &book, known, None, defaults).await;
                }
                if u64::try_from(book.len()).unwrap_or(u64::MAX) >= MAX_ADDRESSES {
                    let message = format!("An account has at most {MAX_ADDRESSES} addresses.");
                    let problem = Problem::new(ProblemKind::LimitReached, ["address"], message);
                    return Err(invalid([problem]));
                }
                let first = book.is_empty();
                insert_in_txn(&tx, user_id, postal, [shipping || first, billing || first]).await
            })
            .await
    }

    /// Changes an address of the account that asks.
    ///
    /// # Errors
    /// [`AccountError::Invalid`] with everything that is wrong, also when it has no such address.
    pub async fn change_address(
        &self,
        viewer: &Viewer,
        change: AddressChange,
    ) -> Result<Address, AccountError> {
        let user_id = own(viewer)?;
        let postal = change.postal.map(checked).transpose()?;
        let (postal, defaults) =
            (postal.as_ref(), [change.is_default_shipping, change.is_default_billing]);
        self.db
            .tx(|tx| async move {
                let book = book_in_txn(&tx, user_id).await?;
                let address = find(&book, change.id)?;
                write_in_txn(&tx, &book, address, postal, defaults).await
            })
            .await
    }

    /// Takes an address out of the book of the account that asks. When it was a default, there is
    /// none until another one is named.
    ///
    /// # Errors
    /// [`AccountError::Invalid`] when it has no such address.
    pub async fn delete_address(&self, viewer: &Viewer, id: Uuid) -> Result<(), AccountError> {
        let user_id = own(viewer)?;
        self.db
            .tx(|tx| async move {
                let book = book_in_txn(&tx, user_id).await?;
                find(&book, id)?;
                let mut delete = Query::delete();
                delete
                    .from_table(Entity)
                    .and_where(Expr::col(Column::Id).eq(id))
                    .and_where(Expr::col(Column::UserId).eq(user_id));
                tx.run(&delete).await?;
                Ok(())
            })
            .await
    }

    /// Addresses by key: one's own, and for administrators every one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_addresses(
        &self,
        viewer: &Viewer,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Address>, AccountError> {
        let mut found = HashMap::new();
        if let Some(visible) = visible(viewer) {
            for ids in ids.chunks(MAX_KEYS) {
                let query = Entity::find().filter(among(Expr::col(Column::Id), ids));
                let query = query.filter(visible.clone()).into_query();
                let addresses = self.db.all::<Model>(&query).await?.into_iter().map(address);
                found.extend(addresses.map(|address| (address.id, address)));
            }
        }
        Ok(found)
    }

    /// The address books of accounts: one's own, and for administrators every one. Those of others
    /// are empty.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_address_books(
        &self,
        viewer: &Viewer,
        users: &[Uuid],
    ) -> Result<HashMap<Uuid, Vec<Address>>, AccountError> {
        let mut books: HashMap<Uuid, Vec<Address>> =
            users.iter().map(|user| (*user, Vec::new())).collect();
        if let Some(visible) = visible(viewer) {
            for users in users.chunks(MAX_KEYS) {
                let mut query = book_of(among(Expr::col(Column::UserId), users));
                query.and_where(visible.clone());
                for address in self.db.all::<Model>(&query).await?.into_iter().map(address) {
                    books.entry(address.user_id).or_default().push(address);
                }
            }
        }
        Ok(books)
    }
}

/// What the viewer may see of all addresses; None: nothing.
fn visible(viewer: &Viewer) -> Option<SimpleExpr> {
    if viewer.can(Permission::AccountManage) {
        return Some(Expr::cust("1 = 1"));
    }
    viewer.user_id().map(|own| Expr::col(Column::UserId).eq(own))
}

pub(crate) fn book_of(whose: SimpleExpr) -> SelectStatement {
    let mut query = Entity::find().filter(whose).into_query();
    query.order_by(Column::Id, Order::Asc);
    query
}

/// The address book of an account, which is locked: books change one change after the other.
async fn book_in_txn(tx: &Tx, user_id: Uuid) -> Result<Vec<Address>, AccountError> {
    let account = lock_in_txn(tx, user_id).await?.filter(|account| account.active);
    account.ok_or(Denied::Unauthenticated)?;
    let models: Vec<Model> = tx.all(&book_of(Expr::col(Column::UserId).eq(user_id))).await?;
    Ok(models.into_iter().map(address).collect())
}

fn find(book: &[Address], id: Uuid) -> Result<&Address, AccountError> {
    book.iter().find(|address| address.id == id).ok_or_else(|| {
        invalid([Problem::new(ProblemKind::NotFound, ["id"], "You have no such address.")])
    })
}

async fn insert_in_txn(
    tx: &Tx,
    user_id: Uuid,
    postal: &PostalAddress,
    [shipping, billing]: [bool; 2],
) -> Result<Address, AccountError> {
    stand_back_in_txn(tx, user_id, Column::IsDefaultShipping, shipping).await?;
    stand_back_in_txn(tx, user_id, Column::IsDefaultBilling, billing).await?;
    let own = [
        (Column::Id, Expr::value(Uuid::now_v7())),
        (Column::UserId, Expr::value(user_id)),
        (Column::IsDefaultShipping, Expr::value(shipping)),
        (Column::IsDefaultBilling, Expr::value(billing)),
        (Column::CreatedAt, tx.db().now_sql()),
        (Column::UpdatedAt, tx.db().now_sql()),
    ];
    let (columns, values): (Vec<Column>, Vec<SimpleExpr>) =
        own.into_iter().chain(values(postal)).unzip();
    let mut insert = Query::insert();
    insert.into_table(Entity).columns(columns).values_panic(values).returning_all();
    let model: Option<Model> = tx.one(&insert).await?;
    model.map(address).ok_or_else(|| AccountError::Fault("INSERT returned no row".to_owned()))
}

async fn write_in_txn(
    tx: &Tx,
    book: &[Address],
    changed: &Address,
    postal: Option<&PostalAddress>,
    [shipping, billing]: [Option<bool>; 2],
) -> Result<Address, AccountError> {
    let user_id = changed.user_id;
    let taken = |wanted: Option<bool>, has: fn(&Address) -> bool| {
        wanted == Some(true) && book.iter().any(|other| other.id != changed.id && has(other))
    };
    let from_shipping = taken(shipping, |address| address.is_default_shipping);
    let from_billing = taken(billing, |address| address.is_default_billing);
    stand_back_in_txn(tx, user_id, Column::IsDefaultShipping, from_shipping).await?;
    stand_back_in_txn(tx, user_id, Column::IsDefaultBilling, from_billing).await?;
    let mut update = Query::update();
    update
        .table(Entity)
        .value(Column::UpdatedAt, tx.db().now_sql())
        .values(postal.into_iter().flat_map(values))
        .values(shipping.map(|is| (Column::IsDefaultShipping, Expr::value(is))))
        .values(billing.map(|is| (Column::IsDefaultBilling, Expr::value(is))))
        .and_where(Expr::col(Column::Id).eq(changed.id))
        .and_where(Expr::col(Column::UserId).eq(user_id))
        .returning_all();
    let model: Option<Model> = tx.one(&update).await?;
    model.map(address).ok_or_else(|| AccountError::Fault("UPDATE returned no row".to_owned()))
}

/// The default that there is makes way for another one.
async fn stand_back_in_txn(
    tx: &Tx,
    user_id: Uuid,
    default: Column,
    is_needed: bool,
) -> Result<(), DbError> {
    if !is_needed {
        return Ok(());
    }
    let mut update = Query::update();
    update
        .table(Entity)
        .value(default, false)
        .value(Column::UpdatedAt, tx.db().now_sql())
        .and_where(Expr::col(Column::UserId).eq(user_id))
        .and_where(Expr::col(default).eq(true));
    tx.run(&update).await.map(drop)
}

fn values(postal: &PostalAddress) -> [(Column, SimpleExpr); 7] {
    [
        (Column::Name, Expr::value(postal.name.as_str())),
        (Column::Line1, Expr::value(postal.line1.as_str())),
        (Column::Line2, Expr::value(postal.line2.clone())),
        (Column::City, Expr::value(postal.city.as_str())),
        (Column::Region, Expr::value(postal.region.clone())),
        (Column::PostalCode, Expr::value(postal.postal_code.as_str())),
        (Column::Country, Expr::value(postal.country.code())),
    ]
}

fn checked(postal: PostalAddress) -> Result<PostalAddress, AccountError> {
    postal.checked().map_err(|problems| {
        AccountError::Invalid(problems.into_iter().map(|p| p.within(["address"])).collect())
    })
}

fn address(model: Model) -> Address {
    Address {
        id: model.id,
        user_id: model.user_id,
        postal: PostalAddress {
            name: model.name,
            line1: model.line1,
            line2: model.line2,
            city: model.city,
            region: model.region,
            postal_code: model.postal_code,
            // Only codes of the standard are written; one of a later version is shown as unknown.
            country: Country::from_code(&model.country).unwrap_or(Country::UNKNOWN),
        },
        is_default_shipping: model.is_default_shipping,
        is_default_billing: model.is_default_billing,
    }
}
