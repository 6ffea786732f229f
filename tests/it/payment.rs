//! Payments: attempts, the sandbox, what holds when providers fail, and money that goes back.

mod attempts;
mod guards;
mod outages;
mod reading;
mod recovery;
mod refunds;
mod sandbox;
mod scripted;
mod stripe;
mod walk;
mod webhooks;
