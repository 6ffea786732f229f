//! Which passwords are accepted. NIST SP 800-63B-4 (section 3.1.1.2) asks for length, at least 15
//! characters where the password is the only factor, for a list of what is commonly used, expected
//! or known from breaches, and forbids rules about kinds of characters. With that length what is
//! left to guess are repetitions, runs along the keyboard, names of the shop and of the person, and
//! sentences that everybody knows; these are recognised, also with digits in place of letters.

use crate::account::known_passwords::{RUNS, SENTENCES, WORDS};
use crate::validation::{Problem, ProblemKind};
use secrecy::{ExposeSecret, SecretString};
use unicode_normalization::UnicodeNormalization;

/// Characters at least.
pub const MIN_CHARS: usize = 15;
/// Characters at most.
pub const MAX_CHARS: usize = 128;
/// Characters as typed that are looked at: composed, they may be fewer.
const MAX_TYPED_CHARS: usize = 4 * MAX_CHARS;
/// Different characters at least.
const MIN_DIFFERENT: usize = 5;
/// What must be left to guess: a character, or a whole word or run that is easy to think of, each
/// counts as one.
const MIN_LEFT: usize = 8;
/// Shorter runs and words happen by chance.
const MIN_RUN: usize = 3;
const MIN_WORD: usize = 4;

/// The password as it is hashed: the same however the keyboard composes its characters. None when
/// it is too long to be one.
#[must_use]
pub fn normalize(password: &SecretString) -> Option<SecretString> {
    let typed = password.expose_secret();
    if typed.chars().count() > MAX_TYPED_CHARS {
        return None;
    }
    let normal: String = typed.nfkc().collect();
    (normal.chars().count() <= MAX_CHARS).then(|| SecretString::from(normal))
}

/// Checks a new password of somebody with this name and e-mail address.
///
/// # Errors
/// A [`Problem`] at `field` that says what to change.
pub fn check(
    field: &str,
    password: &SecretString,
    [name, email]: [&str; 2],
) -> Result<(), Problem> {
    let problem = |kind, message: &str| Err(Problem::new(kind, [field], message));
    let advice = "The password must have 15 to 128 characters; a few words in a row do well.";
    let Some(normal) = normalize(password) else {
        return problem(ProblemKind::TooLong, advice);
    };
    let password = normal.expose_secret();
    match password.chars().count() {
        0 => return problem(ProblemKind::Required, advice),
        chars if chars < MIN_CHARS => return problem(ProblemKind::OutOfRange, advice),
        _ => {}
    }
    let folded = squeeze(password);
    let plain: Vec<char> = folded.chars().collect();
    let mut different = plain.clone();
    different.sort_unstable();
    different.dedup();
    if different.len() < MIN_DIFFERENT || repeats(&plain) {
        let message = "The password repeats itself. Take a few words that have nothing to do with \
                       each other.";
        return problem(ProblemKind::Invalid, message);
    }
    let own: Vec<String> = own_words(name, email);
    let letters: Vec<char> = plain.iter().copied().map(letter).collect();
    if left(&plain, &letters, &own) < MIN_LEFT {
        let message = "The password is one of the first that somebody would try: it is made of \
                       well-known words, names or keys in a row. Take a few words that have \
                       nothing to do with each other.";
        return problem(ProblemKind::Invalid, message);
    }
    Ok(())
}

/// Lower case, and without what stands between words. A password with nothing else keeps it.
fn squeeze(text: &str) -> String {
    let lower = text.to_lowercase();
    let squeezed: String =
        lower.chars().filter(|c| c.is_alphanumeric() || is_for_letter(*c)).collect();
    if squeezed.is_empty() { lower } else { squeezed }
}

fn is_for_letter(c: char) -> bool {
    letter(c) != c
}

/// The letter that a digit or sign is often written for.
fn letter(c: char) -> char {
    match c {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' | '+' => 't',
        c => c,
    }
}

/// Whether a part is there twice or more and nothing else.
fn repeats(text: &[char]) -> bool {
    let half = text.len() / 2;
    (1..=half).any(|period| text.iter().zip(text.iter().skip(period)).all(|(a, b)| a == b))
}

/// Words of the name and of the address that say whose password it is.
fn own_words(name: &str, email: &str) -> Vec<String> {
    let separate = |c: char| !c.is_alphanumeric();
    let parts = name.split(separate).chain(email.split(separate));
    let parts = parts.chain([email.split('@').next().unwrap_or_default()]);
    let words = parts.map(squeeze).filter(|word| word.chars().count() >= MIN_WORD);
    words.chain([squeeze(name)]).filter(|word| !word.is_empty()).collect()
}

