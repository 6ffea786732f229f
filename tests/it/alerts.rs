//! Alerts: when they are raised and resolve, who looks after them, and who is told.

mod looking_after;
mod manual;
mod raising;
mod telling;

use crate::app::{Caller, TestApp};
use chrono::TimeDelta;
use serde_json::{Value, json};
use stockroom::metrics::alerts::Evaluated;
use stockroom::telemetry::{self, Counter};

/// More than the time for which an alert has to be quiet.
const QUIET: TimeDelta = TimeDelta::seconds(21);

const ALERTS: &str = "query($status: AlertStatus) { alerts(status: $status, first: 100) {
  totalCount
  nodes { id rule severity status subject message threshold measured
    raisedAt updatedAt acknowledgedAt acknowledgedBy { id } note resolvedAt }
} }";

impl TestApp {
    /// Has the rules asked.
    pub async fn evaluates(&self) -> Evaluated {
        self.app.services.alerts.evaluate().await.expect("the database answers")
    }

    /// Counts so many, as all that happened.
    pub async fn happens(&self, counter: Counter, times: usize) {
        telemetry::add(counter, times);
        self.flushes().await;
    }

    /// A SKU on sale with so many pieces, low at so many.
    pub async fn has_low_at(&self, sku: &str, pieces: i64, reorder_point: i64) -> uuid::Uuid {
        let variant = self.has(sku, pieces).await;
        let key = self.sql_key(variant);
        self.execute(&format!(
            "UPDATE stock_level SET reorder_point = {reorder_point} WHERE variant_id = {key}"
        ))
        .await;
        variant
    }
}

/// All alerts that stand there, the newest first.
async fn alerts(caller: &Caller, status: Option<&str>) -> Vec<Value> {
    let answer = caller.query(ALERTS).with_variables(json!({ "status": status })).await;
    let found = answer.data()["alerts"].clone();
    let nodes = found["nodes"].as_array().expect("a list").clone();
    assert_eq!(found["totalCount"], nodes.len());
    nodes
}

/// All alerts of a rule, the newest first.
async fn of_rule(caller: &Caller, rule: &str) -> Vec<Value> {
    let mut found = alerts(caller, None).await;
    found.retain(|alert| alert["rule"] == rule);
    found
}
