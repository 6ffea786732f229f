//! Alerts as they are raised, acknowledged and resolved, for who may see them.

use crate::auth::{Permission, Viewer};
use crate::db::Timestamp;
use crate::events::{BusEvent, BusMessage, BusSubscription};
use crate::metrics::alerts::service::{Alerts, column, select_alerts};
use crate::metrics::alerts::{Alert, AlertError};
use chrono::TimeDelta;
use entity::alert::{Column, Model};
use futures::{Stream, stream};
use sea_orm::sea_query::{ExprTrait, Order};
use std::collections::{HashMap, VecDeque};
use uuid::Uuid;

/// How far back a watcher looks who may have missed something, before what they were told last.
const OVERLAP: TimeDelta = TimeDelta::minutes(1);
/// Alerts that such a watcher is told of at most: of more the newest.
const CAUGHT_UP_MAX: u64 = 100;
/// Alerts whose versions a watcher remembers; more and it forgets those told longest ago.
const REMEMBERED: usize = 1_000;

/// What a watcher knows.
struct Watch {
    alerts: Alerts,
    viewer: Viewer,
    news: BusSubscription,
    /// What was read and not handed out yet.
    ready: VecDeque<Alert>,
    /// The version of each alert that was handed out.
    told: HashMap<Uuid, i64>,
    told_order: VecDeque<Uuid>,
    /// The last change that is known.
    until: Timestamp,
}

impl Alerts {
    /// Each alert that is raised, acknowledged or resolved from now on, as it is then.
    ///
    /// # Errors
    /// When the viewer may not see alerts.
    pub fn watch(
        &self,
        viewer: Viewer,
    ) -> Result<impl Stream<Item = Result<Alert, AlertError>> + use<>, AlertError> {
        viewer.may(Permission::MetricsRead)?;
        let watch = Watch {
            alerts: self.clone(),
            viewer,
            news: self.bus.subscribe(),
            ready: VecDeque::new(),
            told: HashMap::new(),
            told_order: VecDeque::new(),
            until: self.db.now(),
        };
        Ok(stream::unfold(watch, |mut watch| async move {
            let next = watch.next().await?;
            Some((next, watch))
        }))
    }

    /// Alerts that changed since then, the one that changed last at the end.
    async fn changed_since(&self, from: Timestamp) -> Result<Vec<Alert>, AlertError> {
        let mut select = select_alerts();
        select
            .and_where(column(Column::UpdatedAt).gte(from))
            .order_by(Column::UpdatedAt, Order::Desc)
            .order_by(Column::Id, Order::Desc)
            .limit(CAUGHT_UP_MAX);
        let rows: Vec<Model> = self.db.all(&select).await?;
        Ok(rows.into_iter().rev().map(Alert::from).collect())
    }
}

impl Watch {
    async fn next(&mut self) -> Option<Result<Alert, AlertError>> {
        loop {
            if let Some(alert) = self.ready.pop_front() {
                return Some(Ok(alert));
            }
            let read = match self.news.next().await? {
                BusEvent::Message(message) => match &*message {
                    BusMessage::AlertsChanged(ids) => self.read(ids).await,
                    _ => continue,
                },
                BusEvent::Lagged | BusEvent::Resumed => {
                    self.alerts.changed_since(self.until - OVERLAP).await
                }
            };
            match read {
                Ok(alerts) => self.take(alerts),
                Err(error) => return Some(Err(error)),
            }
        }
    }

    async fn read(&self, ids: &[Uuid]) -> Result<Vec<Alert>, AlertError> {
        let mut found = self.alerts.find_many(&self.viewer, ids).await?;
        Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
    }

    /// Takes over what is news.
    fn take(&mut self, alerts: Vec<Alert>) {
        for alert in alerts {
            let known = self.told.insert(alert.id, alert.version);
            if known.is_none() {
                self.told_order.push_back(alert.id);
            }
            if known.is_none_or(|known| known < alert.version) {
                self.until = Ord::max(self.until, alert.updated_at);
                self.ready.push_back(alert);
            }
        }
        while self.told_order.len() > REMEMBERED {
            if let Some(oldest) = self.told_order.pop_front() {
                self.told.remove(&oldest);
            }
        }
    }
}
