//! What payment providers tell by themselves: checked by `payment`, acted upon by `order`.

use crate::app::App;
use crate::order::OrderError;
use crate::payment::WebhookError;
use http::HeaderMap;

/// Why an event of a payment provider was not acted upon.
#[derive(Debug, thiserror::Error)]
pub enum Unheard {
    /// It is not to be believed, or cannot be read.
    #[error(transparent)]
    Refused(#[from] WebhookError),
    /// It is about no payment of this shop.
    #[error("it is about no payment of this shop")]
    NotOurs,
    /// It could not be written down: the provider is to tell again.
    #[error(transparent)]
    Later(OrderError),
}

/// What kind of refusal it is, for whoever answers the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnheardKind {
    /// Nobody knows such a provider or payment.
    Unknown,
    /// The body is longer than any of theirs.
    TooLarge,
    /// It is not the provider's own, or not fresh.
    NotBelieved,
    /// It is theirs and cannot be read.
    Malformed,
    /// To be told again.
    Later,
}

impl Unheard {
    /// What kind it is.
    #[must_use]
    pub fn kind(&self) -> UnheardKind {
        match self {
            Self::NotOurs | Self::Refused(WebhookError::UnknownProvider) => UnheardKind::Unknown,
            Self::Refused(WebhookError::TooLarge) => UnheardKind::TooLarge,
            Self::Refused(
                WebhookError::Unsigned | WebhookError::WrongSignature | WebhookError::NotFresh,
            ) => UnheardKind::NotBelieved,
            Self::Refused(WebhookError::Malformed) => UnheardKind::Malformed,
            Self::Later(_) => UnheardKind::Later,
        }
    }
}

impl App {
    /// Hears what a payment provider tells, if it is genuine; any number of times, in any order.
    ///
    /// # Errors
    /// [`Unheard`]: nothing happened then.
    pub async fn hear_payment_event(
        &self,
        provider: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<(), Unheard> {
        let event = self.services.payments.verify_webhook(provider, headers, body)?;
        self.services.orders.hear(&event).await.map_err(|error| match error {
            OrderError::Invalid(_) => Unheard::NotOurs,
            error => Unheard::Later(error),
        })
    }
}
