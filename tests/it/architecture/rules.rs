//! The rules: facts of a file in, findings out. Each finding says what to do instead.

use std::fmt;

use super::house;
use super::source::{self, Facts};

/// A file longer than this has grown a second subject.
const LINES_MAX: usize = 600;

/// A file of a few lines, such as a program's `main`, speaks for itself.
const WORDLESS_LINES_MAX: usize = 10;

/// Names that say nothing about what a module is for.
const EMPTY_NAMES: &[&str] =
    &["util", "utils", "common", "helper", "helpers", "manager", "managers", "prelude"];

/// Crates whose names mean "this file builds queries".
const QUERY_CRATES: &[&str] = &["sea_orm", "sea_query", "sea_orm_migration", "sqlx"];

/// Handles on a connection; whoever has one can query row by row.
const CONNECTION_TYPES: &[&str] = &[
    "DatabaseConnection",
    "DatabaseTransaction",
    "DatabaseExecutor",
    "DbConn",
    "ConnectionTrait",
    "TransactionTrait",
    "StreamTrait",
    "SqlitePool",
    "PgPool",
];

/// Methods that begin a transaction.
const BEGINNINGS: &[&str] = &["begin", "begin_with_config", "begin_with_options"];

/// A rule broken at a place, and what to do instead.
#[derive(Debug)]
pub struct Finding {
    pub path: String,
    pub line: usize,
    pub advice: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: {}", self.path, self.line, self.advice)
    }
}

/// What a file is for, by its name or the folder it lies in.
#[derive(Clone, Copy, PartialEq)]
enum Role {
    /// `graphql.rs`: decodes, calls a service, encodes.
    Resolvers,
    /// `loader.rs`.
    Loader,
    /// `service.rs` and what it is split into: the rules of the domain and its SQL.
    Service,
    /// `src/graphql/`, the kit without a domain.
    Kit,
    Other,
}

/// Where a file stands in the house.
struct Place<'a> {
    path: &'a str,
    /// Its module path: `src/stock/service/reserve.rs` is `stock::service::reserve`.
    home: Vec<String>,
    module: &'a house::Module,
    role: Role,
}

