//! Reading orders: each viewer's own, all for staff, one for who holds its token.

use crate::auth::{Permission, Viewer};
use crate::db::Tx;
use crate::db::keys::among;
use crate::money::Currency;
use crate::order::service::{Orders, orders, select_orders};
use crate::order::{Access, GuestToken, Order, OrderError, OrderEvent, OrderLine, number};
use entity::shop_order::{Column, Entity, Model};
use entity::{order_event, order_line};
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, Order as Sort, Query, SimpleExpr};
use std::collections::HashMap;
use uuid::Uuid;

fn column(column: Column) -> SimpleExpr {
    Expr::col((Entity, column))
}

/// The orders that a viewer sees; None: all of them.
pub(super) fn seen_by(viewer: &Viewer) -> Option<SimpleExpr> {
    if viewer.can(Permission::OrderRead) {
        return None;
    }
    Some(match viewer.user_id() {
        Some(id) => column(Column::CustomerId).eq(id),
        None => Expr::cust("1 = 2"),
    })
}

#[derive(FromQueryResult)]
struct LineRow {
    #[sea_orm(nested)]
    line: order_line::Model,
    currency: String,
}

impl Orders {
    /// Orders by key, those that the viewer may see.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_many(
        &self,
        viewer: &Viewer,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Order>, OrderError> {
        let mut select = select_orders();
        select.and_where(among(column(Column::Id), ids)).and_where_option(seen_by(viewer));
        let found = orders(self.db.all(&select).await?)?;
        Ok(found.into_iter().map(|order| (order.id, order)).collect())
    }

    /// Orders by number, those that the viewer may see, under the numbers as they were asked for.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_by_number(
        &self,
        viewer: &Viewer,
        asked: &[String],
    ) -> Result<HashMap<String, Order>, OrderError> {
        let numbers: Vec<String> =
            asked.iter().map(|text| number::read(text)).filter(|it| !it.contains('\0')).collect();
        let mut select = select_orders();
        select.and_where(among(column(Column::Number), &numbers)).and_where_option(seen_by(viewer));
        let found = orders(self.db.all(&select).await?)?;
        let found: HashMap<String, Order> =
            found.into_iter().map(|order| (order.number.clone(), order)).collect();
        let by_asked =
            |text: &String| Some((text.clone(), found.get(&number::read(text))?.clone()));
        Ok(asked.iter().filter_map(by_asked).collect())
    }

    /// The order that a guest's token lets one see.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_by_token(
        &self,
        viewer: &Viewer,
        token: &GuestToken,
    ) -> Result<Option<Order>, OrderError> {
        viewer.may(Permission::OrderPlace)?;
        let mut select = select_orders();
        select.and_where(column(Column::GuestTokenHash).eq(token.hash()));
        let row: Option<Model> = self.db.one(&select).await?;
        row.map(|row| Order::try_from(row).map_err(OrderError::fault)).transpose()
    }

    /// The order, if the viewer may see it or holds its token.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_for(
        &self,
        viewer: &Viewer,
        access: &Access,
    ) -> Result<Option<Order>, OrderError> {
        if let Some(token) = &access.token {
            let found = self.find_by_token(viewer, token).await?;
            return Ok(found.filter(|order| order.id == access.order_id));
        }
        Ok(self.find_many(viewer, &[access.order_id]).await?.remove(&access.order_id))
    }

    /// The way of a guest to an order, for the mail that carries it; None: it is an account's.
    pub(crate) async fn guest_token(&self, id: Uuid) -> Result<Option<GuestToken>, OrderError> {
        Ok(self.get_with_token(id).await?.and_then(|(_, token)| token))
    }

    /// An order with the way of a guest to it, whoever asks; None when there is no such order.
    pub(crate) async fn get_with_token(
        &self,
        id: Uuid,
    ) -> Result<Option<(Order, Option<GuestToken>)>, OrderError> {
        let mut select = select_orders();
        select.and_where(column(Column::Id).eq(id));
        let Some(row) = self.db.one::<Model>(&select).await? else { return Ok(None) };
        // What staff entered has no cart, and a key of its own in its place.
        let key = row.guest_token_hash.as_ref().and(row.cart_id.or(row.token_key));
        let token = key.map(|key| GuestToken::of(key, id));
        Ok(Some((Order::try_from(row).map_err(OrderError::fault)?, token)))
    }

    /// An order as it is now, whoever asks: for the server's own work.
    pub(crate) async fn get(&self, id: Uuid) -> Result<Order, OrderError> {
        let found = self.find_many(&Viewer::System, &[id]).await?.remove(&id);
        found.ok_or_else(OrderError::not_found)
    }

    /// Locks an order that the viewer may change: its owner, who holds its token, or staff.
    pub(super) async fn lock_for_in_txn(
        &self,
        tx: &Tx,
        viewer: &Viewer,
        access: &Access,
    ) -> Result<Order, OrderError> {
        let mut select = select_orders();
        select.and_where(column(Column::Id).eq(access.order_id)).lock_exclusive();
        match &access.token {
            Some(token) => {
                select.and_where(column(Column::GuestTokenHash).eq(token.hash()));
            }
            None if viewer.can(Permission::OrderWrite) => {}
            None => {
                let own = viewer.user_id().map(|id| column(Column::CustomerId).eq(id));
                select.and_where(own.unwrap_or_else(|| Expr::cust("1 = 2")));
            }
        }
        let row: Option<Model> = tx.one(&select).await?;
        let row = row.ok_or_else(OrderError::not_found)?;
        Order::try_from(row).map_err(OrderError::fault)
    }

    /// The lines of orders, in their order; for orders that the caller was found to be allowed to
    /// see.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn lines_of(
        &self,
        order_ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Vec<OrderLine>>, OrderError> {
        use order_line::Column as L;
        let mut select = Query::select();
        select
            .column((order_line::Entity, Asterisk))
            .column((Entity, Column::Currency))
            .from(order_line::Entity)
            .inner_join(
                Entity,
                Expr::col((Entity, Column::Id)).equals((order_line::Entity, L::OrderId)),
            )
            .and_where(among(Expr::col((order_line::Entity, L::OrderId)), order_ids))
            .order_by((order_line::Entity, L::OrderId), Sort::Asc)
            .order_by((order_line::Entity, L::Position), Sort::Asc);
        let mut found: HashMap<Uuid, Vec<OrderLine>> = HashMap::new();
        for LineRow { line, currency } in self.db.all::<LineRow>(&select).await? {
            let currency = Currency::from_code(&currency)
                .ok_or_else(|| OrderError::fault(format!("an order is in {currency}")))?;
            found.entry(line.order_id).or_default().push(OrderLine::of(line, currency));
        }
        Ok(found)
    }

    /// The history of orders, the oldest first; for orders that the caller was found to be allowed
    /// to see.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn events_of(
        &self,
        order_ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Vec<OrderEvent>>, OrderError> {
        use order_event::Column as E;
        let mut select = Query::select();
        select
            .column((order_event::Entity, Asterisk))
            .from(order_event::Entity)
            .and_where(among(Expr::col((order_event::Entity, E::OrderId)), order_ids))
            .order_by((order_event::Entity, E::OrderId), Sort::Asc)
            .order_by((order_event::Entity, E::Version), Sort::Asc);
        let mut found: HashMap<Uuid, Vec<OrderEvent>> = HashMap::new();
        for model in self.db.all::<order_event::Model>(&select).await? {
            let event = OrderEvent::try_from(model).map_err(OrderError::fault)?;
            found.entry(event.order_id).or_default().push(event);
        }
        Ok(found)
    }
}
