//! Every rule, broken on purpose: a checker that finds nothing proves nothing.

use super::rules::{self, Finding};

fn tree(files: &[(&str, &str)]) -> Vec<Finding> {
    let owned: Vec<(String, String)> = files
        .iter()
        // The opening words stand on the first line, so that a plant's lines count from 2.
        .map(|(path, text)| ((*path).to_owned(), format!("//! Planted.\n{text}")))
        .collect();
    rules::check(&owned)
}

/// The one finding of a planted file: at this line, with these words in it.
#[track_caller]
fn refused(path: &str, text: &str, line: usize, words: &str) {
    let findings = tree(&[(path, text)]);
    let shown: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert_eq!(shown.len(), 1, "one finding expected: {shown:#?}");
    let start = format!("{path}:{line}: ");
    assert!(
        shown.iter().all(|finding| finding.starts_with(&start) && finding.contains(words)),
        "`{start}…{words}…` expected: {shown:#?}",
    );
}

#[track_caller]
fn accepted(path: &str, text: &str) {
    let shown: Vec<String> = tree(&[(path, text)]).iter().map(ToString::to_string).collect();
    assert!(shown.is_empty(), "no finding expected: {shown:#?}");
}

const BELOW: &str = "may not use";

#[test]
fn an_arrow_that_goes_up_is_refused() {
    refused("src/stock/service.rs", "use crate::order::Orders;", 2, BELOW);
    refused("src/money.rs", "use crate::db::Db;", 2, BELOW);
    refused("src/app.rs", "use crate::http::router;", 2, BELOW);
    refused("src/schema.rs", "use crate::app::App;", 2, BELOW);
    refused("src/config.rs", "use crate::db::Db;", 2, "the type of a setting lives in config");
    refused("src/db/mod.rs", "use crate::catalog::Catalog;", 2, BELOW);
}

#[test]
fn an_arrow_that_goes_down_is_accepted() {
    accepted("src/order/service.rs", "use crate::{cart::Carts, stock::Stock, db::Db};");
    accepted("src/catalog/service.rs", "use crate::stock::Stock;\nuse crate::money::Money;");
    accepted("src/app.rs", "use crate::{catalog::Catalog, db::Db, config::Config};");
    accepted("src/main.rs", "use stockroom::cli;\nuse stockroom::telemetry;");
}

#[test]
fn a_domain_may_use_only_the_domains_that_the_table_names() {
    refused("src/partner/service.rs", "use crate::payment::Payments;", 2, BELOW);
    refused("src/metrics/service.rs", "use crate::order::Orders;", 2, BELOW);
}

#[test]
fn within_the_ground_only_named_arrows_are_accepted() {
    accepted("src/cache.rs", "use crate::db::Db;\nuse crate::telemetry::count;");
    refused("src/events/mod.rs", "use crate::cache::Cache;", 2, BELOW);
    refused("src/telemetry.rs", "use crate::db::Db;", 2, BELOW);
}

#[test]
fn arrows_are_found_without_a_use() {
    refused("src/stock/service.rs", "fn f() {\n    crate::order::place();\n}", 3, BELOW);
    refused("src/stock/service.rs", "fn f(order: &crate::order::Order) {}", 2, BELOW);
    refused("src/stock/service.rs", "impl From<u8> for crate::cart::Cart {}", 2, BELOW);
}

#[test]
fn arrows_are_found_in_macros_and_attributes() {
    let in_macro = "fn f() {\n    tokio::join!(\n        async { crate::order::place() });\n}";
    refused("src/stock/service.rs", in_macro, 4, BELOW);
    refused(
        "src/stock/service.rs",
        "#[serde(with = \"x\", via(crate::order::X))]\nstruct S;",
        2,
        BELOW,
    );
}

#[test]
fn arrows_are_found_behind_an_imported_module() {
    let text = "use crate::stock;\nfn f() {\n    stock::graphql::level();\n}";
    refused("src/catalog/service.rs", text, 4, "resolvers and loaders");
}

