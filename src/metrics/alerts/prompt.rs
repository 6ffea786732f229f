//! Stock that has just become low is looked at at once, and not when the next turn comes.

use crate::events::{BusEvent, BusMessage, BusSubscription};
use crate::metrics::alerts::Alerts;
use std::time::Duration;

/// In a crowd at something that is low every sale is news: the rules are asked once in this time.
const PAUSE: Duration = Duration::from_secs(2);

impl Alerts {
    /// Asks the rules when stock has become low, until the bus is gone; the application runs this in
    /// the background of processes that do jobs.
    pub async fn follow_stock(self, mut news: BusSubscription) {
        while let Some(event) = news.next().await {
            if !concerns(&event) {
                continue;
            }
            if let Err(error) = self.evaluate().await {
                tracing::warn!(%error, "alerts were not looked at, and are with the next turn");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Whether a level may have become low. Whoever missed something looks.
fn concerns(event: &BusEvent) -> bool {
    match event {
        BusEvent::Message(message) => match &**message {
            BusMessage::StockLevelsChanged(levels) => levels
                .iter()
                .any(|level| level.on_hand.saturating_sub(level.reserved) <= level.reorder_point),
            _ => false,
        },
        BusEvent::Lagged | BusEvent::Resumed => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::LevelState;
    use std::sync::Arc;
    use uuid::Uuid;

    fn level(on_hand: i64, reserved: i64) -> LevelState {
        LevelState {
            variant_id: Uuid::nil(),
            warehouse_id: Uuid::nil(),
            on_hand,
            reserved,
            reorder_point: 5,
            version: 2,
            previous_version: 1,
            occurred_at: chrono::DateTime::UNIX_EPOCH,
        }
    }

    fn said(message: BusMessage) -> bool {
        concerns(&BusEvent::Message(Arc::new(message)))
    }

    #[test]
    fn only_levels_that_are_low_are_news() {
        assert!(!said(BusMessage::StockLevelsChanged(vec![level(10, 4)])));
        assert!(said(BusMessage::StockLevelsChanged(vec![level(10, 4), level(10, 5)])));
        assert!(!said(BusMessage::WarehousesChanged));
        assert!(concerns(&BusEvent::Lagged));
    }
}