/// How much of the text is left to guess. `letters` is the same text with letters in place of what
/// is written for them.
fn left(text: &[char], letters: &[char], own: &[String]) -> usize {
    let (mut rest, mut letters, mut left) = (text, letters, 0_usize);
    while !rest.is_empty() {
        let word = word_at(rest, own).max(word_at(letters, own));
        let known = word.max(run_at(rest)).max(same_at(rest)).max(year_at(rest)).max(1);
        rest = rest.get(known..).unwrap_or_default();
        letters = letters.get(known..).unwrap_or_default();
        left = left.saturating_add(1);
    }
    left
}

/// The length of the longest word or sentence at the beginning of the text that is on a list, or 0.
fn word_at(text: &[char], own: &[String]) -> usize {
    let words = SENTENCES.iter().chain(WORDS).copied().chain(own.iter().map(String::as_str));
    let length = |word: &str| {
        let length = word.chars().count();
        let same = text.iter().copied().take(length).eq(word.chars());
        if same { length } else { 0 }
    };
    words.map(length).max().unwrap_or(0)
}

/// Keys in a row, forwards or backwards.
fn run_at(text: &[char]) -> usize {
    let along = |row: &mut dyn Iterator<Item = char>| {
        let row: Vec<char> = row.collect();
        let begins = (0..row.len()).filter_map(|begin| row.get(begin..));
        begins.map(|row| row.iter().zip(text).take_while(|(a, b)| a == b).count()).max()
    };
    let runs = RUNS.iter().flat_map(|row| [along(&mut row.chars()), along(&mut row.chars().rev())]);
    let longest = runs.flatten().max().unwrap_or(0);
    if longest >= MIN_RUN { longest } else { 0 }
}

/// One character again and again.
fn same_at(text: &[char]) -> usize {
    let first = text.first();
    let length = text.iter().take_while(|c| Some(*c) == first).count();
    if length >= MIN_RUN { length } else { 0 }
}

/// A year of this century or the last.
fn year_at(text: &[char]) -> usize {
    let year: String = text.iter().take(4).collect();
    let digits = year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit());
    if digits && (year.starts_with("19") || year.starts_with("20")) { 4 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_of(password: &str) -> Result<(), ProblemKind> {
        let whose = ["Ada Byron-King", "lovelace@analytical.example"];
        check("password", &SecretString::from(password), whose).map_err(|problem| problem.kind)
    }

    #[test]
    fn a_few_words_in_a_row_do_well() {
        for password in [
            "four words in a row",
            "lamp river eleven cheese",
            "vier Wörter in einer Reihe",
            "ключ лежит под ковром",
            "k7mwp-2xq9d-hh4te-v3nzr",
            "正しい馬の電池とホチキスを買いました",
        ] {
            assert_eq!(check_of(password), Ok(()), "{password}");
        }
    }

    #[test]
    fn length_is_counted_in_characters_as_they_are_hashed() {
        assert_eq!(check_of(""), Err(ProblemKind::Required));
        assert_eq!(check_of("lamp river six"), Err(ProblemKind::OutOfRange));
        assert_eq!(check_of(&"lamp river six ".repeat(9)), Err(ProblemKind::TooLong));
        // 14 characters, typed as 15.
        assert_eq!(check_of("lamp rive\u{308}r six"), Err(ProblemKind::OutOfRange));
        assert_eq!(check_of(&"e\u{308}".repeat(300)), Err(ProblemKind::TooLong));
    }

    #[test]
    fn what_somebody_would_try_first_is_refused() {
        for password in [
            "my password is a song",
            "aaaaaaaaaaaaaaa",
            "abababababababab",
            "passwordpassword",
            "123412341234123",
            "123456789012345",
            "qwertyuiopasdfgh",
            "1q2w3e4r5t6y7u8i",
            "P@ssw0rd12345678",
            "Password-2026-!!!",
            "administrator2026",
            "iloveyou1234567890",
            "correct horse battery staple",
            "CorrectHorseBatteryStaple1",
            "The quick brown fox jumps over the lazy dog",
            "to be or not to be, that is the question",
            "stockroom-stockroom",
            "Stockroom2026stock",
            "Ada Byron-King 1815",
            "lovelace@analytical.example",
            "lovelace12345678",
            "...............",
            "zyxwvutsrqponmlkj",
        ] {
            assert_eq!(check_of(password), Err(ProblemKind::Invalid), "{password}");
        }
    }

    #[test]
    fn nothing_on_the_lists_is_dead() {
        for entry in SENTENCES.iter().chain(WORDS).chain(RUNS) {
            assert_eq!(squeeze(entry), *entry, "{entry} can never be found");
        }
        for word in WORDS {
            assert!(word.chars().count() >= MIN_WORD, "{word} would be found by chance");
        }
    }
}
