//! Making and changing sales.

use crate::audit::{AuditAction, AuditSubject, NewAuditEvent, record_in_txn};
use crate::auth::{Permission, Viewer};
use crate::db::{Timestamp, Tx};
use crate::flash_sale::ask::{Which, check_against_list};
use crate::flash_sale::service::rows::{SaleRow, column, gather, select_sales};
use crate::flash_sale::service::{FlashSales, count_conflict};
use crate::flash_sale::{FlashSale, FlashSaleError, FlashSaleStatus, SetFlashSale};
use crate::idempotency::{Claim, IdempotencyKey};
use crate::money::{Currency, Money};
use crate::validation::{Problem, ProblemKind};
use chrono::SecondsFormat;
use entity::flash_sale::{Column, Entity};
use entity::{flash_sale_price, product_variant, variant_price};
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{Expr, ExprTrait, LockType, Query, SimpleExpr};
use uuid::Uuid;

/// A sale that was set.
#[derive(Debug, Clone, Copy)]
pub struct Set {
    /// Its key.
    pub id: Uuid,
    /// It was done before, under the same key.
    pub replayed: bool,
}

#[derive(FromQueryResult)]
struct VariantKey {
    id: Uuid,
}

#[derive(FromQueryResult)]
struct ListPrice {
    currency: String,
    amount: i64,
}

impl FlashSales {
    /// Makes a sale, or sets one that is not over as a whole; it may run. A variant has one sale at
    /// a time. Staff only.
    ///
    /// # Errors
    /// [`FlashSaleError::Invalid`] with everything that is wrong,
    /// [`FlashSaleError::VersionConflict`].
    pub async fn set(&self, viewer: &Viewer, ask: &SetFlashSale) -> Result<Set, FlashSaleError> {
        viewer.may(Permission::CatalogWrite)?;
        let bind = |key: &str| IdempotencyKey::bind(viewer.scope(), "flashSaleSet", key, ask);
        let key = ask.idempotency_key.as_deref().map(bind).transpose()?;
        let setting = self.db.tx(|tx| {
            let (ask, key, by, viewer) = (ask.clone(), key.clone(), viewer.scope(), *viewer);
            let sales = self.clone();
            async move {
                if let Some(key) = &key
                    && let Claim::Earlier(id) = key.claim_in_txn::<Uuid>(&tx).await?
                {
                    return Ok(Set { id, replayed: true });
                }
                let (id, variant_id) = set_in_txn(&tx, &viewer, &ask).await?;
                sales.tell_in_txn(&tx, variant_id);
                if let Some(key) = &key {
                    key.record_in_txn(&tx, &id).await?;
                }
                tx.after_commit(move || tracing::info!(by, sale = %id, "a flash sale was set"));
                Ok(Set { id, replayed: false })
            }
        });
        setting.await
    }
}

/// The sale and its variant.
async fn set_in_txn(
    tx: &Tx,
    viewer: &Viewer,
    ask: &SetFlashSale,
) -> Result<(Uuid, Uuid), FlashSaleError> {
    let (prices, mut problems) = ask.checked();
    let (variant_id, known) = match ask.which() {
        Ok(Which::New { sku }) => (variant_by_sku_in_txn(tx, sku).await?, None),
        Ok(Which::Known(id)) => {
            let known = lock_sale_in_txn(tx, id, ask.expected_version).await?;
            (Some(known.variant_id), Some(known))
        }
        Err(problem) => {
            problems.push(problem);
            return Err(FlashSaleError::Invalid(problems));
        }
    };
    let Some(variant_id) = variant_id else {
        let message = "Nothing has this SKU.";
        problems.push(Problem::new(ProblemKind::NotFound, ["sku"], message));
        return Err(FlashSaleError::Invalid(problems));
    };
    problems.extend(check_against_list(&prices, &list_prices_in_txn(tx, variant_id).await?));
    problems.extend(known.as_ref().and_then(|known| check_begun(known, ask)));
    let id = known.as_ref().map(|known| known.id);
    let starts_at = match (ask.starts_at, &known) {
        (Some(starts_at), _) => Expr::value(starts_at),
        (None, Some(known)) => Expr::value(known.starts_at),
        (None, None) => tx.db().now_sql(),
    };
    if let Some(problem) =
        check_window_in_txn(tx, (variant_id, id), &starts_at, ask.ends_at).await?
    {
        problems.push(problem);
    }
    if !problems.is_empty() {
        return Err(FlashSaleError::Invalid(problems));
    }
    let id = match &known {
        Some(known) => change_in_txn(tx, known, ask, starts_at).await?,
        None => insert_in_txn(tx, variant_id, ask, starts_at).await?,
    };
    write_prices_in_txn(tx, id, &prices).await?;
    let mut event = NewAuditEvent::new(AuditAction::FlashSaleSet, AuditSubject::FlashSale(id));
    event = event.new_value(told(&sale_in_txn(tx, id).await?));
    if let Some(known) = &known {
        event = event.old_value(told(known));
    }
    record_in_txn(tx, viewer, event).await?;
    Ok((id, variant_id))
}