#[test]
fn arrows_are_found_behind_a_new_name() {
    refused("src/stock/service.rs", "use crate::order as selling;", 2, BELOW);
}

#[test]
fn the_program_is_checked_by_the_name_of_the_library() {
    refused("src/main.rs", "use stockroom::catalog::Catalog;", 2, BELOW);
}

#[test]
fn a_module_without_a_row_is_refused() {
    refused("src/gadget/mod.rs", "pub struct Gadget;", 1, "has no place");
}

#[test]
fn payment_never_knows_order() {
    refused("src/payment/service.rs", "use crate::order::Orders;", 2, "payment never knows order");
}

#[test]
fn nobody_below_knows_the_metrics() {
    refused("src/order/service.rs", "use crate::metrics::Figures;", 2, "metrics drains it");
    refused("src/stock/service.rs", "fn f() {\n    metrics::counter!(\"x\");\n}", 3, "telemetry");
    accepted("src/telemetry.rs", "use metrics::counter;");
    accepted("src/stock/service.rs", "fn f(metrics: &str) -> &str {\n    metrics\n}");
}

#[test]
fn jobs_and_mail_know_no_domain() {
    refused("src/jobs/mod.rs", "use crate::account::Accounts;", 2, "app registers it");
    refused("src/mail.rs", "use crate::order::Order;", 2, "app registers it");
}

#[test]
fn http_reaches_services_through_the_app() {
    refused("src/http/graphql.rs", "use crate::catalog::Catalog;", 2, "field of `App`");
    accepted("src/http/graphql.rs", "use crate::{app::App, schema::Schema, graphql::Front};");
}

#[test]
fn resolvers_may_use_resolvers_and_loaders_of_any_domain() {
    let text = "use crate::order::graphql::Order;\nuse crate::cart::loader::CartById;";
    accepted("src/stock/graphql.rs", text);
    accepted("src/stock/graphql/level.rs", text);
}

#[test]
fn resolvers_follow_the_table_for_everything_else() {
    refused("src/stock/graphql.rs", "use crate::catalog::Catalog;", 2, BELOW);
}

#[test]
fn only_resolvers_and_the_schema_may_use_resolvers() {
    let words = "resolvers and loaders";
    refused("src/order/service.rs", "use crate::stock::graphql::Level;", 2, words);
    refused("src/stock/service.rs", "use crate::stock::graphql::Level;", 2, words);
    refused("src/order/loader.rs", "use crate::stock::loader::LevelById;", 2, words);
    refused("src/app.rs", "use crate::stock::loader::LevelById;", 2, words);
    refused("src/stock/mod.rs", "mod graphql;\npub use graphql::Level;", 3, words);
    accepted("src/schema.rs", "use crate::stock::{graphql::Level, loader::LevelById};");
    accepted("src/stock/loader.rs", "use crate::stock::graphql::Level;");
}

#[test]
fn only_the_edge_names_the_graphql_engine() {
    let name = "use async_graphql::Object;";
    let words = "return a plain type";
    refused("src/stock/service.rs", name, 2, words);
    refused("src/stock/mod.rs", "#[derive(async_graphql::Enum)]\nenum E {}", 2, words);
    refused("src/app.rs", "fn f(s: async_graphql::Schema) {}", 2, words);
    refused("src/jobs/mod.rs", "use async_graphql as gql;", 2, words);
    for path in [
        "src/stock/graphql.rs",
        "src/stock/graphql/level.rs",
        "src/stock/loader.rs",
        "src/graphql/front.rs",
        "src/schema.rs",
        "src/http/socket.rs",
    ] {
        accepted(path, name);
    }
}

