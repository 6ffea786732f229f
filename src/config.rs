//! Settings, from flags, the environment and `.env`, in this order; parsed once into types. Two
//! settings that do not go together are refused at the start, each with what to set.

mod carts;
mod mail;
mod metrics;
mod network;
mod outbox;
mod payment;
mod tokens;
mod transport;

pub use crate::config::carts::{CartArgs, CartSettings};
pub use crate::config::mail::{MailArgs, MailSettings};
pub use crate::config::metrics::{MetricsArgs, MetricsSettings};
pub use crate::config::network::Network;
pub use crate::config::outbox::{OutboxArgs, OutboxSettings};
pub use crate::config::payment::{
    CaptureAt, PaymentArgs, PaymentProvider, PaymentSettings, SandboxSettings, StripeSettings,
};
pub use crate::config::tokens::{KeyFile, TokenSettings};
pub use crate::config::transport::{SocketLimits, TransportLimits};

use crate::config::tokens::TokenArgs;
use crate::config::transport::TransportArgs;
use crate::money::Currency;
use secrecy::{ExposeSecret, SecretString};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Where the server runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Environment {
    /// Convenient: demo data, GraphiQL, a signing key made on the spot.
    Development,
    /// Strict: nothing weak starts, nothing inside is shown.
    Production,
}

/// What a process of the server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ServeRole {
    /// Answers requests and does jobs.
    All,
    /// Answers requests; others do the jobs.
    Api,
    /// Does jobs, and answers probes alone.
    Worker,
}

/// Which database to open.
#[derive(Clone)]
pub enum DatabaseTarget {
    /// The file of an embedded SQLite database; made when it does not exist.
    Sqlite(PathBuf),
    /// A Postgres URL.
    Postgres {
        /// `postgres://user:password@host:port/database`.
        url: SecretString,
        /// Connections at most. More than a few per core lose throughput.
        max_connections: u32,
        /// How many of them are opened ahead and stay open.
        kept_open: u32,
    },
}

impl DatabaseTarget {
    /// Has all connections opened ahead, and kept: for whoever serves crowds.
    pub fn keep_open(&mut self) {
        if let Self::Postgres { max_connections, kept_open, .. } = self {
            *kept_open = *max_connections;
        }
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For eyes.
    Pretty,
    /// One JSON object a line.
    Json,
}

/// The settings as they are given. `stockroom serve --help` prints what each means.
#[derive(Debug, Clone, clap::Args)]
pub struct SettingsArgs {
    /// development or production.
    #[arg(long, env = "ENVIRONMENT", value_enum, default_value = "development", global = true)]
    pub environment: Environment,
    /// postgres://user:password@host:port/database. Without it: an embedded SQLite database in the
    /// data folder. `sqlite:<path>` names another file.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, global = true)]
    pub database_url: Option<SecretString>,
    /// Connections to Postgres at most.
    #[arg(long, env = "DATABASE_POOL_SIZE", default_value_t = 16, global = true,
        value_parser = clap::value_parser!(u32).range(2..=200))]
    pub database_pool_size: u32,
    /// redis://host:port. Without it: cache and live stock work in this process alone.
    #[arg(long, env = "REDIS_URL", hide_env_values = true, global = true)]
    pub redis_url: Option<SecretString>,
    /// What every key and channel in Redis begins with; shops that share a Redis need different
    /// ones.
    #[arg(long, env = "REDIS_KEY_PREFIX", default_value = "stockroom", global = true)]
    pub redis_key_prefix: String,
    /// Seconds that the catalogue may be shown as it was, while no other replica can tell of its
    /// changes: without Redis, or when Redis is away.
    #[arg(long, env = "CACHE_SECONDS_ALONE", default_value_t = 10, global = true,
        value_parser = clap::value_parser!(u64).range(1..=300))]
    pub cache_seconds_alone: u64,
    /// MiB that cached parts of the catalogue may take in this process, about. 0: none are kept, and
    /// each request asks Redis or, without it, the database.
    #[arg(long, env = "CACHE_MEMORY_MIB", default_value_t = 64, global = true,
        value_parser = clap::value_parser!(u32).range(0..=65_536))]
    pub cache_memory_mib: u32,
    /// all, api or worker: whether `serve` answers requests, does jobs in the background, or both.
    /// Apart they need Postgres.
    #[arg(long, env = "ROLE", value_enum, default_value = "all", global = true)]
    pub role: ServeRole,
    /// The folder for the embedded database and what else the server keeps.
    #[arg(long, env = "DATA_DIR", default_value = "data", global = true)]
    pub data_dir: PathBuf,
    /// Address and port to listen on.
    #[arg(long, env = "LISTEN_ADDR", default_value = "127.0.0.1:8000", global = true)]
    pub listen_addr: SocketAddr,
    /// The keys of access tokens, and cookies.
    #[command(flatten)]
    pub tokens: TokenArgs,
    /// Origins of browser pages that may call the API and open sockets, separated by commas, such
    /// as https://shop.example. The server's own pages always may.
    #[arg(long, env = "CORS_ALLOWED_ORIGINS", value_delimiter = ',', global = true)]
    pub cors_allowed_origins: Vec<String>,
    /// Which log lines to write, as in `info` or `info,stockroom=debug`.
    #[arg(long, env = "LOG_LEVEL", default_value = "info", global = true)]
    pub log_level: String,
    /// pretty or json. Default: pretty in development, json in production.
    #[arg(long, env = "LOG_FORMAT", value_enum, global = true)]
    pub log_format: Option<LogFormat>,
    /// Whether to serve GraphiQL at `/`, introspection and suggestions. Default: in development.
    #[arg(long, env = "GRAPHIQL_ENABLED", global = true)]
    pub graphiql_enabled: Option<bool>,
    /// Whether answers carry extensions.sql { count, ms }. Default: in development.
    #[arg(long, env = "SQL_EXTENSION_ENABLED", global = true)]
    pub sql_extension_enabled: Option<bool>,
    /// Whether whole answers to guests' questions about the catalogue are kept until something that
    /// they are made of changes. Default: yes, but where answers carry extensions.sql.
    #[arg(long, env = "RESPONSE_CACHE_ENABLED", global = true)]
    pub response_cache_enabled: Option<bool>,
    /// Whether a new, empty database gets the demo catalogue; never in production.
    #[arg(long, env = "SEED_DEMO", global = true)]
    pub seed_demo: Option<bool>,
    /// The currency that prices are shown and sorted in when nobody asks for another.
    #[arg(long, env = "SHOP_CURRENCY", default_value = "EUR", global = true)]
    pub shop_currency: String,
    /// Carts.
    #[command(flatten)]
    pub carts: CartArgs,
    /// Mail.
    #[command(flatten)]
    pub mail: MailArgs,
    /// Payments.
    #[command(flatten)]
    pub payment: PaymentArgs,
    /// Events for others.
    #[command(flatten)]
    pub outbox: OutboxArgs,
    /// Figures about how the shop does.
    #[command(flatten)]
    pub metrics: MetricsArgs,
    /// Whether those who guess passwords, or have many mails sent, are slowed down. Only for
    /// measuring and for tests it is not.
    #[arg(long, env = "RATE_LIMIT_ENABLED", default_value_t = true, global = true,
        action = clap::ArgAction::Set)]
    pub rate_limit_enabled: bool,
    /// Limits of HTTP and of sockets.
    #[command(flatten)]
    pub transport: TransportArgs,
}

