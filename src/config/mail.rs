//! Where mail goes out, and what it says of the shop.

use crate::config::Environment;
use lettre::message::Mailbox;
use lettre::{AsyncSmtpTransport, Tokio1Executor};
use secrecy::{ExposeSecret, SecretString};

const DEVELOPMENT_FROM: &str = "Stockroom <shop@localhost>";
const DEVELOPMENT_STOREFRONT: &str = "http://localhost:3000";

/// The settings of mail as they are given.
#[derive(Debug, Clone, clap::Args)]
pub struct MailArgs {
    /// The mail server: smtps://user:password@host, or smtp://user:password@host?tls=required for
    /// STARTTLS. Required in production; without it in development, mails are written to the log.
    #[arg(long, env = "SMTP_URL", hide_env_values = true, global = true)]
    pub smtp_url: Option<SecretString>,
    /// Whom mails are from, as in `Shop <hello@shop.example>`. Required in production.
    #[arg(long, env = "MAIL_FROM", global = true)]
    pub mail_from: Option<String>,
    /// Where the shop's pages are: links in mails begin with it. Required in production, with
    /// https. Default in development: http://localhost:3000.
    #[arg(long, env = "STOREFRONT_URL", global = true)]
    pub storefront_url: Option<String>,
}

/// The settings of mail, checked.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// The mail server; None in development: mails are written to the log.
    pub smtp_url: Option<SecretString>,
    /// Whom mails are from.
    pub from: Mailbox,
    /// What links in mails begin with; no slash at the end.
    pub storefront_url: String,
}

impl MailArgs {
    /// Checks the settings; what is wrong is added to `wrong`, with what to set.
    pub(crate) fn check(
        self,
        environment: Environment,
        wrong: &mut Vec<String>,
    ) -> Option<MailSettings> {
        let production = environment == Environment::Production;
        self.check_server(production, wrong);
        let from = self.from(production, wrong);
        let storefront_url = self.storefront(production, wrong);
        Some(MailSettings { smtp_url: self.smtp_url, from: from?, storefront_url: storefront_url? })
    }

    fn check_server(&self, production: bool, wrong: &mut Vec<String>) {
        let Some(url) = self.smtp_url.as_ref().map(SecretString::expose_secret) else {
            if production {
                wrong.push(
                    "SMTP_URL is missing: set it to your mail server, as in \
                     smtps://user:password@mail.example."
                        .to_owned(),
                );
            }
            return;
        };
        // The words of the error could hold parts of the URL.
        if AsyncSmtpTransport::<Tokio1Executor>::from_url(url).is_err() {
            wrong.push(
                "SMTP_URL cannot be used: it must read smtps://user:password@host, or \
                 smtp://user:password@host?tls=required."
                    .to_owned(),
            );
        } else if production && has_password(url) && !is_encrypted(url) {
            wrong.push(
                "SMTP_URL would send its password unencrypted: begin it with smtps://, or add \
                 ?tls=required."
                    .to_owned(),
            );
        }
    }

    fn from(&self, production: bool, wrong: &mut Vec<String>) -> Option<Mailbox> {
        let given = match &self.mail_from {
            Some(given) => given,
            None if production => {
                wrong.push(
                    "MAIL_FROM is missing: set it to whom mails are from, as in \
                     Shop <hello@shop.example>."
                        .to_owned(),
                );
                return None;
            }
            None => DEVELOPMENT_FROM,
        };
        match given.parse() {
            Ok(from) if !given.contains(char::is_control) => Some(from),
            _ => {
                wrong.push(
                    "MAIL_FROM must be an address, as in Shop <hello@shop.example>.".to_owned(),
                );
                None
            }
        }
    }

