//! Cost as it grows: the same questions to a shop with a thousand products and orders and to one with
//! many more, and how the database finds the answers there.

use crate::database::Database;
use crate::figures::{median, short};
use crate::load::Connection;
use crate::log::Log;
use crate::plans::{self, Plan};
use crate::run::{RunArgs, settings};
use crate::server::{Server, Stockroom};
use crate::shop::ask;
use crate::staff::{self, signed_in};
use anyhow::Context;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Instant;

/// Products and orders to begin with.
const FEW: u32 = 1_000;
/// How often each question is asked.
const TIMES: usize = 40;
/// The page that is far from the beginning; that of a small shop is its last one.
const FAR_PAGE: usize = 1_000;

/// A question, and where in its list it begins.
struct Question {
    name: &'static str,
    query: String,
    variables: Value,
}

/// What came of a question.
struct Answered {
    name: &'static str,
    milliseconds: f64,
    statements: u64,
}

/// What is read of products and orders: a page as shops show it.
const PRODUCTS: &str = "nodes { id name slug category { name }
  variants(first: 10) { nodes { sku price { amount } stock { available } } } }
  pageInfo { endCursor hasNextPage }";
const ORDERS: &str = "nodes { id number status total { amount currency } lines { sku quantity }
  payments { status } } pageInfo { endCursor hasNextPage }";

/// Measures both, and writes the report.
///
/// # Errors
/// When something cannot be run, or an answer is wrong.
pub async fn run(args: &RunArgs, products: u32, orders: u32) -> anyhow::Result<()> {
    let common = settings(args);
    let stockroom =
        Stockroom { program: args.stockroom.clone(), work: args.work.clone(), settings: common };
    let database = Database {
        url: args.database_url.clone(),
        programs: args.postgres_programs.clone(),
        pid: args.postgres_pid,
    };
    fill(&stockroom, &database, FEW, FEW).await?;
    staff::create(&stockroom).await?;
    let few = measure(&stockroom, "few").await?;
    fill(&stockroom, &database, products, orders.saturating_sub(FEW)).await?;
    let many = measure(&stockroom, "many").await?;
    let plans = explain(args, &stockroom, &database).await?;
    let large = plans::large_tables(&database).await?;
    let size =
        database.value::<u64>("SELECT pg_database_size(current_database()) / 1048576").await?;
    let size = format!("{products} products and {orders} orders ({size} MiB)");
    let text = report(args, &size, &few, &many, &plans, &large)?;
    std::fs::write(&args.report, &text).context("cannot write the report")?;
    println!("{text}");
    Ok(())
}

async fn fill(
    stockroom: &Stockroom,
    database: &Database,
    products: u32,
    orders: u32,
) -> anyhow::Result<()> {
    eprintln!("== {products} products, {orders} more orders");
    stockroom.run(&["seed", "--scale", &products.to_string()], &[]).await?;
    database.run(include_str!("../sql/choices.sql")).await?;
    // Numbers of orders must be new: those of the first thousand are taken.
    let sql = include_str!("../sql/orders.sql");
    let first = database.value::<u64>("SELECT count(*) FROM shop_order").await? + 1;
    let last = first + u64::from(orders) - 1;
    let sql =
        sql.replace("generate_series(1, :count)", &format!("generate_series({first}, {last})"));
    database.run(&sql).await.map(drop)
}

/// Asks on a server without caches: what is asked is the database.
async fn measure(stockroom: &Stockroom, name: &str) -> anyhow::Result<Vec<Answered>> {
    eprintln!("== measuring, {name}");
    let server = start(stockroom, name).await?;
    let mut connection = signed_in(server.address).await?;
    let mut answered = Vec::new();
    for question in questions(&mut connection).await? {
        let (mut times, mut statements) = (Vec::new(), 0);
        for turn in 0..TIMES {
            let sent = Instant::now();
            let answer = ask(&mut connection, &question.query, &question.variables).await?;
            // The first ones open connections and make plans.
            if turn >= TIMES / 4 {
                times.push(sent.elapsed().as_secs_f64() * 1_000.0);
            }
            let count = answer.pointer("/extensions/sql/count").and_then(Value::as_u64);
            statements = count.context("no statements were counted")?;
        }
        let milliseconds = median(&times).context("nothing was measured")?;
        answered.push(Answered { name: question.name, milliseconds, statements });
    }
    server.stop().await?;
    Ok(answered)
}

async fn start(stockroom: &Stockroom, name: &str) -> anyhow::Result<Server> {
    let settings = [("CACHE_MEMORY_MIB", "0"), ("ROLE", "api"), ("SQL_EXTENSION_ENABLED", "true")];
    stockroom.serve(name, &settings).await
}

