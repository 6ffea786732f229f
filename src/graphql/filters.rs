//! The small operator inputs that every `where` is made of. Operators of one filter all have to
//! hold.

use crate::graphql::scalars::DateTime;
use async_graphql::{ID, InputObject};

/// By id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, InputObject)]
#[graphql(name = "IDFilter")]
pub struct IdFilter {
    /// Exactly this one.
    pub eq: Option<ID>,
    /// One of these; at most 100.
    #[graphql(name = "in")]
    pub any: Option<Vec<ID>>,
}

/// By text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, InputObject)]
pub struct StringFilter {
    /// Exactly this text.
    pub eq: Option<String>,
    /// One of these texts; at most 100.
    #[graphql(name = "in")]
    pub any: Option<Vec<String>>,
    /// Has this text somewhere in it, whatever the case.
    pub contains: Option<String>,
}

/// By number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, InputObject)]
pub struct IntFilter {
    /// Exactly this number.
    pub eq: Option<i32>,
    /// This number or more.
    pub gte: Option<i32>,
    /// This number or less.
    pub lte: Option<i32>,
}

/// By time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, InputObject)]
pub struct DateTimeFilter {
    /// At this time or later.
    pub gte: Option<DateTime>,
    /// At this time or earlier.
    pub lte: Option<DateTime>,
}
