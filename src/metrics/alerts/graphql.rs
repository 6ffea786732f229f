//! Alerts in the schema.

use crate::account::graphql::User;
use crate::account::loader::AccountLoaders;
use crate::auth::{Permission, Viewer};
use crate::db::page::{Cursor, CursorKey};
use crate::graphql::idempotency::Replayed;
use crate::graphql::scalars::DateTime;
use crate::graphql::table_enum::table_enum;
use crate::graphql::{Auth, Connection, Fault, NodeKind, PageArgs, UserError, Warning};
use crate::metrics::alerts::loader::AlertLoaders;
use crate::metrics::alerts::{self, Acknowledge, AlertError, Alerts, Rule, Severity, Status};
use crate::stock::graphql::conflict;
use async_graphql::{Context, ID, InputObject, Object, SimpleObject, Subscription};
use futures::{FutureExt, Stream, StreamExt};

table_enum!(Rule, "AlertRule", "Why an alert is raised, and when it resolves.", rule);
table_enum!(Severity, "AlertSeverity", "How bad it is.", severity);
table_enum!(Status, "AlertStatus", "Where an alert stands.", status);

fn rule(rule: Rule) -> String {
    rule.about().to_owned()
}

fn severity(severity: Severity) -> String {
    severity.about().to_owned()
}

fn status(status: Status) -> String {
    status.about().to_owned()
}

/// An alert.
pub struct Alert(pub alerts::Alert);

/// Something that those who run the shop should look at. It is raised by its rule, over all
/// processes, and resolves by itself 20 seconds after there was a reason for it last; of a rule and a
/// subject one is unresolved at most. Resolved ones are kept for METRICS_RETENTION_DAYS. For those
/// who have METRICS_READ.
#[Object]
impl Alert {
    /// The opaque id, for `node`.
    pub async fn id(&self) -> ID {
        NodeKind::Alert.id(self.0.id)
    }

    /// Why it was raised.
    async fn rule(&self) -> Rule {
        self.0.rule
    }

    /// How bad it is.
    async fn severity(&self) -> Severity {
        self.0.severity
    }

    /// Where it stands.
    async fn status(&self) -> Status {
        self.0.status
    }

    /// The SKU, component or payment provider that it is about; null: the whole shop.
    async fn subject(&self) -> Option<&str> {
        self.0.subject.as_deref()
    }

    /// What is the matter, in a sentence.
    async fn message(&self) -> &str {
        &self.0.message
    }

    /// Where the line is.
    async fn threshold(&self) -> &str {
        &self.0.threshold
    }

    /// What was measured last, while there was a reason for it.
    async fn measured(&self) -> &str {
        &self.0.measured
    }

    /// When it was raised.
    async fn raised_at(&self) -> DateTime {
        DateTime(self.0.raised_at)
    }

    /// When something about it changed last.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated_at)
    }

    /// When somebody acknowledged it; null: nobody has.
    async fn acknowledged_at(&self) -> Option<DateTime> {
        self.0.acknowledged_at.map(DateTime)
    }

    /// Who acknowledged it; null when nobody has, or a program did.
    #[graphql(directive = Auth::apply(Permission::AccountRead))]
    async fn acknowledged_by(&self, ctx: &Context<'_>) -> Option<Result<User, Fault>> {
        let by = self.0.acknowledged_by?;
        let found = ctx.data_unchecked::<AccountLoaders>().user.get(by).await;
        found.map(|user| user.map(User)).transpose()
    }

    /// What they wrote; null when they wrote nothing.
    async fn note(&self) -> Option<&str> {
        self.0.note.as_deref()
    }

    /// When it was resolved; null while it is not.
    async fn resolved_at(&self) -> Option<DateTime> {
        self.0.resolved_at.map(DateTime)
    }
}

/// An alert that somebody looks after.
#[derive(InputObject)]
pub struct AlertAcknowledgeInput {
    /// The alert; it must not be resolved.
    alert_id: ID,
    /// What is known or done about it, at most 500 characters.
    note: Option<String>,
    /// Makes repeating the mutation harmless: 1 to 255 printable ASCII characters, kept 72 hours.
    idempotency_key: Option<String>,
}

