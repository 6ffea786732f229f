//! The application: pools and services, built once. The only place that wires anything.

mod background;
mod belongings;
mod events;
mod exposition;
mod first_admin;
mod health;
mod jobs;
mod keys;
mod lifecycle;
mod metrics;
mod payments;
mod webhook;

pub use crate::app::events::EventsWait;
pub use crate::app::exposition::PROMETHEUS_MEDIA_TYPE;
pub use crate::app::first_admin::FIRST_ADMIN_EMAIL;
pub use crate::app::jobs::WorkerAway;
pub use crate::app::keys::check_keys;
pub use crate::app::lifecycle::Lifecycle;
pub use crate::app::webhook::{Unheard, UnheardKind};
pub use crate::metrics::health::Health;

use crate::account::{AccountWatch, Accounts, Belongings};
use crate::app::belongings::{CartsOf, OrdersOf};
use crate::audit::AuditLog;
use crate::auth::TokenCodec;
use crate::cache::{self, EntityCache, Responses};
use crate::cart::{Carts, Lifetimes};
use crate::catalog::Catalog;
use crate::config::{CaptureAt, Settings};
use crate::db::Db;
use crate::events::{Bus, Courier};
use crate::flash_sale::FlashSales;
use crate::graphql::document::{DocumentFront, Limits};
use crate::graphql::scalars;
use crate::jobs::Worker;
use crate::mail::Mailer;
use crate::metrics::alerts::Alerts;
use crate::metrics::health::{Examiner, HealthLog};
use crate::metrics::scenarios::Scenarios;
use crate::order::{Orders, Policy};
use crate::outbox::Outbox;
use crate::payment::sandbox::Sandbox;
use crate::redis::Redis;
use crate::schema::{Services, StockroomSchema};
use crate::stock::Stock;
use crate::stock::live::LiveStock;
use anyhow::Context;
use chrono::TimeDelta;
use secrecy::ExposeSecret;
use std::sync::Arc;
use std::time::Duration;

/// How long whole answers are kept at most while everybody tells of changes.
const KEPT_FOR: Duration = Duration::from_secs(60);
/// How long stock is held for an order that is not paid.
const STOCK_HELD: TimeDelta = TimeDelta::minutes(15);

/// Everything that a server needs, wired.
#[derive(Clone)]
pub struct App {
    /// The checked settings.
    pub settings: Settings,
    /// The database.
    pub db: Db,
    /// Tells what was committed, here and to the other replicas.
    pub bus: Bus,
    /// Entities by their id.
    pub cache: EntityCache,
    /// Whole answers for guests, where they are kept.
    pub responses: Option<Responses>,
    /// What resolvers call.
    pub services: Services,
    /// The built-in payment provider, where it is in use.
    pub sandbox: Option<Sandbox>,
    /// Sends mail.
    pub mailer: Mailer,
    /// Does the jobs that services write.
    pub worker: Worker,
    /// Delivers the events that services write.
    pub courier: Courier,
    /// Looks whether the components are well.
    pub examiner: Examiner,
    /// Tells sockets that their account has changed.
    pub account_watch: AccountWatch,
    /// What every document passes before the engine sees it.
    pub front: DocumentFront,
    /// The engine.
    pub schema: StockroomSchema,
    /// The way to the end of the process.
    pub lifecycle: Lifecycle,
}

