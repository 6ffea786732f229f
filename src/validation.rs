//! What can be wrong with an input, told so that a form can show it beside the field.

use icu_properties::CodePointSetData;
use icu_properties::props::{DefaultIgnorableCodePoint, VariationSelector};
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
    /// Nobody else administers the shop.
    LastAdministrator,
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

/// As [`required_text`], of one line and with nothing in it that cannot be seen: a name, or a line
/// of an address, which goes into mails and onto labels.
///
/// # Errors
/// A [`Problem`] at `field`.
pub fn required_line(field: &str, text: &str, max: usize) -> Result<String, Problem> {
    let text = required_text(field, text, max).and_then(|text| one_line(field, text))?;
    if text.chars().all(|c| c.is_whitespace() || is_ignorable(c)) {
        let message = format!("{field} has nothing in it that can be seen.");
        return Err(Problem::new(ProblemKind::Required, [field], message));
    }
    Ok(text)
}

/// As [`required_line`], or empty.
///
/// # Errors
/// A [`Problem`] at `field`.
pub fn optional_line(field: &str, text: &str, max: usize) -> Result<String, Problem> {
    optional_text(field, text, max).and_then(|text| one_line(field, text))
}

fn one_line(field: &str, text: String) -> Result<String, Problem> {
    if text.chars().any(|c| c.is_control() || hides_or_turns(c)) {
        let message = format!("{field} has a character that cannot be seen.");
        return Err(Problem::new(ProblemKind::Invalid, [field], message));
    }
    Ok(text)
}

/// Whether the character cannot be seen by itself: Unicode's `Default_Ignorable_Code_Point`, which
/// has the marks that turn the direction of writing, joiners, fillers, variation selectors and tags.
#[must_use]
pub fn is_ignorable(c: char) -> bool {
    CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

/// Whether the character cannot be seen and has no place in a name: it fills, parts lines, or turns
/// the direction of writing. The joiners that Persian and Indic names are written with, and the
/// selectors that choose the form of a character, as in Japanese names, are none of these.
#[must_use]
pub fn hides_or_turns(c: char) -> bool {
    let forms = matches!(c, '\u{200c}' | '\u{200d}')
        || CodePointSetData::new::<VariationSelector>().contains(c);
    let parts = matches!(c, '\u{2028}' | '\u{2029}' | '\u{fff9}'..='\u{fffb}');
    parts || (is_ignorable(c) && !forms)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> Option<ProblemKind> {
        required_line("name", text, 10).err().map(|problem| problem.kind)
    }

    #[test]
    fn a_line_is_one_line_that_can_be_seen() {
        assert_eq!(required_line("name", " Zoë O'Hara ", 10), Ok("Zoë O'Hara".to_owned()));
        assert_eq!(kind("  "), Some(ProblemKind::Required));
        assert_eq!(kind("eleven char"), Some(ProblemKind::TooLong));
        for text in ["a\nb", "a\rb", "a\tb", "a\0b", "a\u{7f}b", "a\u{202e}b", "a\u{200b}b"] {
            assert_eq!(kind(text), Some(ProblemKind::Invalid), "{text:?}");
        }
        for c in [
            '\u{ad}',
            '\u{34f}',
            '\u{61c}',
            '\u{115f}',
            '\u{1160}',
            '\u{17b4}',
            '\u{180e}',
            '\u{200b}',
            '\u{200e}',
            '\u{200f}',
            '\u{2028}',
            '\u{2029}',
            '\u{202a}',
            '\u{2060}',
            '\u{2066}',
            '\u{2069}',
            '\u{206f}',
            '\u{3164}',
            '\u{feff}',
            '\u{ffa0}',
            '\u{fff9}',
            '\u{e0001}',
            '\u{e0041}',
            '\u{e0fff}',
        ] {
            assert_eq!(kind(&format!("a{c}b")), Some(ProblemKind::Invalid), "{c:?}");
        }
        // A joiner of Persian, the form of a character in a Japanese name, and of an emoji.
        for text in ["می\u{200c}نا", "葛\u{e0100}城", "♥\u{fe0f}", "क्\u{200d}ष"] {
            assert_eq!(kind(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_line_has_something_in_it_that_can_be_seen() {
        for text in ["\u{200d}", "\u{fe0f}\u{fe0f}", "\u{200c} \u{e0100}"] {
            assert_eq!(kind(text), Some(ProblemKind::Required), "{text:?}");
        }
    }
}
