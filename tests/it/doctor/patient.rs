//! A shop in which there is one of everything, and a way to break it that no rule of the database
//! stops.

use crate::app::TestApp;
use crate::order::shop::shop;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection};
use serde_json::{Value, json};
use stockroom::config::CaptureAt;

/// A shop with an order in each state that can be reached.
pub struct Patient {
    pub app: TestApp,
    pub paid: String,
    pub refused: String,
    pub undecided: String,
    pub cancelled: String,
    pub authorized: String,
    scalpel: DatabaseConnection,
}

impl Patient {
    pub async fn new() -> Self {
        let app = shop().await;
        let customer = app.customer().await;
        let number = |payload: &Value| payload["order"]["number"].as_str().unwrap().to_owned();
        let paid = number(&customer.buys(&[("CUP", 2), ("POT", 1)], "card_approved").await);
        let refused = number(&customer.buys(&[("CUP", 1)], "card_declined").await);
        let undecided = number(&customer.buys(&[("CUP", 1)], "card_pending").await);
        let bought = customer.buys(&[("POT", 1)], "card_approved").await;
        let input = json!({ "orderId": bought["order"]["id"] });
        let cancelled = number(&customer.order_payload("orderCancel", input).await);
        let later =
            app.replica_with(|settings| settings.payment.capture = CaptureAt::Fulfilment).await;
        let authorized = number(&later.guest().buys(&[("CUP", 3)], "card_approved").await);
        let scalpel = scalpel(&app).await;
        Self { app, paid, refused, undecided, cancelled, authorized, scalpel }
    }

    /// Runs statements that no constraint and no trigger stops.
    pub async fn cut(&self, sql: &str) {
        let done = self.scalpel.execute_unprepared(sql).await;
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

async fn scalpel(app: &TestApp) -> DatabaseConnection {
    let mut options = ConnectOptions::new(app.database_url());
    options.max_connections(1).sqlx_logging(false);
    let scalpel = Database::connect(options).await.unwrap();
    let anaesthesia = if app.app.db.is_postgres() { POSTGRES } else { SQLITE };
    scalpel.execute_unprepared(anaesthesia).await.unwrap();
    scalpel.execute_unprepared("DROP INDEX payment_open_key").await.unwrap();
    scalpel
}

const POSTGRES: &str = "DO $$ DECLARE r record; BEGIN
    FOR r IN SELECT conrelid::regclass AS place, conname FROM pg_constraint
        WHERE contype IN ('c', 'f') AND connamespace = 'public'::regnamespace
    LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', r.place, r.conname); END LOOP;
    FOR r IN SELECT tgrelid::regclass AS place, tgname FROM pg_trigger WHERE NOT tgisinternal
    LOOP EXECUTE format('DROP TRIGGER %I ON %s', r.tgname, r.place); END LOOP;
END $$";

const SQLITE: &str = "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON;
    DROP TRIGGER stock_movement_no_update; DROP TRIGGER stock_movement_no_delete;
    DROP TRIGGER order_event_no_update; DROP TRIGGER order_event_no_delete";
