//! Setting stock aside for orders. The functions take lists of orders, so that checkouts that come
//! together can share a transaction; each order of a list is served whole or not at all.

use crate::db::Tx;
use crate::stock::service::hold::dead_holds_in_txn;
use crate::stock::service::ledger::{LedgerLine, record_in_txn};
use crate::stock::service::row::touch;
use crate::stock::service::served::{Free, Served, free_in_txn};
use crate::stock::service::{Stock, available, count_rejection, write_events_in_txn};
use crate::stock::{Level, MovementKind, Shortage, StockError};
use crate::validation::{Problem, ProblemKind};
use chrono::TimeDelta;
use entity::reservation;
use entity::stock_level::{Column, Entity, Model};
use sea_orm::sea_query::{Expr, ExprTrait, Query, UpdateStatement};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// An order that needs stock.
#[derive(Debug, Clone)]
pub struct ReserveOrder {
    /// The order.
    pub order_id: Uuid,
    /// What it needs. Lines of the same variant are fine.
    pub lines: Vec<ReserveLine>,
}

/// One line of an order.
#[derive(Debug, Clone)]
pub struct ReserveLine {
    /// The line.
    pub order_line_id: Uuid,
    /// The variant.
    pub variant_id: Uuid,
    /// Its SKU, for the answer when it is short.
    pub sku: String,
    /// How many, 1 or more.
    pub quantity: i64,
}

/// Pieces set aside at one level for one order line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// The key.
    pub id: Uuid,
    /// The order line.
    pub order_line_id: Uuid,
    /// The level.
    pub level_id: Uuid,
    /// How many.
    pub quantity: i64,
}

/// What became of one order of a list.
pub type ReserveOutcome = Result<Vec<Reservation>, Vec<Shortage>>;

/// Which order takes how many at a level.
struct Take {
    order_id: Uuid,
    order_line_id: Uuid,
    quantity: i64,
}

impl Stock {
    /// Sets stock aside for one order, in a transaction of its own. When it is short and expired
    /// holds lie on what is short, those are ended first and the whole is tried once more: nobody
    /// is refused for a dead hold.
    ///
    /// # Errors
    /// [`StockError::Insufficient`]: then nothing was set aside.
    pub async fn reserve(
        &self,
        order: &ReserveOrder,
        hold: TimeDelta,
    ) -> Result<Vec<Reservation>, StockError> {
        let reserve = || self.reserve_once(order, hold);
        count_rejection(self.despite_dead_holds(reserve).await)
    }

    async fn reserve_once(
        &self,
        order: &ReserveOrder,
        hold: TimeDelta,
    ) -> Result<Vec<Reservation>, StockError> {
        self.db
            .tx(|tx| async move {
                let outcomes =
                    self.reserve_in_txn(&tx, std::slice::from_ref(order), hold, None).await?;
                match outcomes.into_iter().next() {
                    Some(Ok(reservations)) => Ok(reservations),
                    Some(Err(shortages)) => Err(StockError::Insufficient(shortages)),
                    None => Err(StockError::fault("an order has no outcome")),
                }
            })
            .await
    }

