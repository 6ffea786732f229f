//! The tax rates of the shop, as administrators set them.

use crate::audit::{AuditAction, AuditSubject, NewAuditEvent, record_in_txn};
use crate::auth::{Permission, Viewer};
use crate::cart::delivery::MAX_REGION_CHARS;
use crate::cart::service::{Carts, log_in_txn};
use crate::cart::{CartError, EVERYWHERE_ELSE, TaxRate};
use crate::country::Country;
use crate::db::Tx;
use crate::validation::{Problem, ProblemKind, optional_line, required_line};
use entity::tax_rate::{Column, Entity, Model};
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, Order, Query, SelectStatement, SimpleExpr};
use uuid::Uuid;

const MAX_NAME_CHARS: usize = 100;
const MAX_RATE_PPM: i64 = 1_000_000;

/// A tax rate as it is to be.
#[derive(Debug, Clone)]
pub struct TaxChange {
    /// The country; None: everywhere else.
    pub country: Option<Country>,
    /// A region of the country; None: the whole of it.
    pub region: Option<String>,
    /// What the tax is called there.
    pub name: String,
    /// Millionths: 190,000 are 19 %.
    pub rate_ppm: i64,
    /// Whether shipping is taxed as well.
    pub taxes_shipping: bool,
    /// Only if the rate still has this version.
    pub expected_version: Option<i64>,
}

/// A change that was looked through.
struct Checked {
    country: &'static str,
    region: String,
    name: String,
}

impl TaxChange {
    fn checked(&self) -> Result<Checked, CartError> {
        let mut problems = Vec::new();
        let given = self.region.as_deref().unwrap_or_default();
        let region = optional_line("region", given, MAX_REGION_CHARS);
        // In capitals: buyers write them as they like, and there is one row for a region.
        let region = region.map(|region| region.to_uppercase());
        if self.country.is_none() && region.as_ref().is_ok_and(|region| !region.is_empty()) {
            let message = "Say which country the region is of.";
            problems.push(Problem::new(ProblemKind::Required, ["country"], message));
        }
        let name = required_line("name", &self.name, MAX_NAME_CHARS);
        if !(0..=MAX_RATE_PPM).contains(&self.rate_ppm) {
            let message = "The rate must be between 0 and 100 percent.";
            problems.push(Problem::new(ProblemKind::OutOfRange, ["percent"], message));
        }
        match (region, name) {
            (Ok(region), Ok(name)) if problems.is_empty() => {
                let country = self.country.map_or(EVERYWHERE_ELSE, Country::code);
                Ok(Checked { country, region, name })
            }
            (region, name) => {
                problems.extend([region.err(), name.err()].into_iter().flatten());
                Err(CartError::Invalid(problems))
            }
        }
    }
}

impl Carts {
    /// All tax rates: by country and region, that of everywhere else first. Staff only.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_tax_rates(&self, viewer: &Viewer) -> Result<Vec<TaxRate>, CartError> {
        viewer.may(Permission::SalesSettingsRead)?;
        let mut select = select_rates();
        select.order_by(Column::Country, Order::Asc).order_by(Column::Region, Order::Asc);
        let models: Vec<Model> = self.db.all(&select).await?;
        Ok(models.into_iter().map(TaxRate::from).collect())
    }

    /// Sets the rate of a place, whether or not it had one. Administrators only.
    ///
    /// # Errors
    /// [`CartError::Invalid`] with everything that is wrong, [`CartError::VersionConflict`].
    pub async fn set_tax_rate(
        &self,
        viewer: &Viewer,
        change: &TaxChange,
    ) -> Result<TaxRate, CartError> {
        viewer.may(Permission::SalesSettingsWrite)?;
        let checked = &change.checked()?;
        self.db
            .tx(|tx| async move {
                log_in_txn(&tx, viewer, "set a tax rate", checked.country);
                let set = set_in_txn(&tx, change, checked).await;
                let (old, new) = set.map_err(CartError::or_again)?;
                let event = about(AuditAction::TaxRateSet, new.id).new_value(told(&new));
                let event = match old {
                    Some(old) => event.old_value(told(&old)),
                    None => event,
                };
                record_in_txn(&tx, viewer, event).await?;
                Ok(TaxRate::from(new))
            })
            .await
    }

    /// Forgets the rate of a place: the shop does not sell there any more, unless a more general
    /// rate says otherwise. Administrators only.
    ///
    /// # Errors
    /// [`CartError::Invalid`] when there is none, [`CartError::VersionConflict`].
    pub async fn delete_tax_rate(
        &self,
        viewer: &Viewer,
        (country, region): (Option<Country>, Option<&str>),
        expected_version: Option<i64>,
    ) -> Result<(), CartError> {
        viewer.may(Permission::SalesSettingsWrite)?;
        let country = country.map_or(EVERYWHERE_ELSE, Country::code);
        let region = &region.unwrap_or_default().trim().to_uppercase();
        self.db
            .tx(|tx| async move {
                let found = lock_in_txn(&tx, country, region).await?;
                let Some(found) = found else {
                    let message = "There is no tax rate of this place.";
                    return Err(Problem::new(ProblemKind::NotFound, ["country"], message).into());
                };
                check_version(expected_version, found.version)?;
                log_in_txn(&tx, viewer, "delete a tax rate", &found.country);
                let mut delete = Query::delete();
                delete.from_table(Entity).and_where(Expr::col(Column::Id).eq(found.id));
                tx.run(&delete).await?;
                let event = about(AuditAction::TaxRateDeleted, found.id).old_value(told(&found));
                record_in_txn(&tx, viewer, event).await?;
                Ok(())
            })
            .await
    }
}

