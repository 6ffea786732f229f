//! `stockroom config check`: what the settings come to, and whether the server could start on them.

use crate::config::{DatabaseTarget, LogFormat, PaymentProvider, Settings, SettingsArgs};
use crate::db::Db;
use crate::mail::{MailError, Mailer};
use anyhow::bail;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args};
use secrecy::{ExposeSecret, SecretString};
use std::path::Path;
use std::time::Duration;

/// Longer than a server that is well takes to answer.
const REDIS_TIMEOUT: Duration = Duration::from_secs(2);
/// Mail servers may let strangers wait before they greet.
const SMTP_TIMEOUT: Duration = Duration::from_secs(10);

/// What can be done with settings.
#[derive(clap::Subcommand)]
pub enum ConfigCommand {
    /// Print every setting with secrets hidden, and try the database, Redis and the mail server.
    /// Changes nothing;
    /// ends with an error when the server could not start.
    Check,
}

/// Carries out the command.
///
/// # Errors
/// When something is wrong; it was printed by then.
pub fn run(
    settings: SettingsArgs,
    ConfigCommand::Check: &ConfigCommand,
    matches: &ArgMatches,
) -> anyhow::Result<()> {
    let checked = settings.check();
    print_settings(matches, checked.as_ref().ok());
    let settings = checked?;
    println!();
    let wrong = crate::cli::block_on(async {
        let mut wrong = Vec::new();
        match log_filter(&settings) {
            Ok(()) => {}
            Err(sentence) => wrong.push(sentence),
        }
        if let Err(error) = crate::app::check_keys(&settings) {
            wrong.push(error.to_string());
        }
        for found in [database(&settings).await, redis(&settings).await, mail(&settings).await] {
            match found {
                Ok(sentence) => println!("{sentence}"),
                Err(sentence) => wrong.push(sentence),
            }
        }
        Ok(wrong)
    })?;
    match wrong.as_slice() {
        [] => Ok(()),
        wrong => bail!("{}", wrong.join("\n")),
    }
}

/// A line for each setting: its name, what it comes to, and where that is from.
fn print_settings(matches: &ArgMatches, settings: Option<&Settings>) {
    let command = SettingsArgs::augment_args(clap::Command::new("settings"));
    for arg in command.get_arguments() {
        let Some(name) = arg.get_env().and_then(|name| name.to_str()) else { continue };
        let id = arg.get_id().as_str();
        let source = matches.value_source(id);
        let given = matches.get_raw(id).map(|values| {
            let values: Vec<_> = values.map(|value| value.to_string_lossy()).collect();
            values.join(",")
        });
        let value = match given.filter(|value| !value.is_empty()) {
            Some(value) if arg.is_hide_env_values_set() => redacted(&value),
            Some(value) => value,
            None => settings
                .and_then(|settings| when_not_set(id, settings))
                .unwrap_or_else(|| "not set".to_owned()),
        };
        let source = match source {
            Some(ValueSource::CommandLine) => "flag",
            Some(ValueSource::EnvVariable) => "environment",
            _ => "default",
        };
        println!("{name:<28} {value}  ({source})");
    }
}

/// What an optional setting comes to when it is not given, which depends on the others.
fn when_not_set(id: &str, settings: &Settings) -> Option<String> {
    Some(match id {
        "database_url" => match &settings.database {
            DatabaseTarget::Sqlite(path) => format!("sqlite:{}", path.display()),
            DatabaseTarget::Postgres { .. } => return None,
        },
        "jwt_signing_key" if settings.tokens.key_file.is_none() => {
            let path = settings.data_dir.join("development-signing-key");
            format!("made on the spot, kept in {}", path.display())
        }
        "auth_cookies" => settings.tokens.cookies.to_string(),
        "log_format" => match settings.log_format {
            LogFormat::Pretty => "pretty".to_owned(),
            LogFormat::Json => "json".to_owned(),
        },
        "graphiql_enabled" => settings.graphiql_enabled.to_string(),
        "sql_extension_enabled" => settings.sql_extension_enabled.to_string(),
        "seed_demo" => settings.seed_demo.to_string(),
        "smtp_url" => "none: mails are written to the log".to_owned(),
        "mail_from" => settings.mail.from.to_string(),
        "storefront_url" => settings.mail.storefront_url.clone(),
        "payment_providers" => {
            let names = settings.payment.providers.iter().map(|provider| provider.name());
            let names = names.collect::<Vec<_>>().join(",");
            if names.is_empty() { "none: orders cannot be paid".to_owned() } else { names }
        }
        "sandbox_webhook_secret"
            if settings.payment.providers.contains(&PaymentProvider::Sandbox) =>
        {
            "made on the spot".to_owned()
        }
        "drain_delay_seconds" => settings.transport.drain_delay.as_secs().to_string(),
        _ => return None,
    })
}