/// Check (path, text) pairs of `src/`.
pub fn check(tree: &[(String, String)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut files = Vec::new();
    let mut test_folders: Vec<Vec<String>> = Vec::new();
    for (path, text) in tree {
        match source::read(text) {
            Ok(facts) => {
                let home = module_path(path);
                let tests = facts.test_modules.iter().map(|name| {
                    let mut module = home.clone();
                    module.push(name.clone());
                    module
                });
                test_folders.extend(tests);
                files.push((path, text, home, facts));
            }
            Err(error) => findings.push(Finding {
                path: path.clone(),
                line: error.span().start().line,
                advice: format!("does not parse: {error}"),
            }),
        }
    }
    for (path, text, home, facts) in files {
        if !test_folders.iter().any(|tests| home.starts_with(tests)) {
            check_file(path, text, home, &facts, &mut findings);
        }
    }
    findings.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    findings.dedup_by(|a, b| a.to_string() == b.to_string());
    findings
}

fn check_file(
    path: &str,
    text: &str,
    home: Vec<String>,
    facts: &Facts,
    findings: &mut Vec<Finding>,
) {
    let top = match (home.first(), path) {
        (_, "src/main.rs") => "main",
        (Some(top), _) => top.as_str(),
        (None, _) => "lib",
    };
    let mut say = |line: usize, advice: String| {
        findings.push(Finding { path: path.to_owned(), line, advice });
    };
    check_form(&home, text, facts, &mut say);
    let Some(module) = house::find(top) else {
        say(1, format!("`{top}` has no place: give it a row in tests/it/architecture/house.rs"));
        return;
    };
    let role = role(module, &home);
    let place = Place { path, home, module, role };
    check_wording(facts, &mut say);
    check_engine(&place, facts, &mut say);
    check_queries(&place, facts, &mut say);
    check_writes(&place, facts, &mut say);
    check_transactions(&place, facts, &mut say);
    check_arrows(&place, facts, &mut say);
}

/// `src/stock/service/mod.rs` is `[stock, service]`; the crate's root is empty.
fn module_path(path: &str) -> Vec<String> {
    let inside = path.strip_prefix("src/").unwrap_or(path);
    let inside = inside.strip_suffix(".rs").unwrap_or(inside);
    let mut parts: Vec<String> = inside.split('/').map(str::to_owned).collect();
    let is_root = parts.len() == 1 && matches!(inside, "lib" | "main");
    if is_root || parts.last().is_some_and(|last| last == "mod") {
        parts.pop();
    }
    parts
}

fn role(module: &house::Module, home: &[String]) -> Role {
    if module.name == "graphql" {
        return Role::Kit;
    }
    let inside = home.get(1..).unwrap_or_default();
    let has = |names: &[&str]| inside.iter().any(|part| names.contains(&part.as_str()));
    if has(&["graphql"]) {
        Role::Resolvers
    } else if has(&["loader", "loaders"]) {
        Role::Loader
    } else if has(&["service"]) {
        Role::Service
    } else {
        Role::Other
    }
}

/// Size, opening words and the names of modules.
fn check_form(home: &[String], text: &str, facts: &Facts, say: &mut impl FnMut(usize, String)) {
    let lines = text.lines().count();
    if lines > LINES_MAX {
        say(lines, format!("{lines} lines: split it, a second subject has grown in it"));
    }
    if !facts.has_opening_words && lines > WORDLESS_LINES_MAX {
        say(1, "say in `//!` what it owns and what it leaves to others".to_owned());
    }
    let own = home.last().map(|name| (name, 1));
    let declared = facts.modules.iter().map(|(name, line)| (name, *line));
    for (name, line) in own.into_iter().chain(declared) {
        if name.split('_').any(|part| EMPTY_NAMES.contains(&part)) {
            say(line, format!("`{name}` says nothing: name the module after what it is about"));
        }
    }
    for line in &facts.moved_modules {
        say(*line, "a module lies where its name says: drop `#[path]`".to_owned());
    }
}

/// Rule 6: how paths are written.
fn check_wording(facts: &Facts, say: &mut impl FnMut(usize, String)) {
    for path in &facts.paths {
        let lone = path.segments.len() == 1 && !path.is_use;
        if path.starts_with("super") || path.starts_with("self") && !lone {
            say(path.line, "paths start with `crate::`: write it from the root".to_owned());
        }
        if path.is_use && path.segments.last().is_some_and(|last| last == "*") {
            say(path.line, "no glob imports: name what you use".to_owned());
        }
        if path.names("prelude") {
            say(path.line, "no prelude: name what you use, from where it is defined".to_owned());
        }
    }
}

/// Rules 2 and 8: who may name the GraphQL engine and the crate that counts.
fn check_engine(place: &Place<'_>, facts: &Facts, say: &mut impl FnMut(usize, String)) {
    let speaks_graphql = matches!(place.role, Role::Resolvers | Role::Loader | Role::Kit)
        || matches!(place.module.name, "schema" | "http");
    let counts = matches!(place.module.name, "telemetry" | "metrics");
    for path in &facts.paths {
        if !speaks_graphql && path.names("async_graphql") {
            say(
                path.line,
                "only graphql.rs, loader.rs, src/graphql/, schema and http name `async_graphql`: \
                 return a plain type and translate it there"
                    .to_owned(),
            );
        }
        let is_crate = path.starts_with("metrics") && path.names("metrics");
        if !counts && is_crate && facts.resolve(path, &place.home).is_none() {
            say(path.line, "count through `crate::telemetry`, not `metrics` itself".to_owned());
        }
    }
}

/// Rules 3, 4 and 10: who builds queries and who may hold a connection.
fn check_queries(place: &Place<'_>, facts: &Facts, say: &mut impl FnMut(usize, String)) {
    if place.role != Role::Service && !builds_queries(place) {
        for path in &facts.paths {
            if let Some(name) = QUERY_CRATES.iter().find(|name| path.names(name)) {
                say(path.line, format!("no `{name}` here: queries live in the domain's service"));
            }
        }
        for (text, line) in &facts.texts {
            if is_sql(text) {
                say(*line, "no SQL here: queries live in the domain's service".to_owned());
            }
        }
    }
    if !matches!(place.role, Role::Resolvers | Role::Loader | Role::Kit) {
        return;
    }
    for path in &facts.paths {
        let named = path.segments.iter().find(|part| CONNECTION_TYPES.contains(&part.as_str()));
        if let Some(name) = named {
            say(path.line, format!("no `{name}` here: call a service, which holds the connection"));
        }
        let inside = facts.resolve(path, &place.home);
        let from_db = inside.as_deref().and_then(|path| path.split_first());
        if from_db.is_some_and(|(top, rest)| top == "db" && !is_plain(rest)) {
            say(
                path.line,
                "of `db` only errors and the plain types of house::DB_PLAIN may be named here: \
                 call a service"
                    .to_owned(),
            );
        }
    }
}

/// Whether a path inside `db` leads to something that reaches no connection.
fn is_plain(inside_db: &[String]) -> bool {
    inside_db.iter().any(|part| {
        let is_error = part == "error" || part.contains("Error");
        is_error || house::DB_PLAIN.contains(&part.as_str())
    })
}

fn builds_queries(place: &Place<'_>) -> bool {
    house::QUERY_MODULES.contains(&place.module.name)
        || house::SERVICE_FILES.iter().any(|(path, _)| *path == place.path)
}

/// Whether a text is a statement; shouted English ("UPDATE your settings") is not.
fn is_sql(text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        ["SELECT", _, ..] | ["INSERT", "INTO", ..] | ["DELETE", "FROM", ..] => true,
        ["UPDATE", rest @ ..] => rest.contains(&"SET"),
        ["WITH", rest @ ..] => rest.contains(&"AS"),
        _ => false,
    }
}

