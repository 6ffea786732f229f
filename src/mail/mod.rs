//! Mail: what a message is, and how it goes out. Only handlers of jobs send: a mail server may be
//! slow or away, and a request waits for neither.

mod error;
mod mailer;
mod message;
mod probe;

pub use crate::mail::error::MailError;
pub use crate::mail::mailer::Mailer;
pub use crate::mail::message::Message;
