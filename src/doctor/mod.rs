//! The doctor: looks over the whole database for what must never be, in one snapshot, with one
//! statement a check. It changes nothing, and asks the tables themselves, not the services: what
//! judges them shares no code with them.

mod ages;
mod events;
mod figures;
mod flash_sales;
mod goods;
mod money;
mod orders;
mod stock;

use crate::db::{Db, DbError, Tx};
use chrono::{SecondsFormat, TimeDelta};
use sea_orm::{ConnectionTrait, FromQueryResult, Statement};
use serde::Serialize;
use uuid::Uuid;

/// Offenders that a report names of each check; all are counted.
pub const NAMED: u32 = 5;

macro_rules! invariants {
    ($($(#[doc = $about:literal])+ $name:ident $id:literal $rule:literal,)+) => {
        /// What must hold at every moment.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Invariant {
            $($(#[doc = $about])+ $name,)+
        }

        impl Invariant {
            /// All of them, in the order of reports.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Its short name.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)+ }
            }

            /// What it says.
            #[must_use]
            pub const fn rule(self) -> &'static str {
                match self { $(Self::$name => $rule,)+ }
            }
        }
    };
}

invariants! {
    /// Levels of stock.
    Levels "I1" "at each level, 0 <= reserved <= on hand",
    /// Stock that is set aside.
    Holds "I2" "what is reserved is held by orders that wait for it",
    /// Movements of stock.
    Ledger "I3" "each level is the sum of its movements, and they follow one another",
    /// Money, as the shop has it and as its provider does.
    Money "I4" "what payments took and gave back is what their provider says",
    /// Money and orders.
    Paid "I5" "each order is paid once, in full, and no dead order keeps money",
    /// What others are told.
    Events "I6" "each change has its event, and none is left out",
    /// What waits.
    Ages "I8" "nothing waits longer than it may",
    /// The figures of orders.
    Totals "I9" "the figures of each order add up",
    /// Flash sales.
    FlashSales "I10" "each flash sale gave what orders have of it, and no more than its share",
    /// Pieces that go and come.
    Goods "I11" "what was sent, came back and is to come is what lines of orders say",
    /// What is counted of orders and payments.
    Figures "I12" "the figures of days are what the orders, payments and refunds come to",
}

/// A question to the database. Its rows are offenders: a key, and how they stand in words.
struct Check {
    invariant: Invariant,
    /// What is wrong with its offenders.
    wrong: &'static str,
    /// Selects `subject` and `detail`; with the words of [`Words`].
    sql: &'static str,
}

/// What was found.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Whether all is well.
    pub healthy: bool,
    /// One verdict an invariant that was looked at.
    pub verdicts: Vec<Verdict>,
    /// What was not looked at, and why.
    pub notes: Vec<String>,
}

/// How an invariant stands.
#[derive(Debug, Clone, Serialize)]
pub struct Verdict {
    /// Its short name.
    pub id: &'static str,
    /// What it says.
    pub rule: &'static str,
    /// How many offenders there are, in all of its checks.
    pub broken: i64,
    /// The checks that found some.
    pub findings: Vec<Finding>,
}

/// What a check found.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// What is wrong.
    pub wrong: &'static str,
    /// How many offenders there are.
    pub count: i64,
    /// The first few.
    pub first: Vec<Offender>,
}

/// A row that breaks an invariant.
#[derive(Debug, Clone, Serialize)]
pub struct Offender {
    /// Its key; None for what has none, such as a session.
    pub id: Option<Uuid>,
    /// How it stands.
    pub detail: String,
}

#[derive(FromQueryResult)]
struct Row {
    total: i64,
    subject: Option<Uuid>,
    detail: String,
}

#[derive(FromQueryResult)]
struct Provider {
    provider: String,
    payments: i64,
}

/// Looks at these invariants, in one snapshot of the database.
///
/// # Errors
/// [`DbError`] when the database cannot be read: then nothing is known.
pub async fn examine(db: &Db, invariants: &[Invariant]) -> Result<Report, DbError> {
    let invariants = invariants.to_vec();
    db.snapshot(|tx| async move { examine_in_txn(&tx, &invariants).await }).await
}

