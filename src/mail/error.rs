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

/// Whether the server says that it is the sender whom it will not serve: 5.7.x (RFC 3463).
fn is_policy(words: &str) -> bool {
    words.split(|c: char| !c.is_ascii_digit() && c != '.').any(|word| word.starts_with("5.7."))
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
        match error.status().map(u16::from) {
            // The mailbox is not there, full or closed (RFC 5321, section 4.2.3).
            Some(550..=553) if !is_policy(&words) => Self::Refused(words),
            // All else is about us, not about the message: it is tried again and ends as a dead
            // job, which operators see, put right and queue again.
            _ => Self::Unavailable(words),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_will_not_serve_us_is_told_from_a_mailbox_that_is_not_there() {
        assert!(is_policy("permanent error (550): 5.7.1 relaying denied"));
        assert!(!is_policy("permanent error (550): 5.1.1 no such mailbox"));
        assert!(!is_policy("permanent error (550): mailbox 15.7.1 is full"));
    }
}
