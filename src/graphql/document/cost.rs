//! What an operation may cost, in objects that its answer may hold. A page costs its rows,
//! whether its size is a literal or a variable; all arithmetic saturates.

use apollo_compiler::ast::Value as Literal;
use apollo_compiler::executable::Field;
use async_graphql::{Value, Variables};

use crate::graphql::document::limits::Limits;

/// A cost that may depend on variables: a fixed part and pages of unknown size.
#[derive(Clone, Debug, Default)]
pub struct Cost {
    fixed: u64,
    pages: Vec<(PageSize, Cost)>,
}

/// How many rows a connection or list is charged for.
#[derive(Clone, Debug)]
pub enum PageSize {
    /// Known when the document is read.
    Rows(u64),
    /// The largest of these, each a number or a variable; the default if all are null.
    Asked(Vec<AskedRows>),
}

/// A value of `first` or `last`.
#[derive(Clone, Debug)]
pub enum AskedRows {
    /// A literal.
    Rows(u64),
    /// The variable of this name.
    Variable(String),
    /// As many as the list in the variable of this name is long.
    Length(String),
}

impl Cost {
    /// A cost that depends on nothing.
    pub const fn of(objects: u64) -> Self {
        Self { fixed: objects, pages: Vec::new() }
    }

    /// Adds another cost.
    pub fn add(&mut self, other: Self) {
        self.fixed = self.fixed.saturating_add(other.fixed);
        self.pages.extend(other.pages);
    }

    /// This cost once per row.
    #[must_use]
    pub fn times(self, size: PageSize) -> Self {
        match size {
            PageSize::Rows(rows) if self.pages.is_empty() => {
                Self::of(self.fixed.saturating_mul(rows))
            }
            size => Self { fixed: 0, pages: vec![(size, self)] },
        }
    }

    /// The cost with these variables.
    pub fn total(&self, variables: &Variables, limits: &Limits) -> u64 {
        let pages = self.pages.iter().map(|(size, row)| {
            size.rows(variables, limits).saturating_mul(row.total(variables, limits))
        });
        pages.fold(self.fixed, u64::saturating_add)
    }
}

impl PageSize {
    /// The page that a field with `first` or `last` asks for; `None` if it has neither argument.
    pub fn of(field: &Field, limits: &Limits) -> Option<Self> {
        let is_size = |name: &str| matches!(name, "first" | "last");
        if !field.definition.arguments.iter().any(|argument| is_size(&argument.name)) {
            return None;
        }
        let sizes = field.arguments.iter().filter(|argument| is_size(&argument.name));
        let asked: Vec<AskedRows> = sizes
            .filter_map(|argument| match argument.value.as_ref() {
                Literal::Null => None,
                Literal::Variable(name) => Some(AskedRows::Variable(name.to_string())),
                Literal::Int(rows) => {
                    // Beyond 32 bits validation has refused it already; the clamp is the same.
                    let rows = rows.as_str().parse::<i64>().unwrap_or(i64::MAX);
                    Some(AskedRows::Rows(clamp(rows, limits)))
                }
                _ => Some(AskedRows::Rows(u64::from(limits.page_highest))),
            })
            .collect();
        let known = asked.iter().try_fold(0, |largest: u64, rows| match rows {
            AskedRows::Rows(rows) => Some(largest.max(*rows)),
            AskedRows::Variable(_) | AskedRows::Length(_) => None,
        });
        Some(match known {
            Some(0) => Self::Rows(u64::from(limits.page_default)),
            Some(rows) => Self::Rows(rows),
            None => Self::Asked(asked),
        })
    }

    /// The rows of a field that answers one for each of its `ids`; `None` if it has no such
    /// argument.
    pub fn of_ids(field: &Field) -> Option<Self> {
        let ids = field.arguments.iter().find(|argument| argument.name == "ids")?;
        Some(match ids.value.as_ref() {
            Literal::List(ids) => Self::Rows(u64::try_from(ids.len()).unwrap_or(u64::MAX)),
            Literal::Variable(name) => Self::Asked(vec![AskedRows::Length(name.to_string())]),
            _ => Self::Rows(1),
        })
    }

    fn rows(&self, variables: &Variables, limits: &Limits) -> u64 {
        let asked = match self {
            Self::Rows(rows) => return *rows,
            Self::Asked(asked) => asked,
        };
        let known = asked.iter().filter_map(|rows| match rows {
            AskedRows::Rows(rows) => Some(*rows),
            AskedRows::Variable(name) => match variables.get(name.as_str()) {
                Some(Value::Number(rows)) => Some(clamp(rows.as_i64().unwrap_or(i64::MAX), limits)),
                Some(Value::Null) | None => None,
                Some(_) => Some(u64::from(limits.page_highest)),
            },
            AskedRows::Length(name) => match variables.get(name.as_str()) {
                Some(Value::List(items)) => Some(u64::try_from(items.len()).unwrap_or(u64::MAX)),
                _ => Some(1),
            },
        });
        known.max().unwrap_or(u64::from(limits.page_default))
    }
}

fn clamp(rows: i64, limits: &Limits) -> u64 {
    let highest = i64::from(limits.page_highest).max(1);
    u64::try_from(rows.clamp(1, highest)).unwrap_or(1)
}
