//! The command line as a shell sees it: real processes, their output and their exit status.

use crate::app::Nobody;
use clap::Args;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use stockroom::config::SettingsArgs;
use tempfile::TempDir;

/// A folder to run the program in, with SQLite inside unless the settings say otherwise.
struct Shell {
    folder: TempDir,
}

/// How a command ended.
struct Ended {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Shell {
    fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    /// Runs `stockroom` with these arguments, divided at spaces, and nothing in the environment.
    fn run(&self, arguments: &str) -> Ended {
        self.run_with(arguments, &[])
    }

    fn run_with(&self, arguments: &str, environment: &[(&str, &str)]) -> Ended {
        let output = Command::new(env!("CARGO_BIN_EXE_stockroom"))
            .args(arguments.split_whitespace())
            .env_clear()
            .envs(environment.iter().copied())
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        Ended::from(output)
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ended {
    #[track_caller]
    fn well(self) -> String {
        assert_eq!(self.status, Some(0), "{}{}", self.stdout, self.stderr);
        self.stdout
    }

    /// What it said on standard error: sentences, and never the inside of the program.
    #[track_caller]
    fn refused(self) -> String {
        assert_eq!(self.status, Some(1), "{}{}", self.stdout, self.stderr);
        assert!(self.stderr.starts_with("stockroom: "), "{}", self.stderr);
        for inside in ["DbErr", "Err(", "Some(", "{ ", "panicked", "RUST_BACKTRACE"] {
            assert!(!self.stderr.contains(inside), "{}", self.stderr);
        }
        self.stderr
    }
}

const PRODUCTION: (&str, &str) = ("ENVIRONMENT", "production");
/// What production needs for mail.
const SMTP: (&str, &str) = ("SMTP_URL", "smtps://shop:hunter2@mail.example");
const FROM: (&str, &str) = ("MAIL_FROM", "Shop <hello@shop.example>");
const STOREFRONT: (&str, &str) = ("STOREFRONT_URL", "https://shop.example");
const KEY: (&str, &str) = ("JWT_SIGNING_KEY", "zV8rKx2mQ0pL5tYbN7wDf3GhJ6sAcE1u");

const SANDBOX: (&str, &str) = ("PAYMENT_PROVIDERS", "sandbox");
const ALLOWED: (&str, &str) = ("ALLOW_SANDBOX_PAYMENTS", "true");
const STRIPE: (&str, &str) = ("PAYMENT_PROVIDERS", "stripe");
const STRIPE_KEY: (&str, &str) = ("STRIPE_SECRET_KEY", "sk_test_hunter2");
const WEBHOOK: (&str, &str) =
    ("STRIPE_WEBHOOK_SECRET", "whsec_hunter2hunter2hunter2hunter2hunter2");
const PLAIN_STRIPE: (&str, &str) = ("STRIPE_API_BASE", "http://stripe.example");

#[test]
fn the_schema_is_printed_as_it_stands_in_the_file() {
    let printed = Shell::new().run("schema").well();

    assert_eq!(printed, stockroom::schema::sdl());
    assert_eq!(printed, include_str!("../../schema.graphql"));
}

#[test]
fn migrating_tells_what_it_did() {
    let shell = Shell::new();

    let first = shell.run("migrate").well();
    let second = shell.run("migrate").well();

    assert!(first.contains("applied m20261121_000001_account"), "{first}");
    assert!(second.contains("nothing to do") && !second.contains("applied m"), "{second}");
    assert!(shell.folder.path().join("data/stockroom.db").exists());
}

#[test]
fn seeding_adds_what_is_missing_and_clears_when_told() {
    let shell = Shell::new();

    let first = shell.run("seed").well();
    let second = shell.run("seed --scale 12").well();
    let third = shell.run("seed --clear").well();

    assert!(first.contains("added: 10, there before: 0"), "{first}");
    assert!(second.contains("added: 2, there before: 10"), "{second}");
    assert!(third.contains("are empty") && third.contains("added: 10"), "{third}");
}

#[test]
fn a_production_shop_is_not_filled_with_demo_products_by_mistake() {
    let shell = Shell::new();

    let production = [PRODUCTION, KEY, SMTP, FROM, STOREFRONT];
    for arguments in ["seed", "seed --clear"] {
        let refused = shell.run_with(arguments, &production).refused();
        assert!(refused.contains("--yes"), "{refused}");
    }
    assert!(!shell.folder.path().join("data").exists(), "something was made");
    let meant = shell.run_with("seed --yes", &production).well();
    assert!(meant.contains("added: 10"), "{meant}");
}

#[test]
fn an_administrator_is_made_once() {
    let shell = Shell::new();
    let password = [("STOCKROOM_ADMIN_PASSWORD", "four words in a row")];

    let made = shell.run_with("admin create --email anna@shop.example", &password).well();
    let again = shell.run_with("admin create --email ANNA@shop.example", &password).refused();

    assert!(made.contains("anna@shop.example"), "{made}");
    assert!(!made.contains("four words"), "{made}");
    assert!(again.contains("exists"), "{again}");
}

#[test]
fn an_administrator_needs_an_address_and_a_password_that_hold() {
    let shell = Shell::new();
    let create = "admin create --email anna@shop.example";

    let short = shell.run(&format!("{create} --password hunter2")).refused();
    let none = shell.run(create).refused();
    let nowhere = shell.run("admin create --email anna --password fourwordsinarow").refused();

    assert!(short.contains("15 to 128 characters"), "{short}");
    assert!(!short.contains("hunter2"), "{short}");
    assert!(none.contains("STOCKROOM_ADMIN_PASSWORD"), "{none}");
    assert!(nowhere.contains("name@shop.example"), "{nowhere}");
}

#[test]
fn production_says_what_to_set() {
    let shell = Shell::new();
    for (environment, name) in [
        (vec![PRODUCTION], "JWT_SIGNING_KEY"),
        (vec![PRODUCTION, ("JWT_SIGNING_KEY", "short")], "JWT_SIGNING_KEY"),
        (
            vec![PRODUCTION, ("JWT_SIGNING_KEY", "changeme-changeme-changeme-changeme")],
            "JWT_SIGNING_KEY",
        ),
        (vec![PRODUCTION, KEY, ("JWT_PREVIOUS_KEYS", "short")], "JWT_PREVIOUS_KEYS"),
        (vec![PRODUCTION, KEY, ("JWT_KEY_FILE", "key.pem")], "JWT_PREVIOUS_KEYS"),
        (vec![("JWT_KEY_FILE", "nowhere.pem")], "JWT_KEY_FILE: nowhere.pem"),
        (vec![("JWT_PREVIOUS_KEY_FILES", "nowhere.pem")], "JWT_PREVIOUS_KEY_FILES: nowhere.pem"),
        (vec![PRODUCTION, KEY, ("SEED_DEMO", "true")], "SEED_DEMO"),
        (vec![PRODUCTION, KEY, ("CORS_ALLOWED_ORIGINS", "*")], "CORS_ALLOWED_ORIGINS"),
        (vec![PRODUCTION, KEY, FROM, STOREFRONT], "SMTP_URL"),
        (vec![PRODUCTION, KEY, SMTP, STOREFRONT], "MAIL_FROM"),
        (vec![PRODUCTION, KEY, SMTP, FROM], "STOREFRONT_URL"),
        (vec![("SMTP_URL", "mail.example")], "SMTP_URL"),
        (vec![PRODUCTION, KEY, SANDBOX], "ALLOW_SANDBOX_PAYMENTS=true"),
        (vec![PRODUCTION, KEY, SANDBOX, ALLOWED], "SANDBOX_WEBHOOK_SECRET is missing"),
        (vec![("SANDBOX_WEBHOOK_SECRET", "hunter2")], "SANDBOX_WEBHOOK_SECRET"),
        (vec![("PAYMENT_PROVIDERS", "sandbox,paypal")], "PAYMENT_PROVIDERS has \"paypal\""),
        (vec![STRIPE], "STRIPE_SECRET_KEY is missing"),
        (vec![STRIPE, STRIPE_KEY], "STRIPE_WEBHOOK_SECRET is missing"),
        (vec![PRODUCTION, KEY, STRIPE, WEBHOOK], "STRIPE_SECRET_KEY is missing"),
        (vec![PRODUCTION, KEY, STRIPE, STRIPE_KEY], "STRIPE_WEBHOOK_SECRET is missing"),
        (vec![STRIPE, WEBHOOK, ("STRIPE_SECRET_KEY", "pk_hunter2")], "no secret key"),
        (vec![STRIPE, STRIPE_KEY, ("STRIPE_WEBHOOK_SECRET", "hunter2")], "fewer than 32"),
        (vec![STRIPE, STRIPE_KEY, WEBHOOK, ("STRIPE_API_BASE", "stripe")], "STRIPE_API_BASE"),
        (
            vec![PRODUCTION, KEY, STRIPE, STRIPE_KEY, WEBHOOK, PLAIN_STRIPE],
            "STRIPE_API_BASE must begin with https://",
        ),
        (vec![("DATABASE_URL", "mysql://localhost/shop")], "DATABASE_URL"),
        (vec![("REDIS_URL", "localhost:6379")], "REDIS_URL"),
        (vec![("SHOP_CURRENCY", "BTC")], "SHOP_CURRENCY"),
    ] {
        for command in ["serve", "migrate", "config check"] {
            let refused = shell.run_with(command, &environment).refused();
            assert!(refused.contains(name), "{command}: {refused}");
            assert!(!refused.contains("changeme"), "{command}: {refused}");
            assert!(!refused.contains("hunter2"), "{command}: {refused}");
        }
    }
}

#[test]
fn production_takes_the_sandbox_only_when_it_is_told_twice() {
    let secret = ("SANDBOX_WEBHOOK_SECRET", "qW3eRt5yUi7oP9aSd1fGh2jKl4zXc6vB");
    let production = [PRODUCTION, KEY, SMTP, FROM, STOREFRONT, SANDBOX, ALLOWED, secret];

    let migrated = Shell::new().run_with("migrate", &production).well();
    let none = Shell::new().run_with("migrate", &production[..5]).well();

    assert!(migrated.contains("payment") && none.contains("payment"), "{migrated}{none}");
}

#[test]
fn production_takes_stripe_with_its_secrets() {
    let production = [PRODUCTION, KEY, SMTP, FROM, STOREFRONT, STRIPE, STRIPE_KEY, WEBHOOK];

    let migrated = Shell::new().run_with("migrate", &production).well();

    assert!(migrated.contains("payment") && !migrated.contains("hunter2"), "{migrated}");
}

#[test]
fn api_and_worker_apart_need_postgres() {
    for role in ["api", "worker"] {
        let refused = Shell::new().run(&format!("serve --role {role}")).refused();
        assert!(refused.contains("ROLE") && refused.contains("DATABASE_URL"), "{refused}");
    }
}

#[test]
fn there_are_no_dead_jobs_in_a_new_shop() {
    let shell = Shell::new();

    let listed = shell.run("jobs list --status dead").well();
    let refused = shell.run("jobs retry 019b76da-a800-7000-8000-000000000001").refused();

    assert!(listed.contains("no jobs that are dead"), "{listed}");
    assert!(refused.contains("no dead job"), "{refused}");
}

#[test]
fn a_server_that_does_not_answer_is_not_healthy() {
    let shell = Shell::new();
    // Takes the connection, and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let nobody = Nobody::there();
    let nobodys = nobody.address().to_string();

    let waited = shell.run_with("health", &[("LISTEN_ADDR", &address)]).refused();
    let gone = shell.run_with("health", &[("LISTEN_ADDR", &nobodys)]).refused();
    let nowhere = shell.run_with("health", &[("LISTEN_ADDR", "127.0.0.1:0")]).refused();

    assert!(waited.contains("does not answer within 3 s"), "{waited}");
    assert!(gone.contains("refused (os error"), "{gone}");
    assert!(nowhere.contains("LISTEN_ADDR leaves the port"), "{nowhere}");
}

#[test]
fn a_key_file_holds_a_private_key_that_is_not_known_to_all() {
    let shell = Shell::new();
    // The key that RFC 8037 shows, whole and its public half.
    let private = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
        -----END PRIVATE KEY-----\n";
    let public = "-----BEGIN PUBLIC KEY-----\n\
        MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n\
        -----END PUBLIC KEY-----\n";
    for (name, text) in [("known.pem", private), ("public.pem", public), ("text.pem", "a key")] {
        std::fs::write(shell.folder.path().join(name), text).unwrap();
    }
    let production = [PRODUCTION, SMTP, FROM, STOREFRONT];

    for (file, complaint) in [
        ("known.pem", "stands in a specification"),
        ("public.pem", "signing needs the private one"),
        ("text.pem", "no PEM text"),
    ] {
        let environment = [&production[..], &[("JWT_KEY_FILE", file)]].concat();
        for command in ["serve", "config check"] {
            let refused = shell.run_with(command, &environment).refused();
            assert!(refused.contains("JWT_KEY_FILE"), "{command}: {refused}");
            assert!(refused.contains(complaint), "{command}: {refused}");
        }
    }
    shell.run_with("config check", &[("JWT_KEY_FILE", "known.pem")]).well();
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let refused = Shell::new()
        .run_with("migrate", &[PRODUCTION, ("REDIS_URL", "x"), ("SHOP_CURRENCY", "x")])
        .refused();

    for name in ["JWT_SIGNING_KEY", "REDIS_URL", "SHOP_CURRENCY"] {
        assert!(refused.contains(name), "{refused}");
    }
}

#[test]
fn an_empty_variable_is_none() {
    let names = setting_names();
    let empty: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();

    let shown = Shell::new().run_with("config check", &empty).well();

    assert!(!shown.contains("(environment)"), "{shown}");
}

#[test]
fn checking_the_settings_shows_all_of_them_and_no_secret() {
    let shell = Shell::new();
    let environment = [KEY, ("DATABASE_URL", "sqlite:elsewhere.db"), ("LOG_LEVEL", "debug")];

    let shown = shell.run_with("config check --shop-currency JPY", &environment).well();

    for name in setting_names() {
        assert!(shown.lines().any(|line| line.starts_with(&name)), "{name}: {shown}");
    }
    assert!(!shown.contains(KEY.1), "{shown}");
    for line in ["LOG_LEVEL debug (environment)", "SHOP_CURRENCY JPY (flag)"] {
        let words: Vec<String> = shown.lines().map(words).collect();
        assert!(words.iter().any(|found| found == line), "{line}: {shown}");
    }
    assert!(!shell.folder.path().join("elsewhere.db").exists(), "it made a database");
}

#[test]
fn checking_the_settings_tells_what_cannot_be_reached() {
    let shell = Shell::new();
    let nobody = Nobody::there();
    let port = nobody.address().port();
    let database = format!("postgres://shop:hunter2@127.0.0.1:{port}/shop");
    let redis = format!("redis://:hunter2@127.0.0.1:{port}");
    let smtp = format!("smtp://shop:hunter2@127.0.0.1:{port}");

    let environment = [("DATABASE_URL", &*database), ("REDIS_URL", &*redis), ("SMTP_URL", &*smtp)];
    let ended = shell.run_with("config check", &environment);

    assert!(!ended.stdout.contains("hunter2"), "{}", ended.stdout);
    let refused = ended.refused();
    for name in ["DATABASE_URL", "REDIS_URL", "SMTP_URL"] {
        assert!(refused.contains(name), "{refused}");
    }
    assert!(refused.contains("refused (os error"), "the reason is told: {refused}");
    assert!(!refused.contains("hunter2"), "{refused}");
}

#[test]
fn checking_the_settings_tells_which_steps_are_missing() {
    let shell = Shell::new();
    std::fs::write(shell.folder.path().join("empty.db"), "").unwrap();
    let database = [("DATABASE_URL", "sqlite:empty.db")];

    let before = shell.run_with("config check", &database).well();
    shell.run_with("migrate", &database).well();
    let after = shell.run_with("config check", &database).well();

    assert!(before.contains("steps missing: "), "{before}");
    assert!(after.contains("is up to date"), "{after}");
}

#[test]
fn a_file_with_settings_is_read_and_flags_go_before_it() {
    let shell = Shell::new();
    let file = "SHOP_CURRENCY=USD\nDATA_DIR=here\n";
    std::fs::write(shell.folder.path().join(".env"), file).unwrap();

    shell.run("migrate").well();
    let shown = shell.run("config check --shop-currency KWD").well();

    assert!(shell.folder.path().join("here/stockroom.db").exists());
    assert!(shown.lines().any(|line| words(line) == "SHOP_CURRENCY KWD (flag)"), "{shown}");
}

#[test]
fn help_and_version_are_there() {
    let shell = Shell::new();

    let version = shell.run("--version").well();
    let help = shell.run("--help").well();

    assert_eq!(version.trim(), concat!("stockroom ", env!("CARGO_PKG_VERSION")));
    for word in ["serve", "migrate", "seed", "admin", "health", "schema", "config", "DATABASE_URL"]
    {
        assert!(help.contains(word), "{word}: {help}");
    }
    assert!(shell.run("seed --help").well().contains("--scale"));
    assert_eq!(shell.run("sead").status, Some(2));
    assert_eq!(shell.run("seed --scale 0").status, Some(2));
}

#[test]
fn the_example_of_settings_names_every_one() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(".env.example");
    let file = std::fs::read_to_string(file).unwrap();
    let named: Vec<&str> = file
        .lines()
        .filter_map(|line| line.trim_start_matches('#').split_once('='))
        .map(|(name, _)| name)
        .filter(|name| name.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'_')))
        .collect();

    for name in setting_names() {
        assert_eq!(named.iter().filter(|other| **other == name).count(), 1, "{name}");
    }
    for name in named {
        assert!(setting_names().iter().any(|other| other == name), "{name} is no setting");
    }
}

#[test]
fn the_references_are_those_of_the_program() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    for name in ["settings", "errors"] {
        let printed = Shell::new().run(&format!("reference {name}")).well();

        let kept = std::fs::read_to_string(docs.join(format!("{name}.md"))).unwrap();
        assert!(kept == printed, "stockroom reference {name} > docs/{name}.md");
    }
}

/// The environment variables of the settings, as the program defines them.
pub fn setting_names() -> Vec<String> {
    let command = SettingsArgs::augment_args(clap::Command::new("settings"));
    let names = command.get_arguments().filter_map(|argument| argument.get_env());
    let names: Vec<String> = names.filter_map(|name| name.to_str()).map(str::to_owned).collect();
    assert!(names.len() > 10, "the settings were not read");
    names
}

/// A line with single spaces.
fn words(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}
