//! Times in which a component was not well and that are over, as the history has them.

use crate::db::{DbError, Timestamp};
use crate::metrics::health::component::{Component, Health};
use crate::metrics::health::service::{HealthLog, health};
use chrono::TimeDelta;
use entity::component_change::{Column, Entity, Model};
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, Order, Query};

/// What one look found and the next one did not, five seconds later, is no outage.
const SHORTEST: TimeDelta = TimeDelta::milliseconds(7_500);
/// Changes that are looked at, at most.
const LOOKED_AT: u64 = 100;

/// A time in which a component was not well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    /// Which one.
    pub component: Component,
    /// How it was at worst.
    pub health: Health,
    /// What was wrong.
    pub message: Option<String>,
    /// When that was found.
    pub from: Timestamp,
    /// When it was found to be well again.
    pub until: Timestamp,
}

impl HealthLog {
    /// The outages of a component that ended after this, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn outages(
        &self,
        component: Component,
        after: Timestamp,
    ) -> Result<Vec<Outage>, DbError> {
        let mut select = Query::select();
        select
            .column(Asterisk)
            .from(Entity)
            .and_where(Expr::col(Column::Component).eq(component.name()))
            .order_by(Column::ChangedAt, Order::Desc)
            .order_by(Column::Id, Order::Desc)
            .limit(LOOKED_AT);
        let rows: Vec<Model> = self.db.all(&select).await?;
        let mut outages = of_changes(component, rows.into_iter().rev());
        outages.retain(|outage| outage.until > after);
        Ok(outages)
    }
}

/// The outages in a history, the oldest first.
fn of_changes(component: Component, changes: impl Iterator<Item = Model>) -> Vec<Outage> {
    let (mut outages, mut open) = (Vec::new(), None::<Outage>);
    for Model { status, message, changed_at: at, .. } in changes {
        match (health(&status), open.take()) {
            (Health::Healthy, Some(outage)) => outages.push(Outage { until: at, ..outage }),
            (Health::Healthy, None) => {}
            (found, None) => {
                open = Some(Outage { component, health: found, message, from: at, until: at });
            }
            (found, Some(outage)) => {
                let is_worse = found > outage.health;
                let message = if is_worse { message } else { outage.message };
                let worst = Ord::max(found, outage.health);
                open = Some(Outage { health: worst, message, ..outage });
            }
        }
    }
    outages.retain(|outage| outage.until - outage.from >= SHORTEST);
    outages
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outages(history: &[(Health, i64)]) -> Vec<(Health, i64, i64)> {
        let begin = Timestamp::from_timestamp(1_800_000_000, 0).unwrap();
        let changes = history.iter().map(|(health, seconds)| Model {
            id: uuid::Uuid::nil(),
            component: "DATABASE".to_owned(),
            status: health.name().to_owned(),
            message: None,
            changed_at: begin + TimeDelta::seconds(*seconds),
        });
        let outages = of_changes(Component::Database, changes).into_iter();
        let since = |at: Timestamp| (at - begin).num_seconds();
        outages.map(|it| (it.health, since(it.from), since(it.until))).collect()
    }

    use Health::{Degraded, Healthy, Unhealthy};

    #[test]
    fn an_outage_lasts_from_the_first_change_for_the_worse_until_it_is_well() {
        let history =
            [(Healthy, 0), (Degraded, 10), (Unhealthy, 15), (Degraded, 30), (Healthy, 40)];
        assert_eq!(outages(&history), [(Unhealthy, 10, 40)]);
    }

    #[test]
    fn what_lasts_is_not_over_and_one_look_is_no_outage() {
        assert_eq!(outages(&[(Healthy, 0), (Unhealthy, 10)]), []);
        assert_eq!(outages(&[(Unhealthy, 10), (Healthy, 15), (Unhealthy, 30), (Healthy, 36)]), []);
        assert_eq!(outages(&[(Unhealthy, 10), (Healthy, 20)]), [(Unhealthy, 10, 20)]);
    }
}