/// The answer to alertAcknowledge.
#[derive(SimpleObject, Default)]
pub struct AlertAcknowledgePayload {
    /// The alert as it is now; null when nothing happened.
    alert: Option<Alert>,
    /// Why nothing happened; empty when it did.
    user_errors: Vec<UserError>,
    /// Always empty.
    warnings: Vec<Warning>,
}

/// Queries about alerts.
#[derive(Default)]
pub struct AlertQuery;

/// Queries about alerts.
#[Object]
impl AlertQuery {
    /// What those who run the shop should look at, or should have, the newest first.
    #[graphql(directive = Auth::apply(Permission::MetricsRead))]
    async fn alerts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only alerts that stand there.")] status: Option<Status>,
        #[graphql(desc = "So many from the beginning, 0 to 100; 20 when neither is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Option<Result<Connection<Alert>, Fault>> {
        Some(list(ctx, PageArgs { first, after, last, before }, status).await)
    }
}

async fn list(
    ctx: &Context<'_>,
    args: PageArgs,
    status: Option<Status>,
) -> Result<Connection<Alert>, Fault> {
    let (alerts, viewer) = services(ctx);
    let page = alerts.list(&viewer, status, &args.window(&status)?).await?;
    let alerts = alerts.clone();
    let count = move || {
        let alerts = alerts.clone();
        async move { Ok(alerts.count(&viewer, status).await?) }.boxed()
    };
    let cursor = |alert: &alerts::Alert| Cursor { key: CursorKey::Id, id: alert.id };
    Ok(Connection::new(page, &status, cursor, Alert, count))
}

/// Mutations on alerts.
#[derive(Default)]
pub struct AlertMutation;

/// Mutations on alerts.
#[Object]
impl AlertMutation {
    /// Say that you look after an alert, so that others need not. Of several who do, the first one
    /// stays; who comes later gets the alert as it is. A resolved alert cannot be acknowledged.
    #[graphql(directive = Auth::apply(Permission::AlertWrite))]
    async fn alert_acknowledge(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] input: AlertAcknowledgeInput,
    ) -> Option<Result<AlertAcknowledgePayload, Fault>> {
        let (alerts, viewer) = services(ctx);
        let ask = Acknowledge {
            // What is no id of an alert names nothing.
            id: NodeKind::Alert.key(&input.alert_id).unwrap_or_default(),
            note: input.note,
            idempotency_key: input.idempotency_key,
        };
        Some(match alerts.acknowledge(&viewer, &ask).await {
            Ok(done) => {
                if done.replayed {
                    ctx.data_unchecked::<Replayed>().set();
                }
                let found = ctx.data_unchecked::<AlertLoaders>().alert.get(done.id).await;
                found.map(|found| AlertAcknowledgePayload {
                    alert: found.map(Alert),
                    ..AlertAcknowledgePayload::default()
                })
            }
            Err(error) => refusal(error).map(|user_errors| AlertAcknowledgePayload {
                user_errors,
                ..AlertAcknowledgePayload::default()
            }),
        })
    }
}

/// What a refused mutation answers; a fault stays an error of the response.
fn refusal(error: AlertError) -> Result<Vec<UserError>, Fault> {
    match error {
        AlertError::Invalid(problems) => Ok(problems.into_iter().map(UserError::from).collect()),
        AlertError::Idempotency(error) => Ok(vec![conflict(&error)?]),
        error @ (AlertError::Denied(_) | AlertError::Db(_)) => Err(error.into()),
    }
}

/// What can be watched of alerts.
#[derive(Default)]
pub struct AlertSubscription;

/// What can be watched of alerts.
#[Subscription]
impl AlertSubscription {
    /// Each alert that is raised from now on, and again when it is acknowledged and when it is
    /// resolved: `status` tells. Those that stand open already are in `alerts`.
    #[graphql(directive = Auth::apply(Permission::MetricsRead))]
    async fn alert_raised(
        &self,
        ctx: &Context<'_>,
    ) -> Result<impl Stream<Item = Result<Alert, Fault>> + use<>, Fault> {
        let (alerts, viewer) = services(ctx);
        let raised = alerts.watch(viewer)?;
        Ok(raised.map(|alert| alert.map(Alert).map_err(Fault::from)))
    }
}

fn services<'a>(ctx: &'a Context<'_>) -> (&'a Alerts, Viewer) {
    (ctx.data_unchecked::<Alerts>(), *ctx.data_unchecked::<Viewer>())
}