/// Rule 7: only the owner writes a table, by entity or by SQL.
fn check_writes(place: &Place<'_>, facts: &Facts, say: &mut impl FnMut(usize, String)) {
    let me = place.module.name;
    if house::WRITES_ANY_TABLE.contains(&me) {
        return;
    }
    let mut refuse = |table: &str, line: usize| {
        if let Some(owner) = house::owner_of(table).filter(|owner| *owner != me) {
            say(line, format!("`{table}` is written by `{owner}` alone: ask its service"));
        }
    };
    for path in &facts.paths {
        if let Some(table) = written_entity(&facts.expand(path)) {
            refuse(&table, path.line);
        }
    }
    for (text, line) in &facts.texts {
        for table in written_tables(text) {
            refuse(&table, *line);
        }
    }
}

/// The table of `entity::<table>::ActiveModel` and of `entity::<table>::Entity::insert…`.
fn written_entity(path: &[String]) -> Option<String> {
    let mut parts = path.iter().skip_while(|part| *part != "entity").skip(1);
    let table = parts.next()?;
    let writes = parts.any(|part| {
        let verbs = ["insert", "update", "delete"];
        part == "ActiveModel" || verbs.iter().any(|verb| part.starts_with(verb))
    });
    writes.then(|| table.clone())
}

/// The tables that a statement inserts into, updates or deletes from.
fn written_tables(text: &str) -> Vec<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let table = |word: &str| {
        let name = word.split('(').next().unwrap_or(word);
        name.trim_matches(|c: char| !c.is_alphanumeric() && c != '_').to_owned()
    };
    let pairs = words.windows(3).filter_map(|three| match three {
        ["INSERT", "INTO", name] | ["DELETE", "FROM", name] => Some(table(name)),
        // `ON CONFLICT … DO UPDATE SET` and `FOR UPDATE OF` name no table after the verb.
        ["UPDATE", name, "SET" | "AS"] => Some(table(name)),
        _ => None,
    });
    pairs.collect()
}

/// Design §5: one place begins transactions, shielded and retried.
fn check_transactions(place: &Place<'_>, facts: &Facts, say: &mut impl FnMut(usize, String)) {
    if place.module.name == "db" {
        return;
    }
    let calls = facts.calls.iter().filter(|(name, _)| BEGINNINGS.contains(&name.as_str()));
    let named = facts.paths.iter().filter(|path| {
        let begins = path.segments.len() > 1
            && path.segments.last().is_some_and(|last| BEGINNINGS.contains(&last.as_str()));
        begins || path.names("TransactionTrait")
    });
    let statements = facts.texts.iter().filter(|(text, _)| {
        let first = text.split_whitespace().next().unwrap_or_default();
        matches!(first.trim_end_matches(';'), "BEGIN" | "SAVEPOINT" | "COMMIT" | "ROLLBACK")
    });
    let lines = calls.map(|(_, line)| *line).chain(named.map(|path| path.line));
    for line in lines.chain(statements.map(|(_, line)| *line)) {
        say(
            line,
            "only `db` begins a transaction: a bare begin loses writes when it is cancelled; \
             use the helper of `crate::db`"
                .to_owned(),
        );
    }
}

/// The tier table, and rules 1, 5, 8 and 9.
fn check_arrows(place: &Place<'_>, facts: &Facts, say: &mut impl FnMut(usize, String)) {
    for path in &facts.paths {
        let Some(inside) = facts.resolve(path, &place.home) else {
            continue;
        };
        let Some((to, rest)) = inside.split_first() else {
            continue;
        };
        // Not a module: an item at the root of the crate.
        let Some(to) = house::find(to) else { continue };
        if let Some(advice) = refuse_arrow(place, to, rest) {
            say(path.line, advice);
        }
    }
}

fn refuse_arrow(place: &Place<'_>, to: &house::Module, rest: &[String]) -> Option<String> {
    let from = place.module;
    let is_domain = (2..=4).contains(&to.tier);
    let is_resolvers = is_domain && rest.iter().any(|part| part == "graphql");
    let is_loader = is_domain && rest.iter().any(|part| part == "loader" || part == "loaders");
    if is_resolvers || is_loader {
        let own = from.name == to.name;
        let allowed = place.role == Role::Resolvers
            || from.name == "schema"
            || own && place.role == Role::Loader;
        let of = to.name;
        return (!allowed).then(|| {
            format!(
                "only a graphql.rs and schema may use resolvers and loaders of `{of}`: \
                 ask its service, or move the type there"
            )
        });
    }
    if house::may_use(from, to) {
        return None;
    }
    let (from, to) = (from.name, to.name);
    Some(match (from, to) {
        ("http", _) if is_domain => format!("http reaches `{to}` through a field of `App`"),
        ("payment", "order") => {
            "payment never knows order: hand the verified event over and let order ask".to_owned()
        }
        ("config", _) => format!(
            "config knows no part of the server: the type of a setting lives in config, \
             and `{to}` uses it"
        ),
        (_, "metrics") => "count through `telemetry`; metrics drains it".to_owned(),
        ("jobs" | "mail", _) if is_domain => {
            format!("{from} knows no domain: the handler lives in `{to}`, app registers it")
        }
        _ => format!(
            "`{from}` may not use `{to}` (tests/it/architecture/house.rs): \
             move what both need down, or turn the call round"
        ),
    })
}