async fn questions(connection: &mut Connection) -> anyhow::Result<Vec<Question>> {
    let products =
        format!("query ($after: String) {{ products(first: 20, after: $after) {{ {PRODUCTS} }} }}");
    let orders =
        format!("query ($after: String) {{ orders(first: 20, after: $after) {{ {ORDERS} }} }}");
    let by_price = format!(
        "query ($after: String) {{ products(first: 20, after: $after, orderBy: {{ field: PRICE }})
           {{ {PRODUCTS} }} }}"
    );
    let search =
        |words: &str| format!("{{ products(first: 20, search: \"{words}\") {{ {PRODUCTS} }} }}");
    let far_product = far(connection, "products").await?;
    let far_order = far(connection, "orders").await?;
    let none = json!({});
    let question = |name, query: &str, variables: &Value| Question {
        name,
        query: query.to_owned(),
        variables: variables.clone(),
    };
    Ok(vec![
        question("products, page 1", &products, &none),
        question("products, far page", &products, &json!({ "after": far_product })),
        question("products by price, page 1", &by_price, &none),
        question(
            "categories with products",
            "{ categories(first: 10) { nodes { name products(first: 20) {
               nodes { name inStock priceRange { minimum { amount } } } } } } }",
            &none,
        ),
        question("search, a word that many have", &search("black"), &none),
        question("search, a SKU that one has", &search("ELEC-077"), &none),
        question("orders, page 1", &orders, &none),
        question("orders, far page", &orders, &json!({ "after": far_order })),
        question(
            "orders by the beginning of an address",
            &format!("{{ orders(first: 20, search: \"buyer77\") {{ {ORDERS} }} }}"),
            &none,
        ),
        question(
            "orders of a state",
            &format!("{{ orders(first: 20, where: {{ status: [PAID] }}) {{ {ORDERS} }} }}"),
            &none,
        ),
        question(
            "order figures of 30 days",
            "{ orderStats(days: 30) { total { ordersPlaced paidTotals { amount } }
               byDay { date figures { ordersPlaced } } byStatus { status count } } }",
            &none,
        ),
        question(
            "low stock",
            "{ lowStock(first: 20) { nodes { available variant { sku } } } }",
            &none,
        ),
        question(
            "stock movements, page 1",
            "{ stockMovements(first: 20) { nodes { type quantityChange createdAt } } }",
            &none,
        ),
    ])
}

/// The cursor before the far page, or before the last page of a list that is shorter.
async fn far(connection: &mut Connection, list: &str) -> anyhow::Result<Value> {
    let query = format!(
        "query ($after: String) {{ {list}(first: 100, after: $after) {{
           pageInfo {{ endCursor hasNextPage }} }} }}"
    );
    let mut after = Value::Null;
    for _ in 0..FAR_PAGE * 20 / 100 {
        let answer = ask(connection, &query, &json!({ "after": after })).await?;
        let info = answer.pointer(&format!("/data/{list}/pageInfo")).cloned().unwrap_or_default();
        if info.get("hasNextPage") != Some(&Value::Bool(true)) {
            break;
        }
        after = info.get("endCursor").cloned().unwrap_or_default();
    }
    Ok(after)
}

/// Has the database tell how it carries out each statement of each question.
async fn explain(
    args: &RunArgs,
    stockroom: &Stockroom,
    database: &Database,
) -> anyhow::Result<Vec<(&'static str, Vec<Plan>)>> {
    eprintln!("== looking at plans");
    plans::tell(database, true).await?;
    let server = start(stockroom, "explained").await?;
    let mut connection = signed_in(server.address).await?;
    let mut told = Vec::new();
    for question in questions(&mut connection).await? {
        let log = Log::from_now(&args.postgres_log)?;
        ask(&mut connection, &question.query, &question.variables).await?;
        told.push((question.name, plans::plans(&log.text().await?)));
    }
    server.stop().await?;
    plans::tell(database, false).await?;
    Ok(told)
}

fn report(
    args: &RunArgs,
    size: &str,
    few: &[Answered],
    many: &[Answered],
    plans: &[(&'static str, Vec<Plan>)],
    large: &[String],
) -> anyhow::Result<String> {
    let mut text = String::from("# Cost as it grows\n\n");
    for (name, fact) in &args.facts {
        writeln!(text, "- **{name}** {fact}")?;
    }
    writeln!(
        text,
        "- The same questions to a shop with {FEW} products and {FEW} orders, and to one with {size}, \
         on a server without caches; the middle of {} answers, one at a time.",
        TIMES - TIMES / 4
    )?;
    let scans: Vec<(&str, &Plan, &String)> = plans
        .iter()
        .flat_map(|(name, plans)| plans.iter().map(move |plan| (*name, plan)))
        .flat_map(|(name, plan)| {
            let scanned = large.iter().filter(|table| plan.scans(table));
            scanned.map(move |table| (name, plan, table))
        })
        .collect();
    if scans.is_empty() {
        writeln!(text, "- No statement reads one of the large tables from end to end.")?;
    }
    for (name, _, table) in &scans {
        writeln!(text, "- **{name}: reads `{table}` from end to end**")?;
    }
    writeln!(
        text,
        "\n| question | ms, few | ms, many | times | statements, few | statements, many |\n\
         | --- | --: | --: | --: | --: | --: |"
    )?;
    for (few, many) in few.iter().zip(many) {
        writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} |",
            few.name,
            short(few.milliseconds),
            short(many.milliseconds),
            short(many.milliseconds / few.milliseconds),
            few.statements,
            many.statements
        )?;
    }
    writeln!(text, "\n## Plans\n\nWith {size}, in the words of `auto_explain`.")?;
    let mut shown = BTreeSet::new();
    for (name, plans) in plans {
        writeln!(text, "\n### {name}\n")?;
        // Who asks is read for every question, categories for many: once is enough.
        for plan in plans.iter().filter(|plan| shown.insert(plan.statement())) {
            writeln!(text, "```\n{}\n```\n", plan.text)?;
        }
    }
    Ok(text)
}