/// A sale as the audit log has it.
pub(super) fn told(sale: &FlashSale) -> serde_json::Value {
    let time = |at: Timestamp| at.to_rfc3339_opts(SecondsFormat::Micros, true);
    let price = |price: &Money| serde_json::json!({ "currency": price.currency.code(), "price": price.minor });
    serde_json::json!({
        "startsAt": time(sale.starts_at),
        "endsAt": time(sale.ends_at),
        "allocation": sale.allocation,
        "limitPerCustomer": sale.limit_per_customer,
        "prices": sale.prices.iter().map(price).collect::<Vec<_>>(),
    })
}

/// When a sale began stays as it is: orders have its price because it ran.
fn check_begun(known: &FlashSale, ask: &SetFlashSale) -> Option<Problem> {
    let is_moved = ask.starts_at.is_some_and(|starts_at| starts_at != known.starts_at);
    let message = "It has begun: leave startsAt out.";
    let problem = Problem::new(ProblemKind::Invalid, ["startsAt"], message);
    (known.status == FlashSaleStatus::Running && is_moved).then_some(problem)
}

/// The variant of a SKU, locked: who sets sales of it comes one after the other. Not as those are
/// locked out who write orders of it.
async fn variant_by_sku_in_txn(tx: &Tx, sku: &str) -> Result<Option<Uuid>, FlashSaleError> {
    // Postgres knows no NUL and would refuse the statement.
    if sku.contains('\0') {
        return Ok(None);
    }
    lock_variant_in_txn(tx, Expr::col(product_variant::Column::Sku).eq(sku)).await
}

async fn lock_variant_in_txn(tx: &Tx, which: SimpleExpr) -> Result<Option<Uuid>, FlashSaleError> {
    let mut select = Query::select();
    select
        .column(product_variant::Column::Id)
        .from(product_variant::Entity)
        .and_where(which)
        .lock(LockType::NoKeyUpdate);
    Ok(tx.one::<VariantKey>(&select).await?.map(|variant| variant.id))
}

/// The sale with this key, if it can still be changed, its variant locked.
pub(super) async fn lock_sale_in_txn(
    tx: &Tx,
    id: Uuid,
    expected_version: Option<i64>,
) -> Result<FlashSale, FlashSaleError> {
    // A sale stays of its variant: reading that before the lock is safe.
    let variant_id = sale_in_txn(tx, id).await?.variant_id;
    lock_variant_in_txn(tx, Expr::col(product_variant::Column::Id).eq(variant_id)).await?;
    let sale = sale_in_txn(tx, id).await?;
    if expected_version.is_some_and(|expected| expected != sale.version) {
        return Err(FlashSaleError::VersionConflict { actual: sale.version });
    }
    if sale.status == FlashSaleStatus::Over {
        let message = "This sale is over. Make a new one.";
        return Err(Problem::new(ProblemKind::Invalid, ["id"], message).into());
    }
    Ok(sale)
}

async fn sale_in_txn(tx: &Tx, id: Uuid) -> Result<FlashSale, FlashSaleError> {
    let rows: Vec<SaleRow> = tx.all(&select_sales(tx.db(), column(Column::Id).eq(id))).await?;
    gather(rows).into_iter().next().ok_or_else(|| {
        let message = "There is no flash sale with this id.";
        Problem::new(ProblemKind::NotFound, ["id"], message).into()
    })
}

async fn list_prices_in_txn(tx: &Tx, variant_id: Uuid) -> Result<Vec<Money>, FlashSaleError> {
    use variant_price::Column as P;
    let mut select = Query::select();
    select
        .columns([P::Currency, P::Amount])
        .from(variant_price::Entity)
        .and_where(Expr::col(P::VariantId).eq(variant_id));
    let prices: Vec<ListPrice> = tx.all(&select).await?;
    let price = |price: ListPrice| {
        let currency = Currency::from_code(&price.currency)?;
        Some(Money { minor: price.amount, currency })
    };
    Ok(prices.into_iter().filter_map(price).collect())
}

