//! Why a message was not sent, and whether to try again.

use crate::jobs::Failure;
use crate::mail::message::masked_text;
use std::error::Error as _;
use std::time::Duration;

/// Why a message was not sent.
#[derive(Debug, Clone, thiserror::Error)]
pub enum MailError {
    /// The message itself cannot be sent, to anyone, ever.
    #[error("{0}")]
    Unsendable(&'static str),
    /// The mail server will not take this message, however often it is asked.
    #[error("the mail server refused the message: {0}")]
    Refused(String),
    /// The mail server is away or busy, or does not let us in.
    #[error("the mail server could not be used: {0}")]
    Unavailable(String),
    /// It did not answer in time.
    #[error("the mail server did not answer within {} s", .0.as_secs_f32())]
    TimedOut(Duration),
    /// No server is set, outside development.
    #[error("SMTP_URL is not set")]
    NotConfigured,
}

impl From<MailError> for Failure {
    fn from(error: MailError) -> Self {
        let reason = error.to_string();
        match error {
            MailError::Unsendable(_) | MailError::Refused(_) => Self::Discard(reason),
            MailError::Unavailable(_) | MailError::TimedOut(_) | MailError::NotConfigured => {
                Self::Retry(reason)
            }
        }
    }
}

impl From<lettre::transport::smtp::Error> for MailError {
    fn from(error: lettre::transport::smtp::Error) -> Self {
        // Its own words are "permanent error (550)"; those of the server are its source.
        let mut words = error.to_string();
        if let Some(source) = error.source()
            && !words.contains(&source.to_string())
        {
            words = format!("{words}: {source}");
        }
        let words = masked_text(&words);
        let code = error.status().map(u16::from);
        match code {
            // These are about us, not about the message: operators can put them right.
            Some(521 | 530 | 534 | 535 | 538) => Self::Unavailable(words),
            _ if error.is_permanent() => Self::Refused(words),
            _ => Self::Unavailable(words),
        }
    }
}