#[test]
fn only_services_and_the_ground_build_queries() {
    let words = "queries live in the domain's service";
    let name = "use sea_orm::EntityTrait;";
    refused("src/stock/graphql.rs", name, 2, words);
    refused("src/stock/loader.rs", name, 2, words);
    refused("src/stock/error.rs", "use sea_orm::DbErr as E;", 2, words);
    refused("src/app.rs", "fn f(e: sea_query::Expr) {}", 2, words);
    refused("src/auth.rs", name, 2, words);
    refused("src/http/health.rs", "fn f() {\n    sqlx::query!(\"x\");\n}", 3, words);
    refused("src/catalog/mod.rs", "#[derive(sea_orm::FromQueryResult)]\nstruct R;", 2, words);
    for path in [
        "src/stock/service.rs",
        "src/stock/service/reserve.rs",
        "src/idempotency.rs",
        "src/events/outbox.rs",
        "src/jobs/mod.rs",
        "src/db/mod.rs",
        "src/seed.rs",
    ] {
        accepted(path, name);
    }
}

#[test]
fn statements_as_text_are_queries_too() {
    let words = "no SQL here";
    refused("src/auth.rs", "const Q: &str = \"SELECT id FROM user WHERE email = $1\";", 2, words);
    refused("src/http/health.rs", "fn f() {\n    go(\"SELECT 1\");\n}", 3, words);
    refused("src/app.rs", "fn f() {\n    go!(\n        \"SELECT 1\");\n}", 4, words);
    accepted("src/http/health.rs", "/// SELECT 1 FROM here is documentation.\nfn f() {}");
    accepted("src/cli/mod.rs", "const HELP: &str = \"WITH no settings, SELECT nothing\";");
}

#[test]
fn resolvers_and_loaders_never_hold_a_connection() {
    let ours = "of `db` only errors";
    refused("src/stock/graphql.rs", "fn f(c: &DatabaseConnection) {}", 2, "which holds");
    refused("src/stock/loader.rs", "fn f(c: &impl ConnectionTrait) {}", 2, "which holds");
    refused("src/stock/graphql.rs", "use crate::db::Db;", 2, ours);
    refused("src/stock/loader.rs", "use crate::db;", 2, ours);
    refused("src/graphql/front.rs", "use crate::db::Reader;", 2, ours);
    accepted("src/graphql/errors.rs", "use crate::db::{DbError, error::Kind, Timestamp};");
}

#[test]
fn only_the_owner_writes_a_table() {
    let words = "`stock_level` is written by `stock` alone";
    let path = "src/order/service.rs";
    refused(path, "use entity::stock_level::ActiveModel;", 2, words);
    let by_entity =
        "use entity::stock_level;\nfn f() {\n    stock_level::Entity::update_many();\n}";
    refused(path, by_entity, 4, words);
    refused(path, "const Q: &str = \"UPDATE stock_level SET on_hand = 0\";", 2, words);
    refused(path, "const Q: &str = \"INSERT INTO stock_level(id) VALUES (1)\";", 2, words);
    refused(path, "const Q: &str = \"DELETE FROM stock_level\";", 2, words);
    accepted(path, "use entity::stock_level::{Entity, Model};");
    accepted(path, "const Q: &str = \"SELECT 1 FROM stock_level FOR UPDATE OF stock_level\";");
    accepted("src/stock/service.rs", "use entity::stock_level::ActiveModel;");
    accepted("src/seed.rs", "use entity::stock_level::ActiveModel;");
}

#[test]
fn only_db_begins_a_transaction() {
    let words = "only `db` begins a transaction";
    let path = "src/stock/service.rs";
    refused(path, "async fn f(db: &Db) {\n    db.begin().await;\n}", 3, words);
    refused(path, "fn f(db: &Db) {\n    db.begin_with_config(None, None);\n}", 3, words);
    refused(path, "fn f(db: &Db) {\n    db.begin_with_options(o);\n}", 3, words);
    refused(path, "fn f(db: &Db) {\n    join!(db.begin());\n}", 3, words);
    refused(path, "fn f(db: &Db) {\n    Connection::begin(db);\n}", 3, words);
    refused(path, "use sea_orm::TransactionTrait;", 2, words);
    refused(path, "const B: &str = \"BEGIN IMMEDIATE\";", 2, words);
    accepted("src/db/transaction.rs", "fn f(db: &Db) {\n    db.begin();\n}");
    accepted(path, "fn f(db: &Db) {\n    db.transaction(|txn| txn.beginning());\n}");
    accepted(path, "fn f(&self) {\n    self.begin();\n    vec![self.begin()];\n}");
    refused(path, "fn f(&self) {\n    self.db.begin();\n}", 3, words);
    refused(path, "fn f(&self) {\n    vec![self.db.begin()];\n}", 3, words);
}

