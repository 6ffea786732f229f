//! Recovery: payments and refunds whose fate nobody works on finding out are taken up, a few at a
//! time and each by one process.

use crate::db::{Db, DbError};
use crate::payment::attempt::{Payment, Refund};
use crate::payment::error::PaymentError;
use crate::payment::service::{LEASE, Payments, row};
use entity::{payment, refund};
use sea_orm::sea_query::{
    CommonTableExpression, Expr, ExprTrait, IntoIden, LockBehavior, LockType, Order, Query,
    UpdateStatement, WithClause, WithQuery,
};
use sea_orm::{FromQueryResult, Iden};

impl Payments {
    /// Takes up payments that nobody works on, at most so many: each is left to the caller for half
    /// a minute, who is to [`Payments::ask`] and to settle.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_stuck(&self, most: u64) -> Result<Vec<Payment>, PaymentError> {
        use payment::Column::{Attempts, Id, LeaseUntil};
        let mut update = Query::update();
        update
            .table(payment::Entity)
            .value(LeaseUntil, self.db.now_plus_sql(LEASE))
            // Nothing that others see changes: the version stays.
            .value(Attempts, Expr::col(Attempts).add(1))
            .returning(Query::returning().all());
        let claiming = claiming(&self.db, update, payment::Entity, (Id, LeaseUntil), most);
        row::payments(claim(&self.db, &claiming).await?)
    }

    /// Takes up refunds that nobody works on, as [`Payments::claim_stuck`]: they are asked for
    /// again by [`Payments::refund`], which comes to the same however often.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_stuck_refunds(&self, most: u64) -> Result<Vec<Refund>, PaymentError> {
        use refund::Column::{Attempts, Id, LeaseUntil};
        let mut update = Query::update();
        update
            .table(refund::Entity)
            .value(LeaseUntil, self.db.now_plus_sql(LEASE))
            .value(Attempts, Expr::col(Attempts).add(1))
            .returning(Query::returning().all());
        let claiming = claiming(&self.db, update, refund::Entity, (Id, LeaseUntil), most);
        let rows: Vec<refund::Model> = claim(&self.db, &claiming).await?;
        rows.into_iter().map(Refund::try_from).collect()
    }
}

async fn claim<T: FromQueryResult>(db: &Db, statement: &WithQuery) -> Result<Vec<T>, DbError> {
    db.tx(|tx| async move { tx.all(statement).await }).await
}

/// Restricts an update to rows whose lease has ended, those that wait longest first. Each row goes
/// to one claimer: others skip what is locked.
fn claiming<C: Iden + Copy + 'static>(
    db: &Db,
    mut update: UpdateStatement,
    table: impl IntoIden,
    (id, lease_until): (C, C),
    most: u64,
) -> WithQuery {
    let mut stuck = Query::select();
    stuck
        .column(id)
        .from(table.into_iden())
        .and_where(Expr::col(lease_until).lt(db.now_sql()))
        .order_by(lease_until, Order::Asc)
        .limit(most);
    if db.is_postgres() {
        stuck.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    }
    // Apart from the update: inside it, Postgres may run the choice more than once.
    let mut chosen = CommonTableExpression::new();
    chosen.table_name("stuck").column(id).materialized(true).query(stuck);
    let ids = Query::select().column(id).from("stuck").to_owned();
    update.and_where(Expr::col(id).in_subquery(ids));
    update.with(WithClause::new().cte(chosen).to_owned())
}
