//! New carts. A guest can have any number of them, a customer has one open.

use crate::auth::{Denied, Permission, Viewer};
use crate::cart::plan::check_lines;
use crate::cart::service::keyed::bind_new;
use crate::cart::service::lock::lines_in_txn;
use crate::cart::service::row::{OPEN, cart, column, is_open};
use crate::cart::service::{Carts, Changed};
use crate::cart::{Cart, CartError, NewLine};
use crate::db::Tx;
use crate::money::Currency;
use crate::validation::{Problem, ProblemKind};
use entity::cart::{Column, Entity, Model};
use entity::user_account;
use sea_orm::EntityTrait;
use sea_orm::QueryTrait;
use sea_orm::sea_query::{Expr, ExprTrait, LockType, OnConflict, Query};
use uuid::Uuid;

/// A cart to be made.
#[derive(Debug, Clone, Default)]
pub struct NewCart {
    /// The currency of its amounts; None: the shop's, or that of the cart that there is.
    pub currency: Option<Currency>,
    /// What is put into it; may be empty.
    pub lines: Vec<NewLine>,
}

impl Carts {
    /// Makes a cart. A customer who has an open one gets that, with the lines added to it.
    ///
    /// # Errors
    /// [`CartError::Invalid`] with everything that is wrong; nothing is made then.
    pub async fn create(
        &self,
        viewer: &Viewer,
        new: &NewCart,
        idempotency_key: Option<&str>,
    ) -> Result<Changed, CartError> {
        viewer.may(Permission::CartUse)?;
        let input = (new.currency, &new.lines);
        let key = bind_new(viewer, "cartCreate", idempotency_key, &input)?;
        if !new.lines.is_empty() {
            check_lines(&new.lines, 1)?;
        }
        self.keyed(key, |tx| async move {
            let currency = new.currency.unwrap_or(self.shop_currency);
            let cart = match viewer.user_id() {
                Some(user) => {
                    let own = self.own_in_txn(&tx, user, currency).await?;
                    match new.currency {
                        Some(asked) => in_currency_in_txn(&tx, own, asked).await?,
                        None => own,
                    }
                }
                None => self
                    .insert_in_txn(&tx, None, currency)
                    .await?
                    .ok_or_else(|| CartError::fault("INSERT returned no row"))?,
            };
            let warnings = match new.lines.is_empty() {
                true => Vec::new(),
                false => self.add_in_txn(&tx, &cart, &new.lines).await?,
            };
            Ok((cart.id, warnings))
        })
        .await
    }

    /// The open cart of a customer, locked to be changed; made when there is none.
    pub(super) async fn own_in_txn(
        &self,
        tx: &Tx,
        customer_id: Uuid,
        currency: Currency,
    ) -> Result<Cart, CartError> {
        if let Some(own) = self.touch_own_in_txn(tx, customer_id).await? {
            return Ok(own);
        }
        let mut account = user_account::Entity::find_by_id(customer_id).into_query();
        // Until the end of this: whoever erases the account comes before, or finds the cart.
        account.lock(LockType::KeyShare);
        let account: Option<user_account::Model> = tx.one(&account).await?;
        account.filter(|account| account.active).ok_or(Denied::Unauthenticated)?;
        // One that has expired counts as none.
        let mut expired = Query::delete();
        expired
            .from_table(Entity)
            .and_where(column(Column::CustomerId).eq(customer_id))
            .and_where(column(Column::Status).eq(OPEN))
            .and_where(column(Column::ExpiresAt).lte(tx.db().now_sql()));
        tx.run(&expired).await?;
        if let Some(made) = self.insert_in_txn(tx, Some(customer_id), currency).await? {
            return Ok(made);
        }
        let others = self.touch_own_in_txn(tx, customer_id).await?;
        others.ok_or_else(|| CartError::again("a customer's cart came and went"))
    }

    async fn touch_own_in_txn(
        &self,
        tx: &Tx,
        customer_id: Uuid,
    ) -> Result<Option<Cart>, CartError> {
        let mut update = self.update(tx, column(Column::CustomerId).eq(customer_id));
        update.and_where(is_open(tx.db())).returning_all();
        Ok(tx.one::<Model>(&update).await?.map(cart).transpose()?)
    }

    /// Makes an empty cart; None when the customer has an open one.
    async fn insert_in_txn(
        &self,
        tx: &Tx,
        customer_id: Option<Uuid>,
        currency: Currency,
    ) -> Result<Option<Cart>, CartError> {
        let db = tx.db();
        let lifetime = customer_id.map_or(self.lifetimes.guest, |_| self.lifetimes.customer);
        let mut insert = Query::insert();
        insert
            .into_table(Entity)
            .columns([
                Column::Id,
                Column::CustomerId,
                Column::Currency,
                Column::Status,
                Column::CreatedAt,
                Column::UpdatedAt,
                Column::ExpiresAt,
            ])
            .values_panic([
                // Not a UUID of any version: all its 128 bits are random, as it is a secret.
                Expr::value(Uuid::from_bytes(rand::random())),
                Expr::value(customer_id),
                Expr::value(currency.code()),
                Expr::value(OPEN),
                db.now_sql(),
                db.now_sql(),
                db.now_plus_sql(lifetime),
            ])
            .on_conflict(OnConflict::new().do_nothing().to_owned())
            .returning_all();
        Ok(tx.one::<Model>(&insert).await?.map(cart).transpose()?)
    }
}

/// A locked cart in this currency: an empty one can take another.
pub(super) async fn in_currency_in_txn(
    tx: &Tx,
    cart: Cart,
    currency: Currency,
) -> Result<Cart, CartError> {
    if cart.currency == currency {
        return Ok(cart);
    }
    if !lines_in_txn(tx, cart.id).await?.is_empty() {
        let message = format!(
            "Your cart is in {}. Empty it before you begin one in {currency}.",
            cart.currency
        );
        return Err(Problem::new(ProblemKind::CurrencyMismatch, ["currency"], message).into());
    }
    set_currency_in_txn(tx, cart, currency).await
}

/// Gives a locked, empty cart another currency.
pub(super) async fn set_currency_in_txn(
    tx: &Tx,
    cart: Cart,
    currency: Currency,
) -> Result<Cart, CartError> {
    let mut update = Query::update();
    update
        .table(Entity)
        .value(Column::Currency, currency.code())
        .and_where(column(Column::Id).eq(cart.id));
    tx.run(&update).await?;
    Ok(Cart { currency, ..cart })
}