/// The settings, checked against each other.
#[derive(Clone)]
pub struct Settings {
    /// Where the server runs.
    pub environment: Environment,
    /// Which database to open.
    pub database: DatabaseTarget,
    /// The Redis to share cache and live stock through, if any.
    pub redis_url: Option<SecretString>,
    /// What every key and channel in Redis begins with.
    pub redis_key_prefix: String,
    /// How long an entity may be shown as it was while nobody can tell of its changes.
    pub cache_alone: Duration,
    /// What cached entities may take in this process.
    pub cache_memory_bytes: u64,
    /// What `serve` does.
    pub role: ServeRole,
    /// The folder for what the server keeps.
    pub data_dir: PathBuf,
    /// Where to listen.
    pub listen_addr: SocketAddr,
    /// The keys of access tokens, and cookies.
    pub tokens: TokenSettings,
    /// Origins of foreign pages that may call.
    pub cors_allowed_origins: Vec<String>,
    /// The log filter.
    pub log_level: String,
    /// How log lines look.
    pub log_format: LogFormat,
    /// GraphiQL, introspection, suggestions.
    pub graphiql_enabled: bool,
    /// `extensions.sql`.
    pub sql_extension_enabled: bool,
    /// Whether whole answers for guests are kept.
    pub response_cache_enabled: bool,
    /// Demo catalogue in a new database.
    pub seed_demo: bool,
    /// The shop's own currency.
    pub shop_currency: Currency,
    /// How long carts are kept.
    pub carts: CartSettings,
    /// Mail.
    pub mail: MailSettings,
    /// Payments.
    pub payment: PaymentSettings,
    /// Events for others.
    pub outbox: OutboxSettings,
    /// Figures about how the shop does.
    pub metrics: MetricsSettings,
    /// Whether those who guess are slowed down.
    pub rate_limit_enabled: bool,
    /// Limits of HTTP and of sockets.
    pub transport: TransportLimits,
}