/// A URL without its password; nothing of anything else.
fn redacted(secret: &str) -> String {
    let Some((scheme, rest)) = secret.split_once("://") else {
        return match secret.strip_prefix("sqlite:") {
            Some(path) => format!("sqlite:{path}"),
            None => "set, not shown".to_owned(),
        };
    };
    // What follows a question mark may hold a password as well.
    let (rest, parameters) = rest.split_once('?').map_or((rest, ""), |(rest, _)| (rest, "?…"));
    let Some((user, place)) = rest.rsplit_once('@') else {
        return format!("{scheme}://{rest}{parameters}");
    };
    let user = user.split_once(':').map_or(user.to_owned(), |(user, _)| format!("{user}:…"));
    format!("{scheme}://{user}@{place}{parameters}")
}

fn log_filter(settings: &Settings) -> Result<(), String> {
    let filter = tracing_subscriber::EnvFilter::try_new(&settings.log_level);
    filter.map(drop).map_err(|error| format!("LOG_LEVEL is not a log filter: {error}."))
}

/// Opens the database, but makes none.
async fn database(settings: &Settings) -> Result<String, String> {
    if let DatabaseTarget::Sqlite(path) = &settings.database
        && !path.exists()
    {
        return new_file(path);
    }
    let failed = |error: crate::db::DbError| format!("DATABASE_URL: {error}.");
    let db = Db::open(&settings.database).await.map_err(failed)?;
    db.ping().await.map_err(failed)?;
    let pending = db.pending_migrations().await.map_err(failed)?;
    let kind = if db.is_postgres() { "PostgreSQL" } else { "SQLite" };
    db.close().await;
    Ok(match pending.len() {
        0 => format!("Database: {kind} answers and is up to date."),
        count => format!(
            "Database: {kind} answers; steps missing: {count}. `serve` and `migrate` apply them."
        ),
    })
}

/// Whether a database could be made at `path`: the nearest folder that exists takes files.
fn new_file(path: &Path) -> Result<String, String> {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let folder = absolute.ancestors().skip(1).find(|folder| folder.exists());
    let writable = folder
        .and_then(|folder| folder.metadata().ok())
        .is_some_and(|metadata| metadata.is_dir() && !metadata.permissions().readonly());
    if writable {
        return Ok(format!("Database: SQLite, to be made at {}.", path.display()));
    }
    Err(format!("DATA_DIR or DATABASE_URL: no file can be made at {}.", path.display()))
}

async fn redis(settings: &Settings) -> Result<String, String> {
    let Some(url) = &settings.redis_url else {
        return Ok("Redis: not set; cache and live stock work in this process alone.".to_owned());
    };
    let answered = tokio::time::timeout(REDIS_TIMEOUT, ping_redis(url)).await;
    match answered {
        Ok(Ok(())) => Ok("Redis: answers.".to_owned()),
        Ok(Err(error)) => Err(format!("REDIS_URL: Redis cannot be used: {error}.")),
        Err(_) => {
            Err(format!("REDIS_URL: Redis does not answer within {} s.", REDIS_TIMEOUT.as_secs()))
        }
    }
}

async fn mail(settings: &Settings) -> Result<String, String> {
    if settings.mail.smtp_url.is_none() {
        return Ok("Mail: no server is set; mails are written to the log.".to_owned());
    }
    let failed = |error: MailError| format!("SMTP_URL: {error}.");
    let mailer = Mailer::new(&settings.mail, settings.environment).map_err(failed)?;
    match tokio::time::timeout(SMTP_TIMEOUT, mailer.check()).await {
        Ok(checked) => checked.map(|()| "Mail: the server answers.".to_owned()).map_err(failed),
        Err(_) => Err(format!("SMTP_URL: no answer within {} s.", SMTP_TIMEOUT.as_secs())),
    }
}

async fn ping_redis(url: &SecretString) -> redis::RedisResult<()> {
    let client = redis::Client::open(url.expose_secret())?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    redis::cmd("PING").query_async(&mut connection).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        let shown = redacted("postgres://shop:hunter2@db.example:5432/shop?password=hunter2");
        assert_eq!(shown, "postgres://shop:…@db.example:5432/shop?…");
        assert_eq!(redacted("redis://:hunter2@cache:6379"), "redis://:…@cache:6379");
        assert_eq!(redacted("hunter2hunter2"), "set, not shown");
        assert_eq!(redacted("redis://cache:6379"), "redis://cache:6379");
        assert_eq!(redacted("sqlite:data/shop.db"), "sqlite:data/shop.db");
    }
}