    fn storefront(&self, production: bool, wrong: &mut Vec<String>) -> Option<String> {
        let given = match self.storefront_url.as_deref() {
            Some(given) => given.trim_end_matches('/'),
            None if production => {
                wrong.push(
                    "STOREFRONT_URL is missing: set it to where the shop's pages are, as in \
                     https://shop.example."
                        .to_owned(),
                );
                return None;
            }
            None => DEVELOPMENT_STOREFRONT,
        };
        let https = given.strip_prefix("https://");
        let rest = https.or_else(|| given.strip_prefix("http://"));
        let plain = rest.is_some_and(|rest| {
            let host = rest.split('/').next().unwrap_or_default();
            let odd = |c: char| c.is_whitespace() || c.is_control() || "?#@\\<>\"".contains(c);
            !host.is_empty() && !rest.contains(odd)
        });
        if !plain {
            wrong.push(
                "STOREFRONT_URL must be where the shop's pages are, as in https://shop.example, \
                 without ? and #."
                    .to_owned(),
            );
            return None;
        }
        if production && https.is_none() {
            wrong.push(
                "STOREFRONT_URL must begin with https:// in production: links in mails carry \
                 secrets."
                    .to_owned(),
            );
            return None;
        }
        Some(given.to_owned())
    }
}

fn has_password(url: &str) -> bool {
    url.split_once("://").is_some_and(|(_, rest)| rest.contains('@'))
}

fn is_encrypted(url: &str) -> bool {
    url.starts_with("smtps://") || url.contains("tls=required")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        environment: Environment,
        smtp: Option<&str>,
        from: Option<&str>,
        storefront: Option<&str>,
    ) -> (Option<MailSettings>, Vec<String>) {
        let mut wrong = Vec::new();
        let args = MailArgs {
            smtp_url: smtp.map(SecretString::from),
            mail_from: from.map(str::to_owned),
            storefront_url: storefront.map(str::to_owned),
        };
        let settings = args.check(environment, &mut wrong);
        (settings, wrong)
    }

    const SMTP: Option<&str> = Some("smtps://shop:hunter2@mail.example");
    const FROM: Option<&str> = Some("Shop <hello@shop.example>");
    const STOREFRONT: Option<&str> = Some("https://shop.example/en/");

    #[test]
    fn development_needs_nothing_and_production_everything() {
        let (settings, wrong) = check(Environment::Development, None, None, None);
        assert_eq!(wrong, Vec::<String>::new());
        assert_eq!(settings.unwrap().storefront_url, "http://localhost:3000");

        let (_, wrong) = check(Environment::Production, None, None, None);
        assert_eq!(wrong.len(), 3, "{wrong:?}");

        let (settings, wrong) = check(Environment::Production, SMTP, FROM, STOREFRONT);
        assert_eq!(wrong, Vec::<String>::new());
        assert_eq!(settings.unwrap().storefront_url, "https://shop.example/en");
    }

    #[test]
    fn servers_that_cannot_be_used_are_refused_without_their_password() {
        for url in ["mail.example:25", "http://mail.example", "smtp://h?tls=maybe"] {
            let (_, wrong) = check(Environment::Development, Some(url), None, None);
            assert!(wrong.iter().any(|line| line.starts_with("SMTP_URL")), "{url}: {wrong:?}");
        }
        for url in ["smtp://shop:hunter2@h", "smtp://shop:hunter2@h?tls=opportunistic"] {
            let (_, wrong) = check(Environment::Production, Some(url), FROM, STOREFRONT);
            assert_eq!(wrong.len(), 1, "{url}: {wrong:?}");
            assert!(!wrong.iter().any(|line| line.contains("hunter2")), "{wrong:?}");
        }
        for url in ["smtp://relay.internal", "smtp://shop:hunter2@h?tls=required"] {
            let (_, wrong) = check(Environment::Production, Some(url), FROM, STOREFRONT);
            assert_eq!(wrong, Vec::<String>::new(), "{url}");
        }
    }

    #[test]
    fn senders_and_storefronts_that_cannot_be_used_are_refused() {
        for from in ["nobody", "a@b\r\nBcc: c@d", "Shop hello@shop.example"] {
            let (_, wrong) = check(Environment::Development, None, Some(from), None);
            assert!(wrong.iter().any(|line| line.starts_with("MAIL_FROM")), "{from}");
        }
        let odd =
            ["shop.example", "https://", "https://a b", "https://a?b", "https://u@a", "ftp://a"];
        for storefront in odd {
            let (_, wrong) = check(Environment::Development, None, None, Some(storefront));
            assert!(wrong.iter().any(|line| line.starts_with("STOREFRONT_URL")), "{storefront}");
        }
        let http = Some("http://shop.example");
        let (_, wrong) = check(Environment::Production, SMTP, FROM, http);
        assert!(wrong.iter().any(|line| line.contains("https://")), "{wrong:?}");
    }
}
