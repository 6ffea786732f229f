//! The end of an order that went well.

use crate::auth::{Permission, Viewer};
use crate::order::service::Orders;
use crate::order::service::keyed::{Begun, bind, check_kind, check_version};
use crate::order::service::record::Step;
use crate::order::{Advance, EventKind, Order, OrderError, OrderKind, OrderStatus};

impl Orders {
    /// Says that an order is through: everything was sent, nothing is expected any more. One that
    /// is through already is answered as it is.
    ///
    /// # Errors
    /// [`OrderError::Transition`] when it was not sent in full.
    pub async fn complete(
        &self,
        viewer: &Viewer,
        ask: &Advance,
    ) -> Result<(Order, bool), OrderError> {
        viewer.may(Permission::OrderWrite)?;
        let key = bind(viewer, "orderComplete", ask.idempotency_key.as_deref(), ask)?;
        let completing = self.db.tx(|tx| {
            let (orders, viewer, ask, key) = (self.clone(), *viewer, ask.clone(), key.clone());
            async move {
                let order = match orders.begin_in_txn(&tx, key.as_ref(), ask.order_id).await? {
                    Begun::Earlier(order) => return Ok((order, true)),
                    Begun::New(order) => order,
                };
                check_kind(&order, OrderKind::Sale, OrderStatus::Completed)?;
                if order.status == OrderStatus::Completed {
                    return Ok((order, false));
                }
                check_version(&order, ask.expected_version)?;
                let step = Step::new(EventKind::Completed, OrderStatus::Completed, &viewer);
                Ok::<_, OrderError>((orders.step_in_txn(&tx, &order, step).await?, false))
            }
        });
        completing.await
    }
}
