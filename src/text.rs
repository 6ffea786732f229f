//! Text folded for finding and sorting, by the program and not by the database: SQLite and
//! Postgres, whatever its locale, then find and sort alike.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Words in lower case and without diacritics, one space between them; everything that is neither
/// letter nor digit parts words, so that a SKU such as `ELEC-001-BLK` is three words in either
/// database (Postgres by itself would read `-001` as a negative number). What is searched for is
/// folded by this as well.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in plain(text) {
        if c.is_alphanumeric() || is_combining_mark(c) {
            push_letter(&mut folded, c);
        } else if !folded.is_empty() && !folded.ends_with(' ') {
            folded.push(' ');
        }
    }
    folded.truncate(folded.trim_end().len());
    folded
}

/// A name in lower case and without diacritics, for the columns named `name_key`: what lists are
/// sorted by and what `contains` looks into. Unlike [`fold`] it keeps all that is no letter.
#[must_use]
pub fn name_key(name: &str) -> String {
    let mut key = String::with_capacity(name.len());
    plain(name).for_each(|c| push_letter(&mut key, c));
    key
}

/// The characters in lower case. Diacritics of the European scripts are dropped; marks of other
/// scripts carry sounds and stay.
fn plain(text: &str) -> impl Iterator<Item = char> {
    let is_diacritic = |c: &char| matches!(c, '\u{300}'..='\u{36f}');
    let letters = text.nfkd().filter(move |c| !is_diacritic(c)).nfc();
    // Again afterwards: lower case of `İ` is a letter and a dot above.
    letters.flat_map(char::to_lowercase).filter(move |c| !is_diacritic(c))
}

fn push_letter(text: &mut String, c: char) {
    match whole_letters(c) {
        Some(letters) => text.push_str(letters),
        None => text.push(c),
    }
}

/// Letters that Unicode does not take apart and that are typed in two ways.
fn whole_letters(c: char) -> Option<&'static str> {
    Some(match c {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'þ' => "th",
        'ı' => "i",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_diacritics_make_no_difference() {
        assert_eq!(fold("Crème BRÛLÉE"), "creme brulee");
        assert_eq!(fold("Straße Łódź İstanbul Smørrebrød"), "strasse lodz istanbul smorrebrod");
        assert_eq!(fold("ﬁne ２０"), "fine 20");
    }

    #[test]
    fn what_is_no_letter_or_digit_parts_words() {
        assert_eq!(fold("  ELEC-001-BLK (3.5 mm)! "), "elec 001 blk 3 5 mm");
        assert_eq!(fold("--"), "");
    }

    #[test]
    fn a_name_key_keeps_what_is_no_letter() {
        assert_eq!(name_key("Crème Brûlée 50 % (3.5 mm)"), "creme brulee 50 % (3.5 mm)");
    }

    #[test]
    fn other_scripts_stay_as_they_are() {
        assert_eq!(fold("हिन्दी"), "हिन्दी");
        assert_eq!(fold("한국어"), "한국어");
        assert_eq!(fold("日本語"), "日本語");
    }
}
