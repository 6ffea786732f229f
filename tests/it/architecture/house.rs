//! The house as data: tiers, arrows, table owners and the named exceptions.

/// A module of `src/`, named by its file or folder.
pub struct Module {
    pub name: &'static str,
    /// Arrows go to lower tiers; a sideways arrow stands in `uses` with its reason.
    pub tier: u8,
    /// Modules of its own tier, and domains, that it may use besides those of `may_use`.
    pub uses: &'static [&'static str],
}

const fn module(name: &'static str, tier: u8, uses: &'static [&'static str]) -> Module {
    Module { name, tier, uses }
}

/// Tier 0 knows nothing, tier 1 is the ground, 2–4 are the domains, 5 wires them, 6 is the program.
pub const HOUSE: &[Module] = &[
    module("money", 0, &[]),
    module("country", 0, &[]),
    // Names and texts folded, so that SQLite and Postgres find and sort alike.
    module("text", 0, &[]),
    // The shop's currency is a setting.
    module("config", 0, &["money"]),
    // What can be wrong with an input; every domain tells it in the same words.
    module("validation", 0, &[]),
    // The ground counts and logs through telemetry. What writes rows does so through db.
    module("telemetry", 1, &[]),
    // Where tests make the program crash or wait.
    module("failpoint", 1, &[]),
    // Tests stop it in the middle of a BEGIN, and before it keeps something.
    module("db", 1, &["telemetry", "failpoint"]),
    // A key belongs to who sent it.
    module("idempotency", 1, &["auth", "db", "telemetry"]),
    module("redis", 1, &["telemetry"]),
    // Both reach the other replicas through Redis; the cache hears of their changes over the bus.
    module("cache", 1, &["db", "telemetry", "redis", "events", "failpoint"]),
    // Tests make couriers crash between taking and settling.
    module("events", 1, &["db", "telemetry", "redis", "failpoint"]),
    module("jobs", 1, &["db", "telemetry"]),
    // A message that could not be sent tells the job that carries it whether to try again.
    module("mail", 1, &["telemetry", "jobs"]),
    module("auth", 1, &["telemetry"]),
    // Each event says who; its loader hands events to the schema, which alone knows what they name.
    module("audit", 1, &["auth", "db", "graphql", "telemetry"]),
    // The kit asks who is looking and translates database errors; it runs no query (see `rules`).
    module("graphql", 1, &["auth", "db", "telemetry"]),
    // The catalogue shows what is in stock and on sale; these two know variants by id alone.
    module("catalog", 2, &["stock", "flash_sale"]),
    module("flash_sale", 2, &[]),
    module("stock", 2, &[]),
    // Never order: a webhook's verified event goes to order, which asks payment to record it.
    module("payment", 2, &[]),
    module("account", 2, &[]),
    // Staff's view of the rows that `events` writes and delivers.
    module("outbox", 2, &[]),
    module("cart", 3, &["catalog", "stock", "flash_sale"]),
    module("partner", 3, &["catalog", "stock"]),
    module("order", 4, &["cart", "catalog", "stock", "flash_sale", "payment", "account"]),
    // Drains telemetry and the bus; domains never know that they are measured.
    module("metrics", 4, &[]),
    // Judges the domains by their tables alone: it shares no code with what it judges.
    module("doctor", 4, &[]),
    // Merges every graphql.rs, and gives each request its services and fresh loaders.
    module("schema", 5, DOMAINS),
    // The only place that wires anything; it keeps what schema hands to requests.
    module("app", 5, APP_USES),
    // Services come through App's fields.
    module("http", 5, &["schema", "app"]),
    // The demo catalogue: written by services, and in bulk by its own statements.
    module("seed", 5, DOMAINS),
    // The command line: serve, migrate, seed, admin, schema, config check. It makes administrators.
    module("cli", 6, &["app", "schema", "http", "seed", "account", "doctor"]),
    module("main", 6, &["app", "schema", "http", "cli"]),
    module("lib", 6, &[]),
];

const DOMAINS: &[&str] = &[
    "catalog",
    "stock",
    "flash_sale",
    "payment",
    "account",
    "outbox",
    "cart",
    "partner",
    "order",
    "metrics",
];

const APP_USES: &[&str] = &[
    "schema",
    "catalog",
    "stock",
    "flash_sale",
    "payment",
    "account",
    "outbox",
    "cart",
    "partner",
    "order",
    "metrics",
];

/// The row of a module.
pub fn find(name: &str) -> Option<&'static Module> {
    HOUSE.iter().find(|module| module.name == name)
}

/// Whether `from` may use `to`: what lies below the domains is free to all above it, everything else
/// must be named in the table.
pub fn may_use(from: &Module, to: &Module) -> bool {
    let ground = to.tier < from.tier && to.tier <= 1;
    from.name == to.name || ground || from.uses.contains(&to.name)
}

