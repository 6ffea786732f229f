//! What a payment provider does for the shop, whichever it is. Implementations keep to this: the
//! same idempotency key is the same request and gets the same answer.

use crate::db::Timestamp;
use crate::money::Money;
use crate::payment::attempt::NextAction;
use crate::payment::outcome::{Outcome, RefundOutcome};
use async_trait::async_trait;
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A payment provider. It is called outside any transaction, under a time limit, in a task that is
/// dropped when the limit has passed.
#[async_trait]
pub trait Provider: Send + Sync {
    /// Its name, in settings, in inputs and in the rows of payments.
    fn name(&self) -> &'static str;

    /// Whether it knows this way of paying.
    fn takes(&self, method: &str) -> bool;

    /// Sets the money aside, or takes it when the request says so.
    async fn authorize(&self, request: &AuthorizeRequest) -> Result<Authorization, ProviderError>;

    /// Takes money that was set aside; what is not taken is free again. Gives how much was taken.
    async fn capture(&self, request: &CaptureRequest) -> Result<i64, ProviderError>;

    /// Lets go of money that was set aside. Of a payment that it has never heard of, it makes sure
    /// that nothing is charged for it later either.
    async fn void(&self, request: &VoidRequest) -> Result<(), ProviderError>;

    /// Gives money back.
    async fn refund(&self, request: &RefundRequest) -> Result<RefundAnswer, ProviderError>;

    /// What it knows of a payment; None when it never heard of it, or was not asked for money.
    async fn find(&self, request: &FindRequest) -> Result<Option<Found>, ProviderError>;

    /// Whether a webhook is the provider's own and fresh, and what it says.
    ///
    /// # Errors
    /// [`WebhookError`] when it is not to be believed.
    fn verify_webhook(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<ProviderEvent, WebhookError>;
}

/// Asks for money.
#[derive(Debug, Clone, Serialize)]
pub struct AuthorizeRequest {
    /// The shop's name for it.
    pub payment_id: Uuid,
    /// The same key is the same request.
    #[serde(skip)]
    pub idempotency_key: String,
    /// How much.
    pub amount: Money,
    /// How the payer pays.
    pub method: String,
    /// Whether to take it at once.
    pub capture: bool,
    /// What the payer sees it is for.
    pub order_number: String,
}

/// Asks for money that was set aside.
#[derive(Debug, Clone, Serialize)]
pub struct CaptureRequest {
    /// The shop's name for it.
    pub payment_id: Uuid,
    /// The same key is the same request.
    #[serde(skip)]
    pub idempotency_key: String,
    /// The provider's name for it.
    pub reference: String,
    /// How much of it.
    pub amount: Money,
}

/// Lets go of money that was set aside.
#[derive(Debug, Clone, Serialize)]
pub struct VoidRequest {
    /// The shop's name for it.
    pub payment_id: Uuid,
    /// The same key is the same request.
    #[serde(skip)]
    pub idempotency_key: String,
    /// The provider's name for it, if it ever told one.
    pub reference: Option<String>,
    /// What was asked for.
    pub amount: Money,
    /// How it was asked for: some providers know a payment that told no name yet by that alone.
    #[serde(skip)]
    pub asked: AuthorizeRequest,
}

/// Asks what became of a payment.
#[derive(Debug, Clone)]
pub struct FindRequest {
    /// How the money was asked for, to the letter.
    pub asked: AuthorizeRequest,
    /// The provider's name for it, if it ever told one.
    pub reference: Option<String>,
}

/// Gives money back.
#[derive(Debug, Clone, Serialize)]
pub struct RefundRequest {
    /// The shop's name for the payment.
    pub payment_id: Uuid,
    /// The shop's name for the refund.
    pub refund_id: Uuid,
    /// The same key is the same request.
    #[serde(skip)]
    pub idempotency_key: String,
    /// The provider's name for the payment.
    pub reference: String,
    /// How much.
    pub amount: Money,
}

/// What came of asking for money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Authorization {
    /// It is set aside.
    Authorized {
        /// The provider's name for it.
        reference: String,
    },
    /// It is taken.
    Captured {
        /// The provider's name for it.
        reference: String,
        /// How much, in minor units.
        amount: i64,
    },
    /// No.
    Declined {
        /// Why.
        code: String,
    },
    /// The payer has to do something first.
    Pending {
        /// The provider's name for it.
        reference: String,
        /// What.
        next_action: NextAction,
    },
}