async fn examine_in_txn(tx: &Tx, invariants: &[Invariant]) -> Result<Report, DbError> {
    let words = Words::of(tx.db());
    let mut verdicts = Vec::with_capacity(invariants.len());
    for invariant in invariants {
        let mut findings = Vec::new();
        let checks = [
            stock::CHECKS,
            orders::CHECKS,
            money::CHECKS,
            events::CHECKS,
            ages::CHECKS,
            flash_sales::CHECKS,
            goods::CHECKS,
            figures::CHECKS,
        ];
        let own = |check: &&Check| check.invariant == *invariant;
        for check in checks.into_iter().flatten().filter(own) {
            findings.extend(ask(tx, check, &words).await?);
        }
        if *invariant == Invariant::Ages && tx.db().is_postgres() {
            findings.extend(ask(tx, &ages::SESSIONS, &words).await?);
        }
        verdicts.push(Verdict {
            id: invariant.id(),
            rule: invariant.rule(),
            broken: findings.iter().map(|finding| finding.count).sum(),
            findings,
        });
    }
    let healthy = verdicts.iter().all(|verdict| verdict.findings.is_empty());
    let notes = if invariants.contains(&Invariant::Money) { notes(tx).await? } else { Vec::new() };
    Ok(Report { healthy, verdicts, notes })
}

async fn ask(tx: &Tx, check: &Check, words: &Words) -> Result<Option<Finding>, DbError> {
    let sql = format!(
        "SELECT COUNT(*) OVER () AS total, found.subject, found.detail \
         FROM ({}) found ORDER BY found.subject LIMIT {NAMED}",
        words.spell(check.sql),
    );
    let rows: Vec<Row> = select(tx, sql).await?;
    let count = rows.first().map_or(0, |row| row.total);
    let first = rows.into_iter().map(|row| Offender { id: row.subject, detail: row.detail });
    Ok((count > 0).then(|| Finding { wrong: check.wrong, count, first: first.collect() }))
}

/// Payments that only their provider could judge.
async fn notes(tx: &Tx) -> Result<Vec<String>, DbError> {
    let foreign: Vec<Provider> = select(tx, money::FOREIGN.to_owned()).await?;
    let note = |Provider { provider, payments }| {
        format!("{payments} payments of {provider} were not compared: its record is elsewhere")
    };
    Ok(foreign.into_iter().map(note).collect())
}

async fn select<T: FromQueryResult>(tx: &Tx, sql: String) -> Result<Vec<T>, DbError> {
    let statement = Statement::from_string(tx.db().backend(), sql);
    let rows = tx.connection().query_all_raw(statement).await?;
    let decoded: Result<Vec<T>, _> = rows.iter().map(|row| T::from_query_result(row, "")).collect();
    Ok(decoded?)
}

/// Words in the SQL of checks, for what the databases say differently.
struct Words {
    db: Db,
}

impl Words {
    fn of(db: &Db) -> Self {
        Self { db: db.clone() }
    }

    /// `{minutes}`, `{hour}`, `{day}` and `{kept}` are moments that lie 5 minutes, an hour, 25 hours
    /// and 6 days back: what is within a limit, and a little more than it. `{number:name}` and
    /// `{text:name}` are parts of an event's payload, `{date:name}` is the day of a moment, in UTC.
    fn spell(&self, sql: &str) -> String {
        let moments = [
            ("{minutes}", TimeDelta::minutes(5)),
            ("{hour}", TimeDelta::hours(1)),
            ("{day}", TimeDelta::hours(25)),
            ("{kept}", TimeDelta::days(6)),
        ];
        let mut sql = sql.to_owned();
        for (word, back) in moments {
            sql = sql.replace(word, &self.moment(back));
        }
        while let Some((before, rest)) = sql.split_once("{number:") {
            let (name, after) = rest.split_once('}').unwrap_or((rest, ""));
            sql = format!("{before}{}{after}", self.part(name, "bigint"));
        }
        while let Some((before, rest)) = sql.split_once("{text:") {
            let (name, after) = rest.split_once('}').unwrap_or((rest, ""));
            sql = format!("{before}{}{after}", self.part(name, "text"));
        }
        while let Some((before, rest)) = sql.split_once("{date:") {
            let (name, after) = rest.split_once('}').unwrap_or((rest, ""));
            sql = format!("{before}{}{after}", self.date(name));
        }
        sql
    }

    fn moment(&self, back: TimeDelta) -> String {
        if self.db.is_postgres() {
            let offset = self.db.clock_offset() - back;
            let us = offset.num_microseconds().unwrap_or_default();
            // The time of the snapshot, the same in each row.
            return format!("(now() + {us} * interval '1 microsecond')");
        }
        let then = self.db.now() - back;
        format!("'{}'", then.to_rfc3339_opts(SecondsFormat::AutoSi, false))
    }

    fn date(&self, name: &str) -> String {
        if self.db.is_postgres() {
            format!("to_char({name} AT TIME ZONE 'UTC', 'YYYY-MM-DD')")
        } else {
            format!("substr({name}, 1, 10)")
        }
    }

    fn part(&self, name: &str, kind: &str) -> String {
        if self.db.is_postgres() {
            format!("CAST(payload ->> '{name}' AS {kind})")
        } else {
            format!("json_extract(payload, '$.{name}')")
        }
    }
}