    /// Sets stock aside for orders, each whole or not at all; the answers are in their order. The
    /// last thing that a transaction does: a hot level stays locked until the commit. A refusal
    /// names the orders whose dead holds may be why: whoever called rolls back, ends these
    /// ([`Stock::expire_orders`]) and tries once more. Who has read the levels in this transaction
    /// tells what was `seen`: it is not asked for again.
    ///
    /// # Errors
    /// [`StockError::Invalid`] for a quantity below 1. Otherwise when the database fails, or the
    /// plan was overtaken: the transaction helper then repeats the whole, behind locks.
    pub async fn reserve_in_txn(
        &self,
        tx: &Tx,
        orders: &[ReserveOrder],
        hold: TimeDelta,
        seen: Option<Served>,
    ) -> Result<Vec<ReserveOutcome>, StockError> {
        check_quantities(orders)?;
        let mut variants: Vec<Uuid> =
            orders.iter().flat_map(|order| &order.lines).map(|line| line.variant_id).collect();
        variants.sort_unstable();
        variants.dedup();
        // The first try plans without locks and relies on the guards.
        let locked = tx.is_repeated();
        if locked {
            tx.line_up(&variants).await?;
        }
        let seen = seen.filter(|_| !locked).and_then(|seen| seen.free(&variants));
        let mut free = match seen {
            Some(free) => free,
            None => free_in_txn(tx, &variants, locked).await?,
        };
        let (mut outcomes, mut takes) = plan(orders, &mut free);
        if !locked {
            let short = outcomes.iter().any(Result::is_err);
            if short
                && takes.is_empty()
                && let Some(refused) =
                    refuse_in_txn(tx, (orders, &variants), &mut outcomes, &free).await?
            {
                return Ok(refused);
            }
            // Whoever stood in line plans anew: what was free is gone.
            if tx.line_up(&variants).await? || short {
                free = free_in_txn(tx, &variants, true).await?;
                (outcomes, takes) = plan(orders, &mut free);
            }
        }
        name_dead_holds_in_txn(tx, &mut outcomes, &free).await?;
        write_reservations_in_txn(tx, &takes, &mut outcomes, orders, hold);
        self.take_in_txn(tx, &takes, &free.read).await?;
        Ok(outcomes)
    }

    /// Has what is taken written, with all that waits: one guarded update a level, in the order in which
    /// levels are locked, and a movement for each.
    async fn take_in_txn(
        &self,
        tx: &Tx,
        takes: &BTreeMap<Uuid, Vec<Take>>,
        read: &HashMap<Uuid, Level>,
    ) -> Result<(), StockError> {
        if takes.is_empty() {
            return Ok(());
        }
        let orders = takes.values().flatten().map(|take| take.order_id);
        let references: HashMap<Uuid, String> = orders.map(|id| (id, id.to_string())).collect();
        let mut levels: Vec<(Level, &Vec<Take>)> =
            takes.iter().filter_map(|(id, takes)| Some((read.get(id)?.clone(), takes))).collect();
        levels.sort_by_key(|(level, _)| (level.variant_id, level.warehouse_id));
        let mut lines = Vec::new();
        let mut updates = Vec::with_capacity(levels.len());
        for (level, takes) in &mut levels {
            updates.push(taking(tx, level, takes));
            for take in *takes {
                level.version += 1;
                level.reserved += take.quantity;
                lines.push(
                    LedgerLine::of(level, MovementKind::Reservation, 0, take.quantity)
                        .reference(references.get(&take.order_id).map(String::as_str)),
                );
            }
        }
        record_in_txn(tx, &lines);
        write_events_in_txn(tx, levels.iter().map(|(level, _)| level));
        let changed: Vec<Model> = tx.change_in_turn(Entity, updates).await?;
        let movements = levels.iter().map(|(level, takes)| (level.id, number(takes)));
        let risen: HashMap<Uuid, i64> = movements.collect();
        let changed: Vec<Level> = changed.into_iter().map(Level::from).collect();
        debug_assert!(levels.iter().all(|(expected, _)| {
            changed.iter().any(|level| {
                Level { updated_at: expected.updated_at, ..level.clone() } == *expected
            })
        }));
        self.announce_in_txn(
            tx,
            changed.iter().filter_map(|level| Some((level, *risen.get(&level.id)?))),
        );
        Ok(())
    }
}

fn check_quantities(orders: &[ReserveOrder]) -> Result<(), StockError> {
    let mut lines = orders.iter().flat_map(|order| order.lines.iter().enumerate());
    match lines.find(|(_, line)| line.quantity < 1) {
        None => Ok(()),
        Some((place, _)) => {
            let path = ["lines".to_owned(), place.to_string(), "quantity".to_owned()];
            let message = "The quantity must be 1 or more.";
            Err(Problem::new(ProblemKind::OutOfRange, path, message).into())
        }
    }
}

