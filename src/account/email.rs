//! E-mail addresses: which are accepted, and when two spellings are one account.

use crate::validation::{Problem, ProblemKind, is_ignorable};
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Bytes of an address at most (RFC 5321, by erratum 1690).
const MAX_BYTES: usize = 254;
/// Bytes before the `@` at most.
const MAX_LOCAL_BYTES: usize = 64;
/// What stands before the `@` besides letters, digits and dots (RFC 5322, `atext`).
const ATEXT: &str = "!#$%&'*+/=?^_`{|}~-";

/// An address that mail can be sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailAddress {
    /// For showing and for mail: as typed, the domain in lower case.
    pub address: String,
    /// What an account is found by. Spellings that differ in case alone, or write an international
    /// domain in its two ways, have the same key.
    pub key: String,
}

impl EmailAddress {
    /// Reads what somebody typed.
    ///
    /// Characters that only look like others are refused and not folded: were `ﬁ` (one character)
    /// the same account as `fi`, its mail would go to the mailbox of whoever came first.
    ///
    /// # Errors
    /// A [`Problem`] at `field` that says what is wrong with it.
    pub fn read(field: &str, text: &str) -> Result<Self, Problem> {
        let text = text.trim();
        let problem = |kind, message: &str| Err(Problem::new(kind, [field], message));
        if text.is_empty() {
            return problem(ProblemKind::Required, "The e-mail address is empty.");
        }
        if text.len() > MAX_BYTES {
            return problem(ProblemKind::TooLong, "The e-mail address has more than 254 bytes.");
        }
        let Some((local, domain)) = text.rsplit_once('@') else {
            return problem(
                ProblemKind::Invalid,
                "It has no @; an e-mail address looks like name@shop.example.",
            );
        };
        if let Err(message) = check_local(local) {
            return problem(ProblemKind::Invalid, message);
        }
        // Joiners belong into some names of Persian and Indic scripts; DNS has rules for them.
        if domain.chars().any(|c| is_ignorable(c) && !matches!(c, '\u{200c}' | '\u{200d}')) {
            let message = "After the @ there is a character that cannot be seen.";
            return problem(ProblemKind::Invalid, message);
        }
        let Some(domain) = read_domain(domain) else {
            let message = "What stands after the @ must be the name of a domain, as in \
                           name@shop.example.";
            return problem(ProblemKind::Invalid, message);
        };
        let local: String = local.nfc().collect();
        let (shown, _) = idna::domain_to_unicode(&domain);
        let key = format!("{}@{domain}", lower_case(&local));
        Ok(Self { address: format!("{local}@{shown}"), key })
    }
}

/// The key that a typed address has. Of what is no address: a text that none has as its key, or
/// that is one already.
pub fn typed_key(text: &str) -> String {
    let text = text.trim();
    EmailAddress::read("email", text).map_or_else(|_| lower_case(text), |email| email.key)
}

/// A part of an address that somebody typed to find it by. Addresses are kept in two forms, and
/// each of these may be in one of them: the key, whose domain is as DNS knows it, and the address as
/// it is shown, whose domain is as people write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypedPart {
    /// As it would stand in a key.
    pub key: String,
    /// As it would stand in a domain that is shown; after the `@` if there is one.
    pub domain: String,
    /// What stands before the `@`, as it would stand in a key; None when there is none.
    pub local: Option<String>,
}

impl TypedPart {
    /// Reads what somebody typed.
    pub fn read(text: &str) -> Self {
        let (local, domain) = match text.rsplit_once('@') {
            Some((local, domain)) => (Some(lower_case(local)), domain),
            None => (None, text),
        };
        Self { key: lower_case(text), domain: shown_domain(domain), local }
    }
}

/// A domain, or a part of one, as it is shown.
fn shown_domain(domain: &str) -> String {
    let empty = AsciiDenyList::EMPTY;
    let (shown, read) = Uts46::new().to_unicode(domain.as_bytes(), empty, Hyphens::Allow);
    match read {
        Ok(()) => shown.into_owned(),
        Err(_) => lower_case(domain),
    }
}

fn check_local(local: &str) -> Result<(), &'static str> {
    if local.is_empty() || local.len() > MAX_LOCAL_BYTES {
        return Err("Before the @ there must be 1 to 64 bytes.");
    }
    if local.split('.').any(str::is_empty) {
        return Err("Before the @ there is a dot where none may be.");
    }
    if local.chars().any(is_ignorable) {
        return Err("Before the @ there is a character that cannot be seen.");
    }
    let letter = |c: char| c.is_alphanumeric() || (!c.is_ascii() && is_combining_mark(c));
    if !local.chars().all(|c| c == '.' || ATEXT.contains(c) || letter(c)) {
        return Err("Before the @ there is a character that no e-mail address has.");
    }
    if !local.nfc().eq(local.nfkc()) {
        return Err("Before the @ there is a character that only looks like another one.");
    }
    Ok(())
}

/// The domain as DNS knows it, in lower case; None when it cannot be the domain of a mailbox.
fn read_domain(domain: &str) -> Option<String> {
    let bytes = domain.as_bytes();
    let ascii = Uts46::new()
        .to_ascii(bytes, AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify)
        .ok()?;
    // A single label is a machine of the house, and a number at the end is an IP address.
    let (_, last) = ascii.rsplit_once('.')?;
    let is_name = last.bytes().any(|byte| byte.is_ascii_alphabetic());
    is_name.then(|| ascii.to_ascii_lowercase())
}

