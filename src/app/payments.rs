//! The payment providers that the settings name.

use crate::config::{DatabaseTarget, PaymentProvider, Settings};
use crate::db::Db;
use crate::payment::sandbox::{CONNECTIONS, Sandbox};
use crate::payment::stripe::Stripe;
use crate::payment::{Payments, Provider};
use anyhow::Context;
use std::sync::Arc;

/// The sandbox, with connections of its own, if the settings name it.
pub async fn sandbox(db: &Db, settings: &Settings) -> anyhow::Result<Option<Sandbox>> {
    if !settings.payment.providers.contains(&PaymentProvider::Sandbox) {
        return Ok(None);
    }
    let connections = match settings.database {
        DatabaseTarget::Sqlite(_) => 1,
        DatabaseTarget::Postgres { .. } => CONNECTIONS,
    };
    let beside = db.beside(&settings.database, connections).await;
    let beside = beside.context("cannot open the database for the sandbox of payments")?;
    Ok(Some(Sandbox::new(beside, &settings.payment.sandbox)))
}

/// Payments by way of the providers that the settings name.
pub fn payments(
    db: &Db,
    sandbox: Option<&Sandbox>,
    settings: &Settings,
) -> anyhow::Result<Payments> {
    let mut providers: Vec<Arc<dyn Provider>> = Vec::new();
    for provider in &settings.payment.providers {
        match provider {
            PaymentProvider::Sandbox => {
                if let Some(sandbox) = sandbox {
                    providers.push(Arc::new(sandbox.clone()));
                }
            }
            PaymentProvider::Stripe => {
                if let Some(stripe) = &settings.payment.stripe {
                    providers.push(Arc::new(Stripe::new(stripe)?));
                }
            }
        }
    }
    Ok(Payments::new(db.clone(), providers, &settings.payment))
}