impl App {
    /// Opens the database and builds the services on it.
    ///
    /// # Errors
    /// When the data folder cannot be made, or the database cannot be reached.
    pub async fn build(settings: Settings) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&settings.data_dir)
            .with_context(|| format!("cannot make the data folder {:?}", settings.data_dir))?;
        let db = Db::open(&settings.database).await.context("cannot open the database")?;
        let tokens = TokenCodec::new(keys::key_ring(&settings)?);
        let lifecycle = Lifecycle::default();
        let (bus, cache) = connect_replicas(&settings, &lifecycle).await?;
        let rate_limited = settings.rate_limit_enabled;
        let accounts = Accounts::new(db.clone(), tokens, bus.clone(), rate_limited);
        let account_watch = watch_accounts(&bus, &lifecycle);
        let stock = Stock::new(db.clone(), bus.clone(), cache.clone());
        let live_stock = LiveStock::new(stock.clone(), bus.clone());
        let watching = lifecycle.ended.clone().run_until_cancelled_owned(live_stock.clone().run());
        lifecycle.background.spawn(watching);
        let currency = settings.shop_currency;
        let flash_sales = FlashSales::new(db.clone(), bus.clone());
        let sources = (stock.clone(), flash_sales.clone());
        let catalog = Catalog::new(db.clone(), sources.clone(), cache.clone(), currency);
        let audit = AuditLog::new(db.clone());
        let outbox = Outbox::new(db.clone());
        let courier = events::courier(&db, &bus, &settings);
        let lifetimes =
            Lifetimes { guest: settings.carts.guest, customer: settings.carts.customer };
        let carts = Carts::new(db.clone(), sources, currency, lifetimes);
        let sandbox = payments::sandbox(&db, &settings).await?;
        let payments = payments::payments(&db, sandbox.as_ref(), &settings)?;
        let metrics = metrics::metrics(&db, &bus, &payments, &settings);
        let parts = (carts.clone(), stock.clone(), flash_sales.clone(), payments.clone());
        let orders = Orders::new(db.clone(), parts, bus.clone(), policy(&settings));
        let belongings: Vec<Arc<dyn Belongings>> =
            vec![Arc::new(CartsOf(carts.clone())), Arc::new(OrdersOf(orders.clone()))];
        let accounts = accounts.with_belongings(belongings);
        let health = HealthLog::new(db.clone());
        let alerts = Alerts::new(db.clone(), bus.clone(), metrics.clone(), health.clone());
        let scenarios = Scenarios::new(db.clone(), metrics.clone());
        let services = Services {
            accounts,
            audit,
            outbox,
            catalog,
            flash_sales,
            stock,
            live_stock,
            carts,
            payments,
            orders,
            metrics,
            health,
            alerts,
            scenarios,
        };
        let mailer =
            Mailer::new(&settings.mail, settings.environment).context("SMTP_URL cannot be used")?;
        let worker = Self::worker(&db, &services, (&mailer, sandbox.as_ref()), &settings)?;
        let examiner = health::examiner(&health::Parts {
            db: db.clone(),
            cache: cache.clone(),
            mailer: mailer.clone(),
            worker: worker.clone(),
            role: settings.role,
            payments: services.payments.clone(),
        });
        let schema = crate::schema::build();
        let limits = Limits {
            suggestions: settings.graphiql_enabled,
            introspection: settings.graphiql_enabled,
            ..Limits::default()
        };
        let front = DocumentFront::sharing(
            &schema.sdl(),
            limits,
            scalars::checks(),
            crate::schema::SHARED_FIELDS,
        )?;
        let responses = responses((&bus, &cache), &db, &settings, &lifecycle);
        Ok(Self {
            settings,
            db,
            bus,
            cache,
            responses,
            services,
            sandbox,
            account_watch,
            mailer,
            worker,
            courier,
            examiner,
            front,
            schema,
            lifecycle,
        })
    }

    /// Closes the connections to the database after the statements under way.
    pub async fn close(&self) {
        if let Some(sandbox) = &self.sandbox {
            sandbox.close().await;
        }
        self.db.close().await;
    }

    /// Brings the database's schema up to date and tells the names of the steps that were missing.
    ///
    /// # Errors
    /// When a step fails; the schema is then as it was.
    pub async fn migrate(&self) -> anyhow::Result<Vec<String>> {
        self.db.migrate().await.context("cannot migrate the database")
    }
}

/// How orders are dealt with.
fn policy(settings: &Settings) -> Policy {
    Policy {
        capture_at_checkout: settings.payment.capture == CaptureAt::Checkout,
        hold: STOCK_HELD,
        // A little less than a request may take: whoever waits is told so.
        patience: settings.transport.request.mul_f32(0.8),
    }
}

/// Whole answers for guests. Not where each answer tells of its own statements.
fn responses(
    (bus, cache): (&Bus, &EntityCache),
    db: &Db,
    settings: &Settings,
    lifecycle: &Lifecycle,
) -> Option<Responses> {
    if !settings.response_cache_enabled || settings.sql_extension_enabled {
        return None;
    }
    let alone = !db.is_postgres();
    let kept_for = if alone { settings.cache_alone } else { KEPT_FOR };
    let clock = {
        let db = db.clone();
        Arc::new(move || db.estimated_clock())
    };
    let (responses, listening) = Responses::new(bus, cache.clone(), clock, (alone, kept_for));
    let listening = lifecycle.ended.clone().run_until_cancelled_owned(listening.run());
    lifecycle.background.spawn(listening);
    Some(responses)
}

/// Hears of accounts until the end of the lifecycle.
fn watch_accounts(bus: &Bus, lifecycle: &Lifecycle) -> AccountWatch {
    let watch = AccountWatch::default();
    let watching = watch.clone().run(bus.subscribe());
    lifecycle.background.spawn(lifecycle.ended.clone().run_until_cancelled_owned(watching));
    watch
}

/// The bus and the cache, shared with the other replicas when there is a Redis. Their tasks run
/// until the end of the lifecycle.
async fn connect_replicas(
    settings: &Settings,
    lifecycle: &Lifecycle,
) -> anyhow::Result<(Bus, EntityCache)> {
    let redis = match &settings.redis_url {
        Some(url) => {
            let redis = Redis::open(url.expose_secret(), &settings.redis_key_prefix);
            let redis = redis.context("REDIS_URL cannot be used")?;
            // The first requests need not do without it. When it is away the server starts anyway.
            redis.connect().await;
            Some(redis)
        }
        None => None,
    };
    let bus = match redis.clone().map(Bus::shared) {
        Some((bus, relay)) => {
            lifecycle.background.spawn(relay.run(lifecycle.ended.clone()));
            bus
        }
        None => Bus::local(),
    };
    let limits = cache::Limits {
        memory_bytes: settings.cache_memory_bytes,
        ttl_alone: settings.cache_alone,
        ..cache::Limits::default()
    };
    let (cache, upkeep) = EntityCache::new(bus.clone(), redis, limits);
    lifecycle.background.spawn(upkeep.run(lifecycle.ended.clone()));
    bus.join().await;
    Ok((bus, cache))
}
