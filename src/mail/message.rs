//! One message of plain text to one address.

use crate::mail::MailError;
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use uuid::Uuid;

/// A message.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// The address alone, without a name.
    pub to: String,
    /// One line.
    pub subject: String,
    /// Plain text; lines end with `\n`.
    pub text: String,
}

/// Says neither to whom nor what: links in mails are secrets.
impl std::fmt::Debug for Message {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { to, .. } = self;
        formatter.debug_struct("Message").field("to", &masked(to)).finish_non_exhaustive()
    }
}

impl Message {
    /// The message as it goes over the wire.
    ///
    /// # Errors
    /// [`MailError`] when the address is none, or a line break would begin a header of its own.
    pub(crate) fn encode(&self, from: &Mailbox) -> Result<lettre::Message, MailError> {
        // The library encodes control characters; a message that has some was tampered with.
        if self.to.contains(char::is_control) || self.subject.contains(char::is_control) {
            return Err(MailError::Unsendable(
                "the address or the subject has a control character",
            ));
        }
        let to = ascii_place(&self.to);
        let address = to.parse().map_err(|_| MailError::Unsendable("the address is none"))?;
        let domain = from.email.domain();
        lettre::Message::builder()
            .from(from.clone())
            .to(Mailbox::new(None, address))
            .subject(self.subject.as_str())
            .message_id(Some(format!("<{}@{domain}>", Uuid::new_v4().simple())))
            .date_now()
            .header(ContentType::TEXT_PLAIN)
            .body(self.body())
            .map_err(|_| MailError::Unsendable("the message cannot be written"))
    }

    /// The text with the line breaks of mail, the last one left to the end of the message.
    fn body(&self) -> String {
        let text = self.text.replace("\r\n", "\n");
        text.strip_suffix('\n').unwrap_or(&text).replace('\n', "\r\n")
    }
}

/// The address with its domain as DNS has it: servers that know ASCII alone take it, too.
fn ascii_place(address: &str) -> String {
    let ascii = |(person, place)| Some(format!("{person}@{}", idna::domain_to_ascii(place).ok()?));
    address.rsplit_once('@').and_then(ascii).unwrap_or_else(|| address.to_owned())
}

/// An address of which the place is left and of the person one letter, for logs.
pub(crate) fn masked(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((person, place)) => format!("{}…@{place}", person.chars().take(1).collect::<String>()),
        None => "…".to_owned(),
    }
}

/// A text with the addresses in it masked and without control characters: what mail servers say
/// repeats whom a message was for.
pub(crate) fn masked_text(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let masked = words
        .filter(|word| !word.is_empty())
        .map(|word| if word.contains('@') { masked(word) } else { word.to_owned() });
    masked.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_international_domain_goes_out_as_dns_has_it() {
        let message = Message {
            to: "ada@bücher.example".to_owned(),
            subject: "Hello".to_owned(),
            text: "Hello".to_owned(),
        };
        let encoded = message.encode(&"shop@shop.example".parse().unwrap()).unwrap();
        assert_eq!(encoded.envelope().to()[0].to_string(), "ada@xn--bcher-kva.example");
    }

    fn message(to: &str, subject: &str) -> Message {
        Message { to: to.to_owned(), subject: subject.to_owned(), text: "Hello".to_owned() }
    }

    fn from() -> Mailbox {
        "Shop <hello@shop.example>".parse().unwrap()
    }

    #[test]
    fn a_line_break_never_begins_a_header() {
        for (to, subject) in [
            ("anna@example.com\r\nBcc: eve@example.com", "Hi"),
            ("anna@example.com", "Hi\r\nBcc: eve@example.com"),
            ("anna@example.com", "Hi\nBcc: eve@example.com"),
            ("anna@example.com", "Hi\rBcc: eve@example.com"),
            ("anna@example.com", "Hi\0"),
            ("anna@example.com, eve@example.com", "Hi"),
            ("Anna <anna@example.com>", "Hi"),
            ("anna", "Hi"),
            ("", "Hi"),
        ] {
            let refused = message(to, subject).encode(&from()).unwrap_err();
            assert!(matches!(refused, MailError::Unsendable(_)), "{to:?} {subject:?}");
        }
    }

    #[test]
    fn every_language_can_be_written() {
        let sent = message("anna@example.com", "Grüße, 你好, ✓").encode(&from()).unwrap();
        let sent = String::from_utf8(sent.formatted()).unwrap();

        assert!(sent.is_ascii(), "{sent}");
        assert!(sent.contains("To: anna@example.com\r\n"), "{sent}");
        assert!(sent.contains("Subject: =?utf-8?"), "{sent}");
        assert!(sent.contains("Message-ID: <"), "{sent}");
    }

    #[test]
    fn logs_never_show_a_whole_address_nor_the_text() {
        let told = format!("{:?}", message("anna@example.com", "secret subject"));

        assert!(told.contains("a…@example.com") && !told.contains("anna"), "{told}");
        assert!(!told.contains("secret") && !told.contains("Hello"), "{told}");
        assert_eq!(
            masked_text("550 5.1.1 <anna@example.com>: no\r\nsuch user"),
            "550 5.1.1 <…@example.com>: no such user"
        );
    }
}
