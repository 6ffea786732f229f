//! What can be wrong with an input, told so that a form can show it beside the field.

use serde::{Deserialize, Serialize};

/// One thing wrong with an input; the caller can mend it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What kind of thing.
    pub kind: ProblemKind,
    /// What to change, in a sentence.
    pub message: String,
    /// Where, from the input's fields on: `["lines", "0", "quantity"]`.
    pub path: Vec<String>,
}

/// Kinds of problems, each with a code of its own on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProblemKind {
    /// Missing or empty.
    Required,
    /// Of the wrong form.
    Invalid,
    /// More characters or items than allowed.
    TooLong,
    /// A number outside its range.
    OutOfRange,
    /// Nothing has this id, SKU or name.
    NotFound,
    /// Something else has this name, SKU or slug.
    AlreadyExists,
    /// Cannot be removed while something refers to it.
    InUse,
    /// An amount in another currency than it must be.
    CurrencyMismatch,
    /// A limit of the shop is reached.
    LimitReached,
}

impl Problem {
    /// A problem at `path`.
    pub fn new<P: Into<String>>(
        kind: ProblemKind,
        path: impl IntoIterator<Item = P>,
        message: impl Into<String>,
    ) -> Self {
        Self { kind, message: message.into(), path: path.into_iter().map(Into::into).collect() }
    }

    /// The same problem, deeper in an input: `prefix` stands before its path.
    #[must_use]
    pub fn within<P: Into<String>>(mut self, prefix: impl IntoIterator<Item = P>) -> Self {
        let mut path: Vec<String> = prefix.into_iter().map(Into::into).collect();
        path.append(&mut self.path);
        self.path = path;
        self
    }
}

/// The text without surrounding white space, when it has `1..=max` characters.
///
/// # Errors
/// A [`Problem`] at `field` when it is empty, too long, or has control characters.
pub fn required_text(field: &str, text: &str, max: usize) -> Result<String, Problem> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Problem::new(ProblemKind::Required, [field], format!("{field} is empty.")));
    }
    optional_text(field, text, max)
}

/// The text without surrounding white space, when it has `0..=max` characters.
///
/// # Errors
/// A [`Problem`] at `field` when it is too long or has control characters.
pub fn optional_text(field: &str, text: &str, max: usize) -> Result<String, Problem> {
    let text = text.trim();
    if text.chars().count() > max {
        let message = format!("{field} has more than {max} characters.");
        return Err(Problem::new(ProblemKind::TooLong, [field], message));
    }
    let control = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if text.chars().any(control) {
        let message = format!("{field} has control characters.");
        return Err(Problem::new(ProblemKind::Invalid, [field], message));
    }
    Ok(text.to_owned())
}