impl SettingsArgs {
    /// Checks the settings, each alone and against the others.
    ///
    /// # Errors
    /// Everything that is wrong at once, each with what to set.
    pub fn check(self) -> Result<Settings, SettingsError> {
        let mut wrong = Vec::new();
        let production = self.environment == Environment::Production;
        let sql_extension_enabled = self.sql_extension_enabled.unwrap_or(!production);
        let database = self.database(&mut wrong);
        if self.role != ServeRole::All && matches!(database, Some(DatabaseTarget::Sqlite(_))) {
            wrong.push(
                "ROLE must be all with SQLite, which serves one process: set DATABASE_URL to \
                 postgres://… to run API and worker apart."
                    .to_owned(),
            );
        }
        let tokens = self.tokens.check(production, &mut wrong);
        check_origins(&self.cors_allowed_origins, &mut wrong);
        if let Some(url) = &self.redis_url
            && !["redis://", "rediss://", "unix://"]
                .iter()
                .any(|scheme| url.expose_secret().starts_with(scheme))
        {
            wrong.push("REDIS_URL must begin with redis:// or rediss://.".to_owned());
        }
        check_key_prefix(&self.redis_key_prefix, &mut wrong);
        if production && self.seed_demo == Some(true) {
            wrong.push("SEED_DEMO must not be true in production: remove it.".to_owned());
        }
        let shop_currency = Currency::from_code(&self.shop_currency);
        if shop_currency.is_none() {
            wrong
                .push("SHOP_CURRENCY must be a currency code of ISO 4217, such as EUR.".to_owned());
        }
        let mail = self.mail.check(self.environment, &mut wrong);
        let payment = self.payment.check(self.environment, &mut wrong);
        let metrics = self.metrics.check(self.listen_addr, &mut wrong);
        match (database, shop_currency, mail) {
            (Some(database), Some(shop_currency), Some(mail)) if wrong.is_empty() => Ok(Settings {
                environment: self.environment,
                database,
                redis_url: self.redis_url,
                redis_key_prefix: self.redis_key_prefix,
                cache_alone: Duration::from_secs(self.cache_seconds_alone),
                cache_memory_bytes: u64::from(self.cache_memory_mib) * 1_024 * 1_024,
                role: self.role,
                data_dir: self.data_dir,
                listen_addr: self.listen_addr,
                tokens,
                cors_allowed_origins: self.cors_allowed_origins,
                log_level: self.log_level,
                log_format: self.log_format.unwrap_or(if production {
                    LogFormat::Json
                } else {
                    LogFormat::Pretty
                }),
                graphiql_enabled: self.graphiql_enabled.unwrap_or(!production),
                sql_extension_enabled,
                response_cache_enabled: self
                    .response_cache_enabled
                    .unwrap_or(!sql_extension_enabled),
                seed_demo: self.seed_demo.unwrap_or(!production),
                shop_currency,
                carts: self.carts.into(),
                mail,
                payment,
                outbox: self.outbox.into(),
                metrics,
                rate_limit_enabled: self.rate_limit_enabled,
                transport: self.transport.limits(production),
            }),
            _ => Err(SettingsError(wrong)),
        }
    }

    fn database(&self, wrong: &mut Vec<String>) -> Option<DatabaseTarget> {
        let Some(url) = &self.database_url else {
            return Some(DatabaseTarget::Sqlite(self.data_dir.join("stockroom.db")));
        };
        let text = url.expose_secret();
        if let Some(path) = text.strip_prefix("sqlite:") {
            return Some(DatabaseTarget::Sqlite(PathBuf::from(path.trim_start_matches("//"))));
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            // The ORM knows the short scheme only.
            let url = text.replacen("postgresql://", "postgres://", 1);
            return Some(DatabaseTarget::Postgres {
                url: SecretString::from(url),
                max_connections: self.database_pool_size,
                kept_open: 1,
            });
        }
        wrong.push("DATABASE_URL must begin with postgres:// or sqlite:.".to_owned());
        None
    }
}

fn check_key_prefix(prefix: &str, wrong: &mut Vec<String>) {
    let plain = prefix.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:".contains(c));
    if !plain || !(1..=64).contains(&prefix.len()) {
        wrong.push(
            "REDIS_KEY_PREFIX must be 1 to 64 letters, digits, and - _ . : among them.".to_owned(),
        );
    }
}

fn check_origins(origins: &[String], wrong: &mut Vec<String>) {
    for origin in origins {
        let rest = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        let plain = rest
            .is_some_and(|rest| !rest.is_empty() && !rest.contains(['/', '*', '?', '#', '@', ' ']));
        if !plain {
            wrong.push(format!(
                "CORS_ALLOWED_ORIGINS has {origin:?}: name each origin in full, as in \
                 https://shop.example, without a path and without a wildcard."
            ));
        }
    }
}

/// What is wrong with the settings.
#[derive(Debug, thiserror::Error)]
#[error("the settings cannot be used:\n{}", .0.iter().map(|line| format!("  - {line}")).collect::<Vec<_>>().join("\n"))]
pub struct SettingsError(pub Vec<String>);