/// Whether all orders are refused without a lock, so that a crowd that comes too late does not stand
/// in the way of those who buy: when dead holds are named, which are to be ended, or when there was
/// not enough before and after it was seen that there are none. None: it has to be decided behind
/// locks.
async fn refuse_in_txn(
    tx: &Tx,
    (orders, variants): (&[ReserveOrder], &[Uuid]),
    outcomes: &mut Vec<ReserveOutcome>,
    free: &Free,
) -> Result<Option<Vec<ReserveOutcome>>, StockError> {
    name_dead_holds_in_txn(tx, outcomes, free).await?;
    if outcomes.iter().any(meets_dead_holds) {
        return Ok(Some(std::mem::take(outcomes)));
    }
    let mut free = free_in_txn(tx, variants, false).await?;
    let (again, _) = plan(orders, &mut free);
    Ok(again.iter().all(Result::is_err).then_some(again))
}

fn meets_dead_holds(outcome: &ReserveOutcome) -> bool {
    let short = outcome.as_ref().err();
    short.is_some_and(|short| short.iter().any(|shortage| !shortage.dead_holds.is_empty()))
}

/// Names the orders whose dead holds lie on what is short.
async fn name_dead_holds_in_txn(
    tx: &Tx,
    outcomes: &mut [ReserveOutcome],
    free: &Free,
) -> Result<(), StockError> {
    let refused = || outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).flatten();
    let short: BTreeSet<Uuid> = refused().map(|shortage| shortage.variant_id).collect();
    let levels = short.iter().filter_map(|variant_id| free.levels.get(variant_id)).flatten();
    let levels: Vec<Uuid> = levels.map(|(level_id, _)| *level_id).collect();
    let dead = dead_holds_in_txn(tx, levels).await?;
    let mut by_variant: HashMap<Uuid, BTreeSet<Uuid>> = HashMap::new();
    for hold in dead {
        let Some(level) = free.read.get(&hold.level_id) else { continue };
        by_variant.entry(level.variant_id).or_default().insert(hold.order_id);
    }
    for shortage in outcomes.iter_mut().filter_map(|outcome| outcome.as_mut().err()).flatten() {
        let dead = by_variant.get(&shortage.variant_id);
        shortage.dead_holds = dead.into_iter().flatten().copied().collect();
    }
    Ok(())
}

/// Serves one order after the other from what is free; gives the outcomes (without keys of
/// reservations yet) and what is taken at each level.
fn plan(
    orders: &[ReserveOrder],
    free: &mut Free,
) -> (Vec<ReserveOutcome>, BTreeMap<Uuid, Vec<Take>>) {
    let mut takes: BTreeMap<Uuid, Vec<Take>> = BTreeMap::new();
    let outcomes = orders
        .iter()
        .map(|order| {
            let shortages = shortages(order, free);
            if !shortages.is_empty() {
                return Err(shortages);
            }
            for line in &order.lines {
                serve(order.order_id, line, free, &mut takes);
            }
            Ok(Vec::new())
        })
        .collect();
    (outcomes, takes)
}

fn shortages(order: &ReserveOrder, free: &Free) -> Vec<Shortage> {
    let mut asked: BTreeMap<Uuid, (i64, &str)> = BTreeMap::new();
    for line in &order.lines {
        let entry = asked.entry(line.variant_id).or_insert((0, &line.sku));
        entry.0 = entry.0.saturating_add(line.quantity);
    }
    asked
        .into_iter()
        .filter_map(|(variant_id, (requested, sku))| {
            let levels = free.levels.get(&variant_id);
            let available =
                levels.map_or(0, |levels| levels.iter().map(|(_, free)| free).sum::<i64>());
            (requested > available).then(|| Shortage {
                variant_id,
                sku: sku.to_owned(),
                requested,
                available,
                dead_holds: Vec::new(),
            })
        })
        .collect()
}

