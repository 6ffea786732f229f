//! E-mail addresses: which are accepted, and when two spellings are one account.

use crate::validation::{Problem, ProblemKind};
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

fn check_local(local: &str) -> Result<(), &'static str> {
    if local.is_empty() || local.len() > MAX_LOCAL_BYTES {
        return Err("Before the @ there must be 1 to 64 bytes.");
    }
    if local.split('.').any(str::is_empty) {
        return Err("Before the @ there is a dot where none may be.");
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
fn lower_case(local: &str) -> String {
    local.to_lowercase().replace('ς', "σ").nfc().collect()
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
