//! Reading what left the warehouses.

use crate::db::keys::among;
use crate::order::service::Orders;
use crate::order::{Fulfillment, FulfillmentLine, OrderError};
use entity::fulfillment::{Column as F, Entity as Fulfillments, Model};
use entity::fulfillment_line::{Column as C, Entity as Lines, Model as LineModel};
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, Order as Sort, Query};
use std::collections::HashMap;
use uuid::Uuid;

impl Orders {
    /// What was sent of orders, the first parcel first; for orders that the caller was found to be
    /// allowed to see.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn fulfillments_of(
        &self,
        order_ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Vec<Fulfillment>>, OrderError> {
        let mut select = Query::select();
        select
            .column(Asterisk)
            .from(Fulfillments)
            .and_where(among(Expr::col(F::OrderId), order_ids))
            .order_by(F::Id, Sort::Asc);
        let models: Vec<Model> = self.db.all(&select).await?;
        let mut own = Query::select();
        own.column(F::Id).from(Fulfillments).and_where(among(Expr::col(F::OrderId), order_ids));
        let mut select = Query::select();
        select
            .column(Asterisk)
            .from(Lines)
            .and_where(Expr::col(C::FulfillmentId).in_subquery(own))
            .order_by(C::Id, Sort::Asc);
        let mut lines: HashMap<Uuid, Vec<FulfillmentLine>> = HashMap::new();
        for line in self.db.all::<LineModel>(&select).await? {
            lines.entry(line.fulfillment_id).or_default().push(line.into());
        }
        let mut found: HashMap<Uuid, Vec<Fulfillment>> = HashMap::new();
        for model in models {
            let lines = lines.remove(&model.id).unwrap_or_default();
            let fulfillment = Fulfillment { lines, ..Fulfillment::of(model) };
            found.entry(fulfillment.order_id).or_default().push(fulfillment);
        }
        Ok(found)
    }
}
