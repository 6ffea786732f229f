//! A payment, which is one attempt to pay for an order, and the refunds of it.

use crate::db::Timestamp;
use crate::money::Money;
use crate::payment::decision::Decision;
use crate::payment::outcome::Outcome;
use crate::payment::state::{Amounts, PaymentState, PaymentStatus, RefundState};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An attempt to pay for an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// The key.
    pub id: Uuid,
    /// What is paid for.
    pub order_id: Uuid,
    /// Its number.
    pub order_number: String,
    /// Who is asked for the money.
    pub provider: String,
    /// How the payer pays, in the provider's word.
    pub method: String,
    /// How much.
    pub amount: Money,
    /// Whether the money is taken as soon as it is set aside.
    pub capture: bool,
    /// Where it stands.
    pub state: PaymentState,
    /// Set aside by the provider, in minor units as all amounts here.
    pub authorized: i64,
    /// What the capture under way asks for; otherwise 0.
    pub capturing: i64,
    /// Handed over.
    pub captured: i64,
    /// Gone back.
    pub refunded: i64,
    /// What refunds under way ask for.
    pub refund_pending: i64,
    /// Which try of a capture or void this is.
    pub step: i32,
    /// The provider's name for it.
    pub provider_reference: Option<String>,
    /// Why it failed, in the provider's code.
    pub failure_code: Option<String>,
    /// When another attempt may help, after the provider could not be asked.
    pub retry_after_seconds: Option<u32>,
    /// What the payer has to do.
    pub next_action: Option<NextAction>,
    /// Until then whoever works on it is left alone.
    pub lease_until: Option<Timestamp>,
    /// How often recovery has taken it up.
    pub attempts: i32,
    /// Rises with each change.
    pub version: i64,
    /// When it began.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// What the last capture was asked for, or came to; None when none was, or all of it.
    pub capture_asked: Option<i64>,
    /// Why it was let go, in the words of who asked.
    pub void_reason: Option<String>,
    /// How it was decided, when it was.
    pub decided_as: Option<Decision>,
    /// When it was decided first.
    pub decided_at: Option<Timestamp>,
}

impl Payment {
    /// What it is called outside.
    #[must_use]
    pub fn status(&self) -> PaymentStatus {
        self.state.status(Amounts {
            authorized: self.authorized,
            captured: self.captured,
            refunded: self.refunded,
        })
    }

    /// Whether this can be true of it: nobody can have taken more than was asked for, or nothing.
    #[must_use]
    pub fn can_be(&self, outcome: &Outcome) -> bool {
        match outcome {
            Outcome::Captured { amount, .. } => (1..=self.amount.minor).contains(amount),
            _ => true,
        }
    }

    /// What refunds can still take, in minor units.
    #[must_use]
    pub fn refundable(&self) -> i64 {
        self.captured.saturating_sub(self.refunded).saturating_sub(self.refund_pending)
    }
}

/// What a payer has to do before the payment can go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextAction {
    /// What kind of thing.
    pub kind: NextActionKind,
    /// Where to send the payer's browser.
    pub redirect_url: Option<String>,
    /// What the provider's own script needs.
    pub client_secret: Option<String>,
}

/// What a payer can have to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum NextActionKind {
    /// Go to a page of the provider.
    Redirect,
    /// Confirm in the provider's own script on the shop's page.
    ClientSecret,
    /// Wait, or confirm elsewhere, as in an app of the bank.
    Wait,
}

/// An attempt to begin.
#[derive(Debug, Clone)]
pub struct NewPayment {
    /// Its key.
    pub id: Uuid,
    /// What is paid for.
    pub order_id: Uuid,
    /// Its number.
    pub order_number: String,
    /// How much.
    pub amount: Money,
    /// Who is asked for the money: checked by `Payments::check_method`.
    pub provider: String,
    /// How the payer pays: checked as well.
    pub method: String,
    /// Whether the money is taken as soon as it is set aside.
    pub capture: bool,
}

/// Money that goes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    /// The key.
    pub id: Uuid,
    /// Of which payment.
    pub payment_id: Uuid,
    /// Its name among the refunds of the payment.
    pub key: String,
    /// How much, in minor units.
    pub amount: i64,
    /// Where it stands.
    pub state: RefundState,
    /// Why, in the words of who asked.
    pub reason: Option<String>,
    /// The provider's name for it.
    pub provider_reference: Option<String>,
    /// Why it failed, in the provider's code.
    pub failure_code: Option<String>,
    /// How often recovery has taken it up.
    pub attempts: i32,
    /// Whether its goods go back on the shelf, when it comes to be.
    pub restock: bool,
    /// Which try it is of those that the shop makes by itself; 0 when somebody asked for it.
    pub turn: i32,
    /// When it was asked for.
    pub created_at: Timestamp,
}

/// A refund to begin.
#[derive(Debug, Clone)]
pub struct NewRefund {
    /// Of which payment.
    pub payment_id: Uuid,
    /// How much.
    pub amount: Money,
    /// Its name among the refunds of the payment: the same key is the same refund.
    pub key: String,
    /// Why.
    pub reason: Option<String>,
    /// Whether its goods go back on the shelf, when it comes to be.
    pub restock: bool,
    /// Which try it is of those that the shop makes by itself; 0 when somebody asks for it.
    pub turn: i32,
}

/// What asking for a refund came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenedRefund {
    /// It was set aside: the provider can be asked.
    New(Refund),
    /// It was asked for before, under the same key.
    Earlier(Refund),
}
