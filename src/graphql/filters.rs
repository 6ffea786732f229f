//! The small operator inputs that every `where` is made of. Operators of one filter all have to
//! hold.

use crate::db::Timestamp;
use crate::graphql::scalars::{DateTime, MoneyInput};
use crate::graphql::{Fault, NodeKind};
use crate::money::Money;
use async_graphql::{Enum, ID, InputObject};
use chrono::TimeDelta;
use uuid::Uuid;

/// Values in one operator at most.
const MAX_VALUES: usize = 100;
/// Characters of a text in an operator at most.
const MAX_TEXT_CHARS: usize = 200;
/// Conditions in one `where` at most, counted as operators and ANDs, ORs and NOTs.
const MAX_CONDITIONS: usize = 100;
/// Characters of `search` at most.
const MAX_SEARCH_CHARS: usize = 100;

/// How many conditions a `where` may still have.
#[derive(Debug)]
pub struct ConditionsLeft(usize);

impl Default for ConditionsLeft {
    fn default() -> Self {
        Self(MAX_CONDITIONS)
    }
}

impl ConditionsLeft {
    /// Counts one condition.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` when there are too many.
    pub fn take(&mut self) -> Result<(), Fault> {
        self.0 = self.0.checked_sub(1).ok_or_else(|| {
            Fault::bad_user_input(format!("where has more than {MAX_CONDITIONS} conditions."))
        })?;
        Ok(())
    }
}

/// Whether `search` can be looked for.
///
/// # Errors
/// `BAD_USER_INPUT` for a text that is too long, or that no row can have.
pub fn check_search(text: &str) -> Result<(), Fault> {
    if text.chars().count() > MAX_SEARCH_CHARS {
        let message = format!("search has more than {MAX_SEARCH_CHARS} characters.");
        return Err(Fault::bad_user_input(message));
    }
    if text.contains('\0') {
        return Err(Fault::bad_user_input("search has the character U+0000."));
    }
    Ok(())
}

/// What `search` asks for, trimmed; None when that is nothing.
///
/// # Errors
/// As [`check_search`].
pub fn read_search(search: Option<String>) -> Result<Option<String>, Fault> {
    search.as_deref().map_or(Ok(()), check_search)?;
    Ok(search.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()))
}

/// By id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, InputObject)]
#[graphql(name = "IDFilter")]
pub struct IdFilter {
    /// Exactly this one.
    pub eq: Option<ID>,
    /// One of these, at most 100. Nothing is one of an empty list.
    #[graphql(name = "in")]
    pub any: Option<Vec<ID>>,
}

impl IdFilter {
    /// The lists of keys that the id must be in, each of them.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for the id of another kind and for too many.
    pub fn read(&self, kind: NodeKind) -> Result<Vec<Vec<Uuid>>, Fault> {
        let lists = [self.eq.as_ref().map(std::slice::from_ref), self.any.as_deref()];
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

/// By text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, InputObject)]
pub struct StringFilter {
    /// Exactly this text.
    pub eq: Option<String>,
    /// One of these texts, at most 100. Nothing is one of an empty list.
    #[graphql(name = "in")]
    pub any: Option<Vec<String>>,
    /// Has this text somewhere in it, whatever the case and the diacritics; no character stands
    /// for others.
    pub contains: Option<String>,
}

impl StringFilter {
    /// The lists of texts that the text must be in, each of them.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for too many or too long texts.
    pub fn read_values(&self) -> Result<Vec<Vec<String>>, Fault> {
        let lists = [self.eq.as_ref().map(std::slice::from_ref), self.any.as_deref()];
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
    /// At exactly this time.
    pub eq: Option<DateTime>,
    /// After this time.
    pub gt: Option<DateTime>,
    /// At this time or later.
    pub gte: Option<DateTime>,
    /// Before this time.
    pub lt: Option<DateTime>,
    /// At this time or earlier.
    pub lte: Option<DateTime>,
}

impl DateTimeFilter {
    /// The earliest and the latest time that fit. Times are whole microseconds: after a time is
    /// from the next one on.
    #[must_use]
    pub fn bounds(&self) -> (Option<Timestamp>, Option<Timestamp>) {
        let moment = TimeDelta::microseconds(1);
        let least = [self.eq, self.gte].into_iter().flatten().map(|time| time.0);
        let after = self.gt.and_then(|time| time.0.checked_add_signed(moment));
        let most = [self.eq, self.lte].into_iter().flatten().map(|time| time.0);
        let before = self.lt.and_then(|time| time.0.checked_sub_signed(moment));
        (least.chain(after).max(), most.chain(before).min())
    }
}

/// By an amount of money.
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
