//! What the mails about an account say. Each tells what to do when the reader knows nothing of it:
//! whoever types an address need not be the one who reads there.

use crate::mail::Message;
use secrecy::{ExposeSecret, SecretString};

/// Where the storefront's pages are, and which of them the links lead to.
#[derive(Debug, Clone)]
pub struct Links {
    storefront_url: String,
}

impl Links {
    /// Links that begin with this address, which has no slash at its end.
    #[must_use]
    pub fn new(storefront_url: String) -> Self {
        Self { storefront_url }
    }

    /// The page of an order: of whoever is signed in, or of the guest who holds a token.
    #[must_use]
    pub fn order(&self, number: &str, token: Option<&str>) -> String {
        let query = token.map(|token| format!("?token={token}")).unwrap_or_default();
        format!("{}/orders/{number}{query}", self.storefront_url)
    }

    fn to(&self, page: &str, token: &SecretString) -> String {
        format!("{}/{page}?token={}", self.storefront_url, token.expose_secret())
    }
}

const NOT_YOU: &str = "If this was not you, there is nothing to do.";

/// Proves the address of a new account, or of one that asked again.
pub fn verify(to: &str, links: &Links, token: &SecretString) -> Message {
    let link = links.to("verify-email", token);
    message(
        to,
        "Confirm your e-mail address",
        format!(
            "Somebody made an account with this e-mail address. If it was you, open this page to \
             confirm that the address is yours:\n\n{link}\n\nThe link works once, within 7 days. \
             {NOT_YOU} Do not open it then: the account is not yours."
        ),
    )
}

/// Somebody tried to register an address that has an account.
pub fn already_registered(to: &str, links: &Links) -> Message {
    let page = format!("{}/forgot-password", links.storefront_url);
    message(
        to,
        "You already have an account",
        format!(
            "Somebody tried to make an account with this e-mail address, which has one already; \
             nothing was changed. If it was you, sign in. If you do not know the password any \
             more, ask for a new one:\n\n{page}\n\n{NOT_YOU}"
        ),
    )
}

/// Lets the owner of an address choose a new password.
pub fn reset_password(to: &str, links: &Links, token: &SecretString) -> Message {
    let link = links.to("reset-password", token);
    message(
        to,
        "Choose a new password",
        format!(
            "Somebody asked for a new password for the account with this e-mail address. If it \
             was you, open this page to choose one:\n\n{link}\n\nThe link works once, within an \
             hour. {NOT_YOU} Your password stays as it is."
        ),
    )
}

/// Proves the address that an account is to have from now on.
pub fn change_email(to: &str, links: &Links, token: &SecretString) -> Message {
    let link = links.to("change-email", token);
    message(
        to,
        "Confirm your new e-mail address",
        format!(
            "An account is to have this e-mail address from now on. If it is yours, open this \
             page:\n\n{link}\n\nThe link works once, within an hour. {NOT_YOU}"
        ),
    )
}

/// Somebody wants to give their account an address that another account has.
pub fn address_in_use(to: &str) -> Message {
    message(
        to,
        "This e-mail address is in use",
        format!(
            "Somebody wants to give an account this e-mail address, which another account has \
             already; nothing was changed. If both accounts are yours, give the other one another \
             address first. {NOT_YOU}"
        ),
    )
}

/// Tells the present address that it is to be replaced.
pub fn email_change_asked(to: &str) -> Message {
    security(
        to,
        "Your account is to have another e-mail address",
        "Somebody who knows your password asked to give your account another e-mail address. It \
         changes as soon as the new address is confirmed.",
    )
}

/// Tells the former address that it was replaced.
pub fn email_changed(to: &str) -> Message {
    security(
        to,
        "Your account has another e-mail address",
        "Your account has another e-mail address from now on; this one does not belong to it any \
         more.",
    )
}

/// Tells the owner that the password is another one.
pub fn password_changed(to: &str) -> Message {
    security(
        to,
        "Your password was changed",
        "The password of your account was changed, and whoever was signed in elsewhere no longer \
         is.",
    )
}

/// Tells the owner that the account is closed.
pub fn deactivated(to: &str) -> Message {
    security(
        to,
        "Your account was closed",
        "Your account was closed: nobody can sign in to it any more.",
    )
}

/// Tells the owner that what was known of them is gone.
pub fn erased(to: &str) -> Message {
    security(
        to,
        "Your account was erased",
        "Your account was closed and your personal data in it was erased, as was asked for. This \
         cannot be undone.",
    )
}

fn security(to: &str, subject: &str, what: &str) -> Message {
    message(to, subject, format!("{what}\n\nIf this was not you, write to the shop at once."))
}

fn message(to: &str, subject: &str, text: String) -> Message {
    Message { to: to.to_owned(), subject: subject.to_owned(), text: format!("Hello,\n\n{text}\n") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_begin_with_the_storefront_and_end_with_the_token() {
        let links = Links::new("https://shop.example/en".to_owned());
        let token = SecretString::from("abc-123_");
        for (message, page) in [
            (verify("ada@shop.example", &links, &token), "verify-email"),
            (reset_password("ada@shop.example", &links, &token), "reset-password"),
            (change_email("ada@shop.example", &links, &token), "change-email"),
        ] {
            let link = format!("\n\nhttps://shop.example/en/{page}?token=abc-123_\n\n");
            assert!(message.text.contains(&link), "{}", message.text);
            assert_eq!(message.to, "ada@shop.example");
        }
    }
}