fn about(action: AuditAction, rate_id: Uuid) -> NewAuditEvent {
    NewAuditEvent::new(action, AuditSubject::TaxRate(rate_id))
}

/// A rate as the audit log tells it.
fn told(rate: &Model) -> serde_json::Value {
    serde_json::json!({
        "country": rate.country,
        "region": rate.region,
        "ratePpm": rate.rate_ppm,
        "taxesShipping": rate.taxes_shipping,
    })
}

/// Gives the rate that there was, and the one that there is.
async fn set_in_txn(
    tx: &Tx,
    change: &TaxChange,
    checked: &Checked,
) -> Result<(Option<Model>, Model), CartError> {
    let found = lock_in_txn(tx, checked.country, &checked.region).await?;
    let version = found.as_ref().map_or(0, |found| found.version);
    check_version(change.expected_version, version)?;
    let values = [
        (Column::Name, Expr::value(checked.name.as_str())),
        (Column::RatePpm, Expr::value(change.rate_ppm)),
        (Column::TaxesShipping, Expr::value(change.taxes_shipping)),
        (Column::Version, Expr::value(version.saturating_add(1))),
        (Column::UpdatedAt, tx.db().now_sql()),
    ];
    let written: Option<Model> = match &found {
        Some(found) => {
            let mut update = Query::update();
            update.table(Entity).values(values).and_where(Expr::col(Column::Id).eq(found.id));
            tx.one(update.returning_all()).await?
        }
        None => {
            let own = [
                (Column::Id, Expr::value(Uuid::now_v7())),
                (Column::Country, Expr::value(checked.country)),
                (Column::Region, Expr::value(checked.region.as_str())),
                (Column::CreatedAt, tx.db().now_sql()),
            ];
            let (columns, values): (Vec<Column>, Vec<SimpleExpr>) =
                own.into_iter().chain(values).unzip();
            let mut insert = Query::insert();
            insert.into_table(Entity).columns(columns).values_panic(values);
            tx.one(insert.returning_all()).await?
        }
    };
    let written =
        written.ok_or_else(|| CartError::fault("a tax rate was written and is not there"))?;
    Ok((found, written))
}

async fn lock_in_txn(tx: &Tx, country: &str, region: &str) -> Result<Option<Model>, CartError> {
    let mut select = select_rates();
    select
        .and_where(Expr::col(Column::Country).eq(country))
        .and_where(Expr::col(Column::Region).eq(region))
        .lock_exclusive();
    Ok(tx.one(&select).await?)
}

fn select_rates() -> SelectStatement {
    let mut select = Query::select();
    select.column((Entity, Asterisk)).from(Entity);
    select
}

/// Refuses to change what the caller has not seen; what is not there has version 0.
pub(super) fn check_version(expected: Option<i64>, actual: i64) -> Result<(), CartError> {
    match expected {
        Some(expected) if expected != actual => Err(CartError::VersionConflict { actual }),
        _ => Ok(()),
    }
}
