//! Payments: what an order is paid with, by way of providers that are called outside any
//! transaction, through a circuit breaker and a time limit. A payment's row says at every moment
//! what is known; recovery finds out the rest. It knows orders by their keys alone.

mod attempt;
mod breaker;
mod decision;
mod error;
mod gateway;
pub mod graphql;
pub mod loader;
mod outcome;
mod provider;
pub mod sandbox;
mod service;
mod signature;
mod state;
pub mod stripe;

pub use attempt::{
    NewPayment, NewRefund, NextAction, NextActionKind, OpenedRefund, Payment, Refund,
};
pub use breaker::BreakerState;
pub use decision::Decision;
pub use error::PaymentError;
pub use outcome::{Outcome, RefundOutcome};
pub use provider::{
    Authorization, AuthorizeRequest, CaptureRequest, FindRequest, Found, FoundState, Provider,
    ProviderError, ProviderEvent, RefundAnswer, RefundRequest, Said, VoidRequest, WebhookError,
};
pub use service::Payments;
pub use state::{PaymentState, PaymentStatus, RefundState};