/// The two forms of the small sigma are one letter; everything else that lower case keeps apart
/// are different mailboxes.
fn lower_case(text: &str) -> String {
    text.to_lowercase().replace('ς', "σ").nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> String {
        EmailAddress::read("email", text).unwrap_or_else(|p| panic!("{text}: {}", p.message)).key
    }

    #[test]
    fn spellings_of_one_address_have_one_key() {
        assert_eq!(key(" Ada@Shop.Example "), key("ada@shop.example"));
        assert_eq!(key("ada@bücher.example"), key("ADA@xn--bcher-kva.example"));
        assert_eq!(key("ada@ＳＨＯＰ.example"), key("ada@shop.example"));
        // Composed and decomposed.
        assert_eq!(key("zo\u{eb}@shop.example"), key("ZOE\u{308}@shop.example"));
        assert_eq!(key("ΟΔΟΣ@shop.example"), key("οδοσ@shop.example"));
        // The sign of the unit Kelvin is the letter K, by Unicode's own word.
        assert_eq!(key("\u{212a}im@shop.example"), key("kim@shop.example"));
    }

    #[test]
    fn what_cannot_be_seen_is_refused_on_both_sides() {
        // One or more of each range of Default_Ignorable_Code_Point in Unicode 16.
        for c in [
            '\u{ad}',
            '\u{34f}',
            '\u{61c}',
            '\u{115f}',
            '\u{1160}',
            '\u{17b4}',
            '\u{17b5}',
            '\u{180b}',
            '\u{180d}',
            '\u{180e}',
            '\u{180f}',
            '\u{200b}',
            '\u{200c}',
            '\u{200d}',
            '\u{200e}',
            '\u{200f}',
            '\u{202a}',
            '\u{202e}',
            '\u{2060}',
            '\u{2065}',
            '\u{206f}',
            '\u{3164}',
            '\u{fe00}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{ffa0}',
            '\u{fff0}',
            '\u{1bca0}',
            '\u{1d173}',
            '\u{e0000}',
            '\u{e0001}',
            '\u{e0041}',
            '\u{e0100}',
            '\u{e01ef}',
            '\u{e0fff}',
        ] {
            for text in [format!("a{c}da@shop.example"), format!("ada{c}@shop.example")] {
                let problem = EmailAddress::read("email", &text).expect_err(&text);
                assert!(problem.message.contains("cannot be seen"), "{c:?}: {}", problem.message);
            }
            let domain = EmailAddress::read("email", &format!("ada@sh{c}op.example"));
            assert_eq!(domain.expect_err("{c:?}").kind, ProblemKind::Invalid, "{c:?}");
        }
    }

    #[test]
    fn what_was_typed_is_looked_for_in_the_form_that_is_kept() {
        let part = |text: &str| {
            let TypedPart { key, domain, local } = TypedPart::read(text);
            (key, domain, local.unwrap_or_else(|| "none".to_owned()))
        };
        let of = |key: &str, domain: &str, local: &str| {
            (key.to_owned(), domain.to_owned(), local.to_owned())
        };
        assert_eq!(part("MÜLLER@Bücher.ex"), of("müller@bücher.ex", "bücher.ex", "müller"));
        assert_eq!(part("xn--bcher-kva"), of("xn--bcher-kva", "bücher", "none"));
        assert_eq!(part("@ＳＨＯＰ"), of("@ｓｈｏｐ", "shop", ""));
        assert_eq!(part("ada"), of("ada", "ada", "none"));
        assert_eq!(part("@"), of("@", "", ""));
        assert_eq!(typed_key(" Ada@Bücher.example"), "ada@xn--bcher-kva.example");
        assert_eq!(typed_key("ADA"), "ada");
    }

    #[test]
    fn different_mailboxes_have_different_keys() {
        let addresses = ["mike@a.example", "mıke@a.example", "mike+1@a.example", "m.ike@a.example"];
        let keys: std::collections::HashSet<String> = addresses.iter().map(|a| key(a)).collect();
        assert_eq!(keys.len(), addresses.len());
    }

    #[test]
    fn mail_goes_to_what_was_typed() {
        let email = EmailAddress::read("email", "Ada.Byron@Shop.EXAMPLE").unwrap();
        assert_eq!(email.address, "Ada.Byron@shop.example");
    }

    #[test]
    fn what_is_no_address_is_told() {
        let long = format!("{}@shop.example", "a".repeat(65));
        for text in [
            "ada",
            "@shop.example",
            "ada@",
            "ada@shop",
            "ada@127.0.0.1",
            "ada@[127.0.0.1]",
            "ada@shop.1",
            "ada@-shop.example",
            "ada@shop..example",
            "ada@.example",
            &long,
            ".ada@shop.example",
            "ada.@shop.example",
            "a..da@shop.example",
            "a da@shop.example",
            "\"ada\"@shop.example",
            "ada@shop.example\0",
            "a\0da@shop.example",
            "a,b@shop.example",
            "ada@shop.example\r\nBcc: all@shop.example",
            "a@b@shop.example",
            "ada@sh_op.example",
            // Zero width, turned direction, one character for two, full width, a Kelvin sign.
            "a\u{200b}da@shop.example",
            "\u{202e}ada@shop.example",
            "ﬁona@shop.example",
            "ａda@shop.example",
            "ada@shop\u{202e}.example",
            "🙂@a.example",
        ] {
            let problem = EmailAddress::read("email", text).expect_err(text);
            assert_eq!((problem.kind, problem.path), (ProblemKind::Invalid, vec!["email".into()]));
        }
        let kind = |text: &str| EmailAddress::read("email", text).unwrap_err().kind;
        assert_eq!(kind(" \t"), ProblemKind::Required);
        assert_eq!(kind(&format!("a@{}.example", "a.".repeat(200))), ProblemKind::TooLong);
    }
}