/// What is wrong with when a sale is to be: it would be over, or meet another one of the variant.
async fn check_window_in_txn(
    tx: &Tx,
    (variant_id, id): (Uuid, Option<Uuid>),
    starts_at: &SimpleExpr,
    ends_at: Timestamp,
) -> Result<Option<Problem>, FlashSaleError> {
    let mut others = Query::select();
    others
        .column(Column::Id)
        .from(Entity)
        .and_where(column(Column::VariantId).eq(variant_id))
        .and_where(column(Column::StartsAt).lt(ends_at))
        .and_where(column(Column::EndsAt).gt(starts_at.clone()))
        .and_where_option(id.map(|id| column(Column::Id).ne(id)));
    let mut select = Query::select();
    // Without a row to begin with there is none to tell about.
    select
        .column(product_variant::Column::Id)
        .from(product_variant::Entity)
        .and_where(Expr::col(product_variant::Column::Id).eq(variant_id))
        .and_where(Expr::value(ends_at).gt(tx.db().now_sql()))
        .and_where(Expr::value(ends_at).gt(starts_at.clone()));
    if tx.one::<VariantKey>(&select).await?.is_none() {
        let message = "It must end after it begins, and in the future.";
        return Ok(Some(Problem::new(ProblemKind::OutOfRange, ["endsAt"], message)));
    }
    let other: Option<VariantKey> = tx.one(&others).await?;
    Ok(other.map(|_| {
        let message = "The variant has another flash sale at that time. A variant has one at a \
                       time: change that, or choose another time.";
        Problem::new(ProblemKind::AlreadyExists, ["startsAt"], message)
    }))
}

async fn change_in_txn(
    tx: &Tx,
    known: &FlashSale,
    ask: &SetFlashSale,
    starts_at: SimpleExpr,
) -> Result<Uuid, FlashSaleError> {
    let mut update = Query::update();
    update
        .table(Entity)
        .value(Column::StartsAt, starts_at)
        .value(Column::EndsAt, ask.ends_at)
        .value(Column::Allocation, ask.allocation)
        .value(Column::LimitPerCustomer, ask.limit_per_customer)
        .value(Column::Version, Expr::col(Column::Version).add(1))
        .value(Column::UpdatedAt, tx.db().now_sql())
        .and_where(column(Column::Id).eq(known.id))
        .and_where(column(Column::Taken).lte(ask.allocation));
    if tx.run(&update).await.map_err(count_conflict)? == 0 {
        let taken = sale_in_txn(tx, known.id).await?.taken;
        let message = format!("Orders have {taken} pieces of it; allocation cannot be less.");
        return Err(Problem::new(ProblemKind::OutOfRange, ["allocation"], message).into());
    }
    let mut delete = Query::delete();
    delete
        .from_table(flash_sale_price::Entity)
        .and_where(Expr::col(flash_sale_price::Column::FlashSaleId).eq(known.id));
    tx.run(&delete).await?;
    Ok(known.id)
}

async fn insert_in_txn(
    tx: &Tx,
    variant_id: Uuid,
    ask: &SetFlashSale,
    starts_at: SimpleExpr,
) -> Result<Uuid, FlashSaleError> {
    let id = Uuid::now_v7();
    let mut insert = Query::insert();
    insert
        .into_table(Entity)
        .columns([
            Column::Id,
            Column::VariantId,
            Column::StartsAt,
            Column::EndsAt,
            Column::Allocation,
            Column::LimitPerCustomer,
            Column::CreatedAt,
            Column::UpdatedAt,
        ])
        .values_panic([
            Expr::value(id),
            Expr::value(variant_id),
            starts_at,
            Expr::value(ask.ends_at),
            Expr::value(ask.allocation),
            Expr::value(ask.limit_per_customer),
            tx.db().now_sql(),
            tx.db().now_sql(),
        ]);
    tx.run(&insert).await?;
    Ok(id)
}

async fn write_prices_in_txn(tx: &Tx, id: Uuid, prices: &[Money]) -> Result<(), FlashSaleError> {
    use flash_sale_price::Column as P;
    let mut insert = Query::insert();
    insert.into_table(flash_sale_price::Entity).columns([P::FlashSaleId, P::Currency, P::Amount]);
    for price in prices {
        insert.values_panic([
            Expr::value(id),
            Expr::value(price.currency.code()),
            Expr::value(price.minor),
        ]);
    }
    tx.run(&insert).await?;
    Ok(())
}