impl From<Authorization> for Outcome {
    fn from(answer: Authorization) -> Self {
        match answer {
            Authorization::Authorized { reference } => Self::Authorized { reference },
            Authorization::Captured { reference, amount } => Self::Captured { reference, amount },
            Authorization::Declined { code } => Self::Declined { code },
            Authorization::Pending { reference, next_action } => {
                Self::Pending { reference, next_action }
            }
        }
    }
}

/// What came of asking to give money back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefundAnswer {
    /// It went back.
    Succeeded {
        /// The provider's name for it.
        reference: String,
    },
    /// It will, later; asking again tells.
    Pending,
    /// No.
    Failed {
        /// Why.
        code: String,
    },
}

/// Why a provider did not do what it was asked to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// It understood and refused: the request cannot be carried out as things stand.
    #[error("refused: {code}")]
    Refused {
        /// Why.
        code: String,
    },
    /// A fault before anything was done: the connection was refused, or it said so itself.
    #[error("not done: {0}")]
    NotDone(String),
    /// A fault after which nobody knows.
    #[error("unknown: {0}")]
    Unknown(String),
}

/// What a provider knows of a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The provider's name for it.
    pub reference: String,
    /// Where it stands there.
    pub state: FoundState,
}

/// Where a payment stands at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FoundState {
    /// The payer has to do something first.
    Pending {
        /// What.
        next_action: NextAction,
    },
    /// The money is set aside.
    Authorized,
    /// The money is taken.
    Captured {
        /// How much, in minor units.
        amount: i64,
    },
    /// It said no.
    Declined {
        /// Why.
        code: String,
    },
    /// It let go of the money, or nothing will ever be charged.
    Voided,
}

impl From<Found> for Outcome {
    fn from(Found { reference, state }: Found) -> Self {
        match state {
            FoundState::Pending { next_action } => Self::Pending { reference, next_action },
            FoundState::Authorized => Self::Authorized { reference },
            FoundState::Captured { amount } => Self::Captured { reference, amount },
            FoundState::Declined { code } => Self::Declined { code },
            FoundState::Voided => Self::Voided,
        }
    }
}

/// Something that a provider tells by itself, found to be genuine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderEvent {
    /// Who tells it.
    pub provider: &'static str,
    /// The provider's name for the event: the same one may come many times.
    pub event_id: String,
    /// Its kind, in the provider's word.
    pub kind: String,
    /// The shop's name for the payment that it is about; None when it is about none.
    pub payment_id: Option<Uuid>,
    /// What it says.
    pub said: Said,
}

/// What an event says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Said {
    /// What is known of the payment.
    Payment(Outcome),
    /// What is known of a refund of it.
    Refund {
        /// The shop's name for the refund.
        refund_id: Uuid,
        /// What is known.
        outcome: RefundOutcome,
    },
    /// Something became of the payment: the provider is to be asked what.
    Changed,
    /// Nothing that the shop acts on.
    Nothing,
}

/// Why a webhook is not to be believed, or cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// No provider of this name is in use.
    #[error("there is no such provider here")]
    UnknownProvider,
    /// More than a provider ever sends.
    #[error("the body is too large")]
    TooLarge,
    /// There is no signature, or none that can be read.
    #[error("the signature is missing or malformed")]
    Unsigned,
    /// Whoever sent it does not know the secret, or somebody changed it.
    #[error("the signature is wrong")]
    WrongSignature,
    /// Signed too long ago, or in the future: perhaps sent again by somebody else.
    #[error("the signature is of another time")]
    NotFresh,
    /// Genuine, and not to be understood.
    #[error("the body is malformed")]
    Malformed,
}
