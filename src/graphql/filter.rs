//! Operator inputs that the `where` arguments of all lists share.

use crate::db::Timestamp;
use crate::graphql::scalars::{DateTime, MoneyInput};
use crate::graphql::{Fault, NodeKind};
use crate::money::Money;
use async_graphql::{Enum, ID, InputObject};
use uuid::Uuid;

/// Values in one operator at most.
pub const MAX_VALUES: usize = 100;
/// Characters of a text in an operator at most.
pub const MAX_TEXT_CHARS: usize = 200;

/// Conditions on an id. All that are given must hold.
#[derive(Debug, Clone, InputObject)]
#[graphql(name = "IDFilter")]
pub struct IdFilter {
    /// Is this one.
    pub eq: Option<ID>,
    /// Is one of these, at most 100. None is one of an empty list.
    #[graphql(name = "in")]
    pub one_of: Option<Vec<ID>>,
}

impl IdFilter {
    /// The lists of keys that the id must be in, each of them.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for the id of another kind and for too many.
    pub fn read(&self, kind: NodeKind) -> Result<Vec<Vec<Uuid>>, Fault> {
        let lists = [self.eq.as_ref().map(std::slice::from_ref), self.one_of.as_deref()];
        lists
            .into_iter()
            .flatten()
            .map(|ids| {
                check_length(ids.len())?;
                ids.iter().map(|id| kind.key(id)).collect()
            })
            .collect()
    }
}

/// Conditions on a text. All that are given must hold.
#[derive(Debug, Clone, InputObject)]
pub struct StringFilter {
    /// Is exactly this.
    pub eq: Option<String>,
    /// Is exactly one of these, at most 100. None is one of an empty list.
    #[graphql(name = "in")]
    pub one_of: Option<Vec<String>>,
    /// Has this in it, whatever the case and the diacritics; no character stands for others.
    pub contains: Option<String>,
}

impl StringFilter {
    /// The lists of texts that the text must be in, each of them.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for too many or too long texts.
    pub fn read_values(&self) -> Result<Vec<Vec<String>>, Fault> {
        let lists = [self.eq.as_ref().map(std::slice::from_ref), self.one_of.as_deref()];
        lists
            .into_iter()
            .flatten()
            .map(|texts| {
                check_length(texts.len())?;
                texts.iter().try_for_each(|text| check_text(text))?;
                Ok(texts.to_vec())
            })
            .collect()
    }

    /// The text that must be in the text.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for one that is too long.
    pub fn read_contains(&self) -> Result<Option<&str>, Fault> {
        self.contains.as_deref().map(|text| check_text(text).map(|()| text)).transpose()
    }
}

/// Conditions on a time. All that are given must hold.
#[derive(Debug, Clone, InputObject)]
pub struct DateTimeFilter {
    /// At exactly this time.
    pub eq: Option<DateTime>,
    /// After this time.
    pub gt: Option<DateTime>,
    /// At this time or after it.
    pub gte: Option<DateTime>,
    /// Before this time.
    pub lt: Option<DateTime>,
    /// At this time or before it.
    pub lte: Option<DateTime>,
}

impl DateTimeFilter {
    /// The times, in the order of the fields.
    #[must_use]
    pub fn read(&self) -> [Option<Timestamp>; 5] {
        [self.eq, self.gt, self.gte, self.lt, self.lte].map(|time| time.map(|time| time.0))
    }
}

/// Conditions on an amount of money. All that are given must hold.
#[derive(Debug, Clone, InputObject)]
pub struct MoneyRangeFilter {
    /// At least this.
    pub gte: Option<MoneyInput>,
    /// At most this, in the same currency.
    pub lte: Option<MoneyInput>,
}

impl MoneyRangeFilter {
    /// Both ends.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for amounts that cannot be read or are in two currencies.
    pub fn read(&self) -> Result<[Option<Money>; 2], Fault> {
        let read = |money: &Option<MoneyInput>| {
            let read = money.as_ref().map(MoneyInput::read).transpose();
            read.map_err(|problem| Fault::bad_user_input(problem.message))
        };
        let ends = [read(&self.gte)?, read(&self.lte)?];
        match ends {
            [Some(least), Some(most)] if least.currency != most.currency => {
                Err(Fault::bad_user_input("gte and lte are in different currencies."))
            }
            ends => Ok(ends),
        }
    }
}

/// In which direction a list is sorted.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortDirection {
    /// Smallest first.
    Asc,
    /// Largest first.
    Desc,
}

fn check_length(length: usize) -> Result<(), Fault> {
    if length > MAX_VALUES {
        let message = format!("A list in where has {length} values; {MAX_VALUES} at most.");
        return Err(Fault::bad_user_input(message));
    }
    Ok(())
}

fn check_text(text: &str) -> Result<(), Fault> {
    if text.chars().count() > MAX_TEXT_CHARS {
        let message = format!("A text in where has more than {MAX_TEXT_CHARS} characters.");
        return Err(Fault::bad_user_input(message));
    }
    // No column has one, and Postgres takes none.
    if text.contains('\0') {
        return Err(Fault::bad_user_input("A text in where has the character U+0000."));
    }
    Ok(())
}
