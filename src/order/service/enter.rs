//! Orders of customers that staff enter: the prices, the stock and the payment of a checkout,
//! without a cart.

use crate::account::EmailAddress;
use crate::auth::{Permission, Viewer};
use crate::cart::{Item, LineProblem, Quote};
use crate::db::Tx;
use crate::idempotency::{Claim, IdempotencyKey};
use crate::jobs::{NewJob, enqueue_in_txn};
use crate::order::checkout::Addressed;
use crate::order::entry::EntryAddresses;
use crate::order::goods::at;
use crate::order::jobs::Entered;
use crate::order::service::Orders;
use crate::order::service::keyed::bind;
use crate::order::service::place::{ROUNDS, Round, count_attempt};
use crate::order::service::record::Step;
use crate::order::service::ware::{Wanted, wanted_in_txn};
use crate::order::service::write::{
    Owner, Written, check_total, destination, insert_lines_in_txn, insert_order_in_txn, needed,
};
use crate::order::{EnterSale, EventKind, GuestToken, Order, OrderError, OrderStatus, Placed};
use crate::stock::{ReserveOrder, Served};
use crate::validation::{Problem, ProblemKind};
use chrono::TimeDelta;
use entity::user_account::{Column as U, Entity as Accounts};
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use std::sync::Arc;
use uuid::Uuid;

/// A sale that is ready to be written.
struct Ready {
    viewer: Viewer,
    ask: EnterSale,
    addresses: EntryAddresses,
    key: Option<IdempotencyKey>,
}

#[derive(FromQueryResult)]
struct Account {
    email: String,
    email_key: String,
}

impl Orders {
    /// Writes a customer's order at the prices of this moment, sets its stock aside, and has it
    /// paid when it is told how. Else it waits for its buyer, who is told by mail.
    ///
    /// # Errors
    /// [`OrderError`] when it was refused: then nothing happened.
    pub async fn enter_sale(&self, viewer: &Viewer, ask: EnterSale) -> Result<Placed, OrderError> {
        viewer.may(Permission::OrderWrite)?;
        let addresses = ask.addressed().map_err(OrderError::Invalid)?;
        if let Some(payment) = &ask.payment {
            self.payments.check_method(&payment.provider, &payment.method)?;
        }
        let key = bind(viewer, "orderCreate", ask.idempotency_key.as_deref(), &ask)?;
        let ready = Arc::new(Ready { viewer: *viewer, ask, addresses, key });
        let written = self.write_entry(&ready).await;
        count_attempt(&written);
        let (written, replayed) = written?;
        let placed = self.see_through(&written, ready.key.as_ref(), replayed).await?;
        let guest_token = self.guest_token(written.order_id).await?;
        Ok(Placed { guest_token, ..placed })
    }

    async fn write_entry(&self, ready: &Arc<Ready>) -> Result<(Written, bool), OrderError> {
        for _ in 0..ROUNDS {
            let result = self.write_entry_once(ready, Round::Early).await;
            match &result {
                Err(error) if self.ends_dead_holds(error).await => {}
                _ => return result,
            }
        }
        self.write_entry_once(ready, Round::Last).await
    }

    async fn write_entry_once(
        &self,
        ready: &Arc<Ready>,
        round: Round,
    ) -> Result<(Written, bool), OrderError> {
        let writing = self.db.tx(|tx| {
            let (orders, ready) = (self.clone(), Arc::clone(ready));
            async move {
                if let Some(key) = &ready.key
                    && let Claim::Earlier(earlier) = key.claim_in_txn::<Written>(&tx).await?
                {
                    return Ok((earlier, true));
                }
                Ok((orders.write_entry_in_txn(&tx, &ready, round).await?, false))
            }
        });
        writing.await
    }

    async fn write_entry_in_txn(
        &self,
        tx: &Tx,
        ready: &Ready,
        round: Round,
    ) -> Result<Written, OrderError> {
        let Ready { viewer, ask, addresses, key } = ready;
        let addressed = Addressed {
            email: email_in_txn(tx, ask, addresses.email.as_ref()).await?,
            shipping: addresses.shipping.clone(),
            billing: addresses.billing.clone(),
        };
        let (quote, served) = self.quote_entry_in_txn(tx, ask, addresses, round).await?;
        let order_id = Uuid::now_v7();
        let token_key = ask.customer_id.is_none().then(random_key);
        let owner = Owner {
            customer_id: ask.customer_id,
            token: token_key.map(|key| GuestToken::of(key, order_id)),
            cart_id: None,
            token_key,
        };
        let heard = self.db.heard(tx.clock().await?);
        let now = heard.at();
        let order = insert_order_in_txn(tx, &addressed, &quote, &owner, (order_id, now))?;
        let lines = insert_lines_in_txn(tx, order.id, &quote)?;
        self.note_in_txn(tx, &order, (EventKind::Placed, None, None), viewer);
        let opened = match &ask.payment {
            Some(payment) => {
                let payment = (payment, Uuid::now_v7());
                self.open_first_payment_in_txn(tx, &order, payment, heard)?
            }
            None => None,
        };
        let written = Written::new(order.id, opened, &lines);
        if let Some(key) = key {
            key.record_in_txn(tx, &written).await?;
        }
        self.hold_in_txn(tx, ask, needed(order.id, &lines), served).await?;
        self.flash_sales.take_in_txn(tx, order.id, &quote.takes()).await?;
        self.go_on_in_txn(tx, viewer, &order, written.payment_id).await?;
        Ok(written)
    }

