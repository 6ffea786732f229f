//! Payments in the schema.

use crate::auth::{Permission, Viewer};
use crate::graphql::scalars::{DateTime, Money};
use crate::graphql::{Auth, Fault, NodeKind};
use crate::money::{self, Currency};
use crate::order::graphql::Order;
use crate::order::loader::OrderLoaders;
use crate::payment::loader::PaymentLoaders;
use crate::payment::{
    NextAction, NextActionKind, Payment as Attempt, PaymentError, PaymentStatus as Status,
    Refund as Returned, RefundState,
};
use async_graphql::{Context, Enum, ID, Object, SimpleObject};

/// Where a payment stands.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentStatus {
    /// Not decided: the provider is being asked, or waits for the payer.
    Pending,
    /// The money is set aside, and not the shop's yet.
    Authorized,
    /// The money is the shop's.
    Captured,
    /// A part of it went back.
    PartiallyRefunded,
    /// All of it went back.
    Refunded,
    /// It was set aside, and was let go.
    Voided,
    /// Nothing was charged: declined, or the provider could not be asked.
    Failed,
}

impl From<Status> for PaymentStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Pending => Self::Pending,
            Status::Authorized => Self::Authorized,
            Status::Captured => Self::Captured,
            Status::PartiallyRefunded => Self::PartiallyRefunded,
            Status::Refunded => Self::Refunded,
            Status::Voided => Self::Voided,
            Status::Failed => Self::Failed,
        }
    }
}

/// Kinds of things that a payer has to do.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentNextActionType {
    /// Go to `redirectUrl`, a page of the provider.
    Redirect,
    /// Confirm in the provider's own script on the shop's page, with `clientSecret`.
    ClientSecret,
    /// Wait, or confirm elsewhere, as in an app of the bank.
    Wait,
}

/// What the payer has to do before the payment can go on, such as 3-D Secure.
#[derive(SimpleObject, Clone)]
pub struct PaymentNextAction {
    /// What kind of thing.
    #[graphql(name = "type")]
    kind: PaymentNextActionType,
    /// Where to send the payer's browser; null when there is no such page.
    redirect_url: Option<String>,
    /// What the provider's own script needs; null when there is none, and for everyone but the payer.
    client_secret: Option<String>,
}

impl From<NextAction> for PaymentNextAction {
    fn from(action: NextAction) -> Self {
        let kind = match action.kind {
            NextActionKind::Redirect => PaymentNextActionType::Redirect,
            NextActionKind::ClientSecret => PaymentNextActionType::ClientSecret,
            NextActionKind::Wait => PaymentNextActionType::Wait,
        };
        let NextAction { redirect_url, client_secret, .. } = action;
        Self { kind, redirect_url, client_secret }
    }
}

/// Where a refund stands.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundStatus {
    /// The provider is being asked, or nobody knows yet what came of it.
    Pending,
    /// The money went back.
    Succeeded,
    /// The provider refused: the money is still the shop's, and can be asked for again.
    Failed,
}

/// Money that goes back.
pub struct Refund(Returned, Currency);

/// Money of a payment that goes back.
#[Object]
impl Refund {
    /// The opaque id.
    async fn id(&self) -> ID {
        NodeKind::Refund.id(self.0.id)
    }

    /// How much.
    async fn amount(&self) -> Money {
        money::Money { minor: self.0.amount, currency: self.1 }.into()
    }

    /// Where it stands.
    async fn status(&self) -> RefundStatus {
        match self.0.state {
            RefundState::Pending | RefundState::Unknown => RefundStatus::Pending,
            RefundState::Succeeded => RefundStatus::Succeeded,
            RefundState::Failed => RefundStatus::Failed,
        }
    }

    /// Why, in the words of who asked for it; null when nobody said, or the shop gave it back by
    /// itself.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// Why the provider refused, in its code; null otherwise.
    async fn failure_code(&self) -> Option<&str> {
        self.0.failure_code.as_deref()
    }

    /// When it was asked for.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
}

/// One attempt to pay for an order.
pub struct Payment(pub Attempt);

/// One attempt to pay for an order. Seen by its customer and by staff.
#[Object]
impl Payment {
    /// The opaque id, for `node`.
    pub async fn id(&self) -> ID {
        NodeKind::Payment.id(self.0.id)
    }

    /// Where it stands.
    async fn status(&self) -> PaymentStatus {
        self.0.status().into()
    }

