//! How the database carries out statements, read from its log.

use crate::database::Database;
use std::collections::BTreeSet;

/// Tables of more rows than this are large.
const LARGE: u32 = 20_000;

/// How a statement was carried out.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The statement and the plan, as the database wrote them.
    pub text: String,
}

impl Plan {
    /// The statement alone.
    #[must_use]
    pub fn statement(&self) -> &str {
        self.text.lines().next().unwrap_or_default()
    }

    /// Whether it reads a table from end to end.
    #[must_use]
    pub fn scans(&self, table: &str) -> bool {
        let plain = format!("Seq Scan on {table} ");
        self.text.lines().any(|line| format!("{line} ").contains(&plain))
    }
}

/// Has new sessions write the plan of every statement into the log, or not any more.
///
/// # Errors
/// When the database lacks its module `auto_explain`.
pub async fn tell(database: &Database, plans: bool) -> anyhow::Result<()> {
    let settings = [
        ("session_preload_libraries", "'auto_explain'"),
        ("auto_explain.log_min_duration", "0"),
        ("auto_explain.log_analyze", "on"),
        ("auto_explain.log_timing", "off"),
    ];
    let name = database.value::<String>("SELECT current_database()").await?;
    let change = |(setting, value): (&str, &str)| {
        let change =
            if plans { format!("SET {setting} = {value}") } else { format!("RESET {setting}") };
        format!("ALTER DATABASE {name} {change};")
    };
    let sql: String = settings.into_iter().map(change).collect();
    database.run(&format!("LOAD 'auto_explain'; {sql}")).await.map(drop)
}

/// The names of tables with many rows.
///
/// # Errors
/// When the database fails.
pub async fn large_tables(database: &Database) -> anyhow::Result<Vec<String>> {
    let sql = format!(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples > {LARGE}
           AND relnamespace = 'public'::regnamespace ORDER BY 1"
    );
    Ok(database.run(&sql).await?.lines().map(str::to_owned).collect())
}

/// The plans in a log, each statement once. One begins with a line that tells its duration, and goes
/// on in lines that begin with a tab.
#[must_use]
pub fn plans(log: &str) -> Vec<Plan> {
    let mut statements = BTreeSet::new();
    let mut found = Vec::new();
    let mut lines = log.lines().peekable();
    while let Some(line) = lines.next() {
        if !line.contains("  plan:") {
            continue;
        }
        let mut text: Vec<String> = Vec::new();
        while let Some(more) = lines.next_if(|line| line.starts_with('\t')) {
            text.push(shortened(more.strip_prefix('\t').unwrap_or(more)));
        }
        let plan = Plan { text: text.join("\n") };
        if statements.insert(plan.statement().to_owned()) {
            found.push(plan);
        }
    }
    found
}

/// A line without the middle of long lists of ids.
fn shortened(line: &str) -> String {
    match (line.find("'{"), line.rfind("}'")) {
        (Some(begin), Some(end)) if end > begin + 80 => {
            let (head, tail) = (line.get(..begin + 40), line.get(end..));
            format!("{}…{}", head.unwrap_or_default(), tail.unwrap_or_default())
        }
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_of_ids_lose_their_middle() {
        let ids = "0192".repeat(100);
        let line = format!("Index Cond: (id = ANY ('{{{ids}}}'::uuid[]))");
        let short = shortened(&line);
        assert!(short.len() < 100 && short.ends_with("}'::uuid[]))"), "{short}");
        assert_eq!(shortened("Filter: (n = 1)"), "Filter: (n = 1)");
    }

    #[test]
    fn plans_are_found_among_other_lines() {
        let log = "LOG:  ready\n\
            2026 LOG:  duration: 0.1 ms  plan:\n\tQuery Text: SELECT 1\n\tSeq Scan on product p\n\
            2026 LOG:  duration: 0.1 ms  plan:\n\tQuery Text: SELECT 1\n\tSeq Scan on product p\n\
            2026 LOG:  duration: 0.1 ms  plan:\n\tQuery Text: SELECT 2\n\t  ->  Result\nother\n";

        let found = plans(log);

        assert_eq!(found.len(), 2);
        assert!(found[0].scans("product") && !found[1].scans("product"));
        assert!(!found[0].scans("product_variant") && !found[0].scans("prod"));
    }
}