    /// Stock last: a hot level stays locked until the commit.
    async fn hold_in_txn(
        &self,
        tx: &Tx,
        ask: &EnterSale,
        reserve: ReserveOrder,
        served: Served,
    ) -> Result<(), OrderError> {
        let hold = ask.hold_minutes.map_or(self.policy.hold, TimeDelta::minutes);
        let reserved = self.stock.reserve_in_txn(tx, &[reserve], hold, Some(served)).await?;
        match reserved.into_iter().next() {
            Some(Err(shortages)) => Err(OrderError::Insufficient(shortages)),
            _ => Ok(()),
        }
    }

    /// Nothing to pay is paid; what waits for its buyer tells them.
    async fn go_on_in_txn(
        &self,
        tx: &Tx,
        viewer: &Viewer,
        order: &Order,
        payment_id: Option<Uuid>,
    ) -> Result<(), OrderError> {
        if payment_id.is_some() {
            return Ok(());
        }
        if order.total == 0 {
            self.stock.commit_in_txn(tx, order.id).await?;
            let step = Step::new(EventKind::Paid, OrderStatus::Paid, viewer);
            return self.confirm_in_txn(tx, order, step).await.map(drop);
        }
        let job = NewJob::new(&Entered { order_id: order.id });
        enqueue_in_txn(tx, &job.dedupe(format!("order.entered:{}", order.id))).await?;
        Ok(())
    }

    /// What it costs now, by the code that prices carts.
    async fn quote_entry_in_txn(
        &self,
        tx: &Tx,
        ask: &EnterSale,
        addresses: &EntryAddresses,
        round: Round,
    ) -> Result<(Quote, Served), OrderError> {
        let wanted = wanted_in_txn(tx, &ask.lines).await?;
        let item = |one: &Wanted| Item {
            line_id: None,
            variant_id: one.ware.id,
            quantity: one.quantity,
            seen_price: None,
        };
        let items: Vec<Item> = wanted.iter().map(item).collect();
        let to = destination(&addresses.shipping);
        let method = ask.shipping_method.as_deref();
        let pricing = self.carts.quote_in_txn(tx, ask.currency, &items, Some(&to), method);
        let (quote, served) = pricing.await?;
        self.check_sold_out_in_txn(tx, &quote, round).await?;
        let gone: Vec<Problem> = quote
            .problems
            .iter()
            .filter(|it| it.problem == LineProblem::Unavailable)
            .filter_map(|it| wanted.get(it.line))
            .map(|one| {
                let message = format!("{} is not sold in {}.", one.ware.sku, ask.currency);
                at(one.index, "sku", ProblemKind::Invalid, message)
            })
            .collect();
        if !gone.is_empty() {
            return Err(OrderError::Invalid(gone));
        }
        check_total(ask.expected_total, &quote)?;
        Ok((quote, served))
    }
}

/// Where mail about the order goes: as it was told, else to the customer's account.
async fn email_in_txn(
    tx: &Tx,
    ask: &EnterSale,
    told: Option<&EmailAddress>,
) -> Result<EmailAddress, OrderError> {
    let Some(customer_id) = ask.customer_id else {
        return told.cloned().ok_or_else(|| OrderError::fault("an order has no address for mail"));
    };
    let mut select = Query::select();
    select
        .columns([U::Email, U::EmailKey])
        .from(Accounts)
        .and_where(Expr::col(U::Id).eq(customer_id))
        .and_where(Expr::col(U::Active).eq(true))
        .and_where(Expr::col(U::ErasedAt).is_null());
    let Some(account) = tx.one::<Account>(&select).await? else {
        let message = "There is no active account with this id.";
        return Err(Problem::new(ProblemKind::NotFound, ["customerId"], message).into());
    };
    let own = EmailAddress { address: account.email, key: account.email_key };
    Ok(told.cloned().unwrap_or(own))
}

/// 128 bits that nobody can guess.
fn random_key() -> Uuid {
    Uuid::from_u128(rand::random())
}