    /// Who was asked for the money, such as "sandbox".
    async fn provider(&self) -> &str {
        &self.0.provider
    }

    /// The provider's name for the payment; null while it has told none.
    async fn provider_reference(&self) -> Option<&str> {
        self.0.provider_reference.as_deref()
    }

    /// Why it failed, or why the last try to capture it did, in the provider's code, such as
    /// "insufficient_funds"; null otherwise.
    async fn failure_code(&self) -> Option<&str> {
        self.0.failure_code.as_deref()
    }

    /// What the payer has to do; null when there is nothing. `clientSecret` is shown to the payer
    /// alone.
    async fn next_action(&self, ctx: &Context<'_>) -> Option<Result<PaymentNextAction, Fault>> {
        let mut action = self.0.next_action.clone()?;
        if action.client_secret.is_some() {
            match self.is_the_viewers(ctx).await {
                Ok(true) => {}
                Ok(false) => action.client_secret = None,
                Err(fault) => return Some(Err(fault)),
            }
        }
        Some(Ok(action.into()))
    }

    /// How much was asked for.
    async fn amount(&self) -> Money {
        self.0.amount.into()
    }

    /// How much the provider set aside.
    async fn authorized(&self) -> Money {
        self.money(self.0.authorized)
    }

    /// How much became the shop's.
    async fn captured(&self) -> Money {
        self.money(self.0.captured)
    }

    /// How much went back.
    async fn refunded(&self) -> Money {
        self.money(self.0.refunded)
    }

    /// The refunds of it, also those that the provider refused, the first one first.
    async fn refunds(&self, ctx: &Context<'_>) -> Result<Vec<Refund>, Fault> {
        let refunds = ctx.data_unchecked::<PaymentLoaders>().refunds.get(self.0.id).await?;
        let refunds = refunds.unwrap_or_default().into_iter();
        Ok(refunds.map(|refund| Refund(refund, self.0.amount.currency)).collect())
    }

    /// What is paid for.
    async fn order(&self, ctx: &Context<'_>) -> Result<Order, Fault> {
        let loaders = ctx.data_unchecked::<OrderLoaders>();
        let order = loaders.order_of_payment.get(self.0.order_id).await?;
        order.map(Order).ok_or_else(|| Fault::internal(&"a payment has no order"))
    }

    /// When the attempt began.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
}

impl Payment {
    /// Whether the viewer pays: whoever sees a payment does, except those who may see every one and
    /// bought nothing here.
    async fn is_the_viewers(&self, ctx: &Context<'_>) -> Result<bool, Fault> {
        let viewer = ctx.data_unchecked::<Viewer>();
        if !viewer.can(Permission::PaymentRead) {
            return Ok(true);
        }
        let loaders = ctx.data_unchecked::<OrderLoaders>();
        let order = loaders.order_of_payment.get(self.0.order_id).await?;
        let customer = order.and_then(|order| order.customer_id);
        Ok(customer.is_some() && customer == viewer.user_id())
    }

    fn money(&self, minor: i64) -> Money {
        money::Money { minor, ..self.0.amount }.into()
    }
}

/// Queries for payments.
#[derive(Default)]
pub struct PaymentQuery;

/// Queries for payments.
#[Object]
impl PaymentQuery {
    /// The payment with this id; null when there is none, or none that you may see: customers see
    /// those of their own orders.
    #[graphql(directive = Auth::apply(Permission::NodeRead))]
    async fn payment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The payment's id.")] id: ID,
    ) -> Option<Result<Payment, Fault>> {
        let key = match NodeKind::Payment.key(&id) {
            Ok(key) => key,
            Err(fault) => return Some(Err(fault)),
        };
        let found = ctx.data_unchecked::<PaymentLoaders>().payment.get(key).await;
        found.map(|payment| payment.map(Payment)).transpose()
    }
}

impl From<PaymentError> for Fault {
    fn from(error: PaymentError) -> Self {
        match error {
            PaymentError::Db(error) => error.into(),
            PaymentError::Denied(denied) => denied.into(),
            error @ (PaymentError::Invalid(_)
            | PaymentError::InProgress
            | PaymentError::NotFound
            | PaymentError::InvalidState { .. }
            | PaymentError::Amount { .. }
            | PaymentError::KeyReused) => Self::internal(&error),
        }
    }
}