/// The modules that build queries, besides every domain's service.
pub const QUERY_MODULES: &[&str] = &[
    "db",
    "idempotency",
    "events",
    "jobs",
    // Its checks are statements over everything.
    "doctor",
    // Demo data by the hundred thousand goes in by bulk statements, not one service call a row.
    "seed",
];

/// What resolvers, loaders and the kit may name of `db` besides its errors: data without a connection.
pub const DB_PLAIN: &[&str] = &["Timestamp", "page"];

/// Files that a service is split into and that are not in a folder `service/`: (path, reason).
pub const SERVICE_FILES: &[(&str, &str)] = &[];

/// Which module writes a table; reading is free to all.
pub const TABLES: &[(&str, &str)] = &[
    ("category", "catalog"),
    ("category_closure", "catalog"),
    ("product", "catalog"),
    ("product_search", "catalog"),
    ("product_variant", "catalog"),
    ("variant_price", "catalog"),
    ("flash_sale", "flash_sale"),
    ("flash_sale_price", "flash_sale"),
    ("flash_sale_take", "flash_sale"),
    ("warehouse", "stock"),
    ("stock_level", "stock"),
    ("stock_movement", "stock"),
    ("reservation", "stock"),
    ("cart", "cart"),
    ("cart_line", "cart"),
    ("shipping_method", "cart"),
    ("shipping_price", "cart"),
    ("tax_rate", "cart"),
    ("user_account", "account"),
    ("address", "account"),
    ("account_token", "account"),
    ("throttle", "account"),
    ("session", "account"),
    ("refresh_token", "account"),
    ("api_token", "account"),
    ("audit_event", "audit"),
    ("shop_order", "order"),
    ("order_line", "order"),
    ("order_event", "order"),
    ("order_stat", "order"),
    ("order_stat_change", "order"),
    ("fulfillment", "order"),
    ("fulfillment_line", "order"),
    ("payment", "payment"),
    ("capture_refusal", "payment"),
    ("payment_event", "payment"),
    ("payment_stat", "payment"),
    ("payment_stat_change", "payment"),
    ("refund", "payment"),
    ("refund_line", "order"),
    // The sandbox's record: of a foreign system, so to speak.
    ("sandbox_charge", "payment"),
    ("sandbox_event", "payment"),
    ("sandbox_idempotency", "payment"),
    ("sandbox_refund", "payment"),
    ("idempotency", "idempotency"),
    ("metric_bucket", "metrics"),
    ("metric_circuit", "metrics"),
    ("metric_flush", "metrics"),
    ("component_finding", "metrics"),
    ("component_state", "metrics"),
    ("component_change", "metrics"),
    ("component_hour", "metrics"),
    ("alert", "metrics"),
    ("outbox", "events"),
    ("job", "jobs"),
    ("job_worker", "jobs"),
];

/// Modules that may write any table: the demo data goes in, and out again, in bulk.
pub const WRITES_ANY_TABLE: &[&str] = &["seed"];

/// The module that writes a table.
pub fn owner_of(table: &str) -> Option<&'static str> {
    TABLES.iter().find(|(name, _)| *name == table).map(|(_, owner)| *owner)
}

#[test]
fn every_arrow_goes_down_and_none_goes_round() {
    for module in HOUSE {
        for used in module.uses {
            let used = find(used).unwrap_or_else(|| panic!("{used} has no row"));
            assert!(used.tier <= module.tier, "{} uses {} above it", module.name, used.name);
        }
    }
    // Take away, again and again, what uses nothing that is left: a circle would stay.
    let mut left: Vec<&Module> = HOUSE.iter().collect();
    loop {
        let (leaving, staying): (Vec<_>, Vec<_>) = left
            .iter()
            .partition(|module| !left.iter().any(|other| module.uses.contains(&other.name)));
        if leaving.is_empty() {
            break;
        }
        left = staying;
    }
    let circle: Vec<&str> = left.iter().map(|module| module.name).collect();
    assert!(circle.is_empty(), "these use each other in a circle: {circle:?}");
}

#[test]
fn the_table_names_each_module_and_each_database_table_once() {
    let names: Vec<&str> = HOUSE.iter().map(|module| module.name).collect();
    let tables: Vec<&str> = TABLES.iter().map(|(table, _)| *table).collect();
    for list in [names, tables] {
        for name in &list {
            assert_eq!(list.iter().filter(|other| *other == name).count(), 1, "{name} twice");
        }
    }
    for (table, owner) in TABLES {
        assert!(find(owner).is_some(), "{table} belongs to {owner}, which has no row");
    }
}