#[test]
fn paths_start_at_the_root() {
    let words = "paths start with `crate::`";
    refused("src/stock/service.rs", "use super::error::StockError;", 2, words);
    refused("src/stock/mod.rs", "mod error;\nuse self::error::StockError;", 3, words);
    refused("src/stock/service.rs", "fn f() {\n    super::g();\n}", 3, words);
    refused("src/stock/service.rs", "fn f() {\n    vec![super::g()];\n}", 3, words);
    accepted("src/stock/service.rs", "pub(super) fn f(&self) {\n    self.g();\n}");
    accepted("src/stock/mod.rs", "mod error;\npub use error::StockError;");
}

#[test]
fn a_relative_path_is_followed_too() {
    let text = "use super::super::order::Orders;";
    let findings = tree(&[("src/stock/service.rs", text)]);
    assert!(findings.iter().any(|finding| finding.advice.contains(BELOW)), "{findings:?}");
}

#[test]
fn globs_and_preludes_are_refused() {
    refused("src/money.rs", "use crate::money::Currency::*;", 2, "no glob imports");
    refused("src/money.rs", "use iso_currency::{Currency, *};", 2, "no glob imports");
    refused("src/money.rs", "use rust_decimal::prelude::ToPrimitive;", 2, "no prelude");
    refused("src/money.rs", "fn f(x: rust_decimal::prelude::D) {}", 2, "no prelude");
}

#[test]
fn a_module_is_named_after_what_it_is_about() {
    refused("src/stock/helpers.rs", "fn f() {}", 1, "says nothing");
    refused("src/stock/mod.rs", "mod time_util {}", 2, "says nothing");
    refused("src/stock/mod.rs", "#[path = \"x.rs\"]\nmod levels;", 2, "drop `#[path]`");
}

#[test]
fn a_long_file_is_refused() {
    accepted("src/money.rs", &"// line\n".repeat(599));
    refused("src/money.rs", &"// line\n".repeat(600), 601, "601 lines");
}

#[test]
fn a_module_says_what_it_owns() {
    let check = |text: String| {
        let findings = rules::check(&[("src/money.rs".to_owned(), text)]);
        findings.iter().map(ToString::to_string).collect::<Vec<String>>()
    };
    let expected = "src/money.rs:1: say in `//!` what it owns and what it leaves to others";
    assert_eq!(check("fn f() {}\n".to_owned() + &"\n".repeat(10)), [expected]);
    assert!(check("fn f() {}\n".to_owned()).is_empty());
}

#[test]
fn test_code_is_free() {
    let inline = "#[cfg(test)]\nmod tests {\n    use super::*;\n    use crate::order::Orders;\n}";
    accepted("src/stock/service.rs", inline);
    accepted("src/stock/service.rs", "#[cfg(all(test, unix))]\nuse crate::order::Orders;");
    let apart = tree(&[
        ("src/stock/mod.rs", "#[cfg(test)]\nmod tests;"),
        ("src/stock/tests.rs", "use super::*;"),
    ]);
    assert!(apart.is_empty(), "{apart:?}");
}

#[test]
fn code_that_also_ships_outside_tests_is_not_free() {
    let any = "#[cfg(any(test, unix))]\nuse crate::order::Orders;";
    refused("src/stock/service.rs", any, 3, BELOW);
    let not = "#[cfg(not(test))]\nuse crate::order::Orders;";
    refused("src/stock/service.rs", not, 3, BELOW);
}

#[test]
fn a_file_that_does_not_parse_is_a_finding() {
    refused("src/money.rs", "fn {", 2, "does not parse");
}
