//! The database's log: what it says from a moment on, and which statements of a server are in it.

use anyhow::Context;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Tables that what customers see of the catalogue is read from.
const CATALOGUE: [&str; 11] = [
    "product",
    "product_variant",
    "variant_price",
    "category",
    "category_closure",
    "product_search",
    "stock_level",
    "warehouse",
    "flash_sale",
    "flash_sale_price",
    "tax_rate",
];

/// The database's log from a moment on.
pub struct Log {
    path: PathBuf,
    from: u64,
}

impl Log {
    /// What is written from now on.
    ///
    /// # Errors
    /// When there is no such file.
    pub fn from_now(path: &Path) -> anyhow::Result<Self> {
        let from = std::fs::metadata(path).context("the database's log")?.len();
        Ok(Self { path: path.to_owned(), from })
    }

    /// What was written since then.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn text(&self) -> anyhow::Result<String> {
        // A line is written before its session takes the next statement, not before it answers.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let (mut file, mut bytes) = (File::open(&self.path)?, Vec::new());
        file.seek(SeekFrom::Start(self.from))?;
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// The same database, by an address whose sessions have each of their statements in the log: those
/// of one server then, and of nobody else.
#[must_use]
pub fn telling(url: &str) -> String {
    let mark = if url.contains('?') { '&' } else { '?' };
    format!("{url}{mark}options[log_statement]=all")
}

/// The statements in a log that read the catalogue. What a server does in the background reads
/// other tables.
#[must_use]
pub fn catalogue_reads(log: &str) -> Vec<String> {
    let mut statements = Vec::new();
    let mut lines = log.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(first) = statement_in(line) else { continue };
        let mut statement = first.to_owned();
        while let Some(more) = lines.next_if(|line| line.starts_with('\t')) {
            statement.push(' ');
            statement.push_str(more.trim());
        }
        if reads_catalogue(&statement) {
            statements.push(statement);
        }
    }
    statements
}

/// A statement stands behind `statement: `, or with parameters behind `execute NAME: `.
fn statement_in(line: &str) -> Option<&str> {
    let (_, told) = line.split_once("LOG:  ")?;
    told.strip_prefix("statement: ")
        .or_else(|| Some(told.strip_prefix("execute ")?.split_once(": ")?.1))
}

fn reads_catalogue(statement: &str) -> bool {
    let part = |c: char| !(c.is_alphanumeric() || c == '_');
    let words: Vec<String> =
        statement.split(part).filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
    let reads = words.first().is_some_and(|word| word == "select" || word == "with");
    let names = words.windows(2).any(|pair| match pair {
        [word, table] => {
            matches!(word.as_str(), "from" | "join") && CATALOGUE.contains(&table.as_str())
        }
        _ => false,
    });
    reads && names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reads_the_catalogue_is_found_among_the_rest() {
        let log = "2026 UTC [7] LOG:  statement: ROLLBACK\n\
            2026 UTC [7] WARNING:  there is no transaction in progress\n\
            2026 UTC [7] LOG:  execute sqlx_s_1: SELECT \"product\".* FROM \"product\" WHERE a = $1\n\
            2026 UTC [7] DETAIL:  parameters: $1 = 'SELECT FROM category'\n\
            2026 UTC [8] LOG:  execute sqlx_s_2: SELECT v.id\n\tFROM bench b\n\tJOIN stock_level v\n\
            2026 UTC [8] LOG:  execute sqlx_s_3: SELECT \"id\" FROM \"job\" LIMIT $1\n\
            2026 UTC [8] LOG:  execute sqlx_s_4: UPDATE stock_level SET a = 1 FROM product p\n\
            2026 UTC [8] LOG:  execute sqlx_s_5: SELECT 1 FROM product_import\n";

        let found = catalogue_reads(log);

        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[1].ends_with("FROM bench b JOIN stock_level v"), "{found:?}");
    }

    #[test]
    fn an_address_keeps_its_options() {
        assert_eq!(telling("postgres://a/b"), "postgres://a/b?options[log_statement]=all");
        assert_eq!(telling("postgres://a/b?c=d"), "postgres://a/b?c=d&options[log_statement]=all");
    }
}