/// Takes a line from the first warehouse that has enough, else from several in their order.
fn serve(
    order_id: Uuid,
    line: &ReserveLine,
    free: &mut Free,
    takes: &mut BTreeMap<Uuid, Vec<Take>>,
) {
    let Some(levels) = free.levels.get_mut(&line.variant_id) else { return };
    let mut wanted = line.quantity;
    let whole = levels.iter().position(|(_, free)| *free >= wanted);
    let from = whole.unwrap_or(0);
    for (level_id, free) in levels.iter_mut().skip(from) {
        let quantity = Ord::min(wanted, *free);
        if quantity <= 0 {
            continue;
        }
        *free -= quantity;
        wanted -= quantity;
        let take = Take { order_id, order_line_id: line.order_line_id, quantity };
        let takes = takes.entry(*level_id).or_default();
        // Two lines of one order are two reservations, one line twice at a level is one.
        match takes.iter_mut().find(|earlier| earlier.order_line_id == take.order_line_id) {
            Some(earlier) => earlier.quantity += quantity,
            None => takes.push(take),
        }
        if wanted == 0 {
            break;
        }
    }
}

/// Takes from a level, if it is as it was read.
fn taking(tx: &Tx, read: &Level, takes: &[Take]) -> UpdateStatement {
    let quantity: i64 = takes.iter().map(|take| take.quantity).sum();
    let mut update = touch(tx, number(takes));
    update
        .value(Column::Reserved, Expr::col(Column::Reserved).add(quantity))
        .and_where(Expr::col(Column::Id).eq(read.id))
        // What is written of it beside is true of no other version.
        .and_where(Expr::col(Column::Version).eq(read.version))
        .and_where(available().gte(quantity));
    update
}

/// How many there are: each is a movement, with a version of its own.
fn number(takes: &[Take]) -> i64 {
    i64::try_from(takes.len()).unwrap_or(i64::MAX)
}

fn write_reservations_in_txn(
    tx: &Tx,
    takes: &BTreeMap<Uuid, Vec<Take>>,
    outcomes: &mut [ReserveOutcome],
    orders: &[ReserveOrder],
    hold: TimeDelta,
) {
    use reservation::Column as R;
    let places: HashMap<Uuid, usize> =
        orders.iter().enumerate().map(|(place, order)| (order.order_id, place)).collect();
    let rows: Vec<(&Uuid, &Take)> =
        takes.iter().flat_map(|(level, takes)| takes.iter().map(move |t| (level, t))).collect();
    for chunk in rows.chunks(1_000) {
        let mut insert = Query::insert();
        insert.into_table(reservation::Entity).columns([
            R::Id,
            R::OrderId,
            R::OrderLineId,
            R::LevelId,
            R::Quantity,
            R::Status,
            R::ExpiresAt,
            R::CreatedAt,
            R::UpdatedAt,
        ]);
        for (level_id, take) in chunk {
            let id = Uuid::now_v7();
            insert.values_panic([
                Expr::value(id),
                Expr::value(take.order_id),
                Expr::value(take.order_line_id),
                Expr::value(**level_id),
                Expr::value(take.quantity),
                Expr::value("HELD"),
                tx.db().now_plus_sql(hold),
                tx.db().now_sql(),
                tx.db().now_sql(),
            ]);
            let outcome = places.get(&take.order_id).and_then(|place| outcomes.get_mut(*place));
            if let Some(Ok(reservations)) = outcome {
                reservations.push(Reservation {
                    id,
                    order_line_id: take.order_line_id,
                    level_id: **level_id,
                    quantity: take.quantity,
                });
            }
        }
        tx.later(reservation::Entity, insert, chunk.len());
    }
}
