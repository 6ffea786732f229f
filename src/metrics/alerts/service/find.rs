//! Reading alerts.

use crate::auth::{Permission, Viewer};
use crate::db::keys::among;
use crate::db::page::{Keyset, Page, Window};
use crate::metrics::alerts::service::{Alerts, column, select_alerts};
use crate::metrics::alerts::{Alert, AlertError, Status};
use entity::alert::{Column, Entity, Model};
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, Query, SelectStatement};
use std::collections::HashMap;
use uuid::Uuid;

#[derive(FromQueryResult)]
struct Count {
    count: i64,
}

impl Alerts {
    /// A page of alerts, the newest first. Staff only.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(
        &self,
        viewer: &Viewer,
        status: Option<Status>,
        window: &Window,
    ) -> Result<Page<Alert>, AlertError> {
        viewer.may(Permission::MetricsRead)?;
        let mut select = select_alerts();
        restrict(&mut select, status);
        // Keys rise with the time at which they were made.
        Keyset { key: None, id: column(Column::Id), descending: true }.apply(&mut select, window);
        let rows: Vec<Model> = self.db.all(&select).await?;
        Ok(Page::cut(rows.into_iter().map(Alert::from).collect(), window))
    }

    /// How many alerts a list has. Staff only.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count(&self, viewer: &Viewer, status: Option<Status>) -> Result<u64, AlertError> {
        viewer.may(Permission::MetricsRead)?;
        let mut select = Query::select();
        select.expr_as(Expr::col(Asterisk).count(), "count").from(Entity);
        restrict(&mut select, status);
        let count: Option<Count> = self.db.one(&select).await?;
        Ok(count.and_then(|row| u64::try_from(row.count).ok()).unwrap_or_default())
    }

    /// Alerts by key; nobody but those who may see them sees any.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_many(
        &self,
        viewer: &Viewer,
        ids: &[Uuid],
    ) -> Result<HashMap<Uuid, Alert>, AlertError> {
        if !viewer.can(Permission::MetricsRead) {
            return Ok(HashMap::new());
        }
        let mut select = select_alerts();
        select.and_where(among(column(Column::Id), ids));
        let rows: Vec<Model> = self.db.all(&select).await?;
        Ok(rows.into_iter().map(|row| (row.id, row.into())).collect())
    }
}

fn restrict(select: &mut SelectStatement, status: Option<Status>) {
    if let Some(status) = status {
        select.and_where(column(Column::Status).eq(status.name()));
    }
}
