//! Sends messages: over SMTP, or in development into the log.

use crate::config::{Environment, MailSettings};
use crate::mail::message::masked;
use crate::mail::probe::Probe;
use crate::mail::{MailError, Message};
use lettre::message::Mailbox;
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{AsyncSmtpTransportBuilder, PoolConfig};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use parking_lot::Mutex;
use secrecy::ExposeSecret;
use std::sync::Arc;
use std::time::Duration;

type Transport = AsyncSmtpTransport<Tokio1Executor>;

/// How long sending one message may take in all, the connecting included.
const SEND_LIMIT: Duration = Duration::from_secs(20);
/// How long the connecting may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// Connections that are kept for further messages, and how long.
const IDLE_CONNECTIONS: u32 = 4;
const IDLE: Duration = Duration::from_secs(30);

/// Sends messages; clones share its connections.
#[derive(Clone)]
pub struct Mailer {
    from: Mailbox,
    outlet: Outlet,
}

#[derive(Clone)]
enum Outlet {
    Smtp(Arc<Server>),
    /// In development: whoever reads the log can follow the links.
    Log,
    /// Production refuses to start so; were it to start, nothing must be told to the log.
    Nowhere,
}

struct Server {
    builder: AsyncSmtpTransportBuilder,
    transport: Mutex<Transport>,
    limit: Duration,
    probe: Probe,
}

impl Mailer {
    /// A mailer that is not connected yet.
    ///
    /// # Errors
    /// When the URL of the server cannot be read.
    pub fn new(settings: &MailSettings, environment: Environment) -> Result<Self, MailError> {
        Self::with_limit(settings, environment, SEND_LIMIT)
    }

    /// A mailer with another limit on the time that one message may take.
    ///
    /// # Errors
    /// When the URL of the server cannot be read.
    pub fn with_limit(
        settings: &MailSettings,
        environment: Environment,
        limit: Duration,
    ) -> Result<Self, MailError> {
        let outlet = match (&settings.smtp_url, environment) {
            (Some(url), _) => {
                let hello = ClientId::Domain(settings.from.email.domain().to_owned());
                let pool = PoolConfig::new().max_size(IDLE_CONNECTIONS).idle_timeout(IDLE);
                let builder = Transport::from_url(url.expose_secret())?
                    .hello_name(hello)
                    .timeout(Some(CONNECT_LIMIT.min(limit)))
                    .pool_config(pool);
                let transport = Mutex::new(builder.clone().build());
                Outlet::Smtp(Arc::new(Server {
                    builder,
                    transport,
                    limit,
                    probe: Probe::default(),
                }))
            }
            (None, Environment::Development) => Outlet::Log,
            (None, Environment::Production) => Outlet::Nowhere,
        };
        Ok(Self { from: settings.from.clone(), outlet })
    }

    /// Sends a message. Only handlers of jobs call this. A message may arrive although this fails,
    /// when the server's answer did not.
    ///
    /// # Errors
    /// [`MailError`], which as a [`crate::jobs::Failure`] tells whether to try again.
    pub async fn send(&self, message: &Message) -> Result<(), MailError> {
        let encoded = message.encode(&self.from)?;
        match &self.outlet {
            Outlet::Smtp(server) => {
                let talk = async move |transport: Transport| {
                    transport.send(encoded).await?;
                    Ok(())
                };
                let sent = Arc::clone(server).converse(talk).await;
                let to = masked(&message.to);
                match &sent {
                    Ok(()) => tracing::info!(to, "a mail was handed to the mail server"),
                    Err(error) => {
                        let reason = error.to_string();
                        tracing::warn!(to, reason, "a mail was not sent");
                    }
                }
                sent
            }
            Outlet::Log => {
                let Message { to, subject, text } = message;
                tracing::info!(
                    "a mail, which nobody gets because SMTP_URL is not set\n\
                     To: {to}\nSubject: {subject}\n\n{text}\n"
                );
                Ok(())
            }
            Outlet::Nowhere => Err(MailError::NotConfigured),
        }
    }

    /// Answers when the mail server does, from a finding that is at most half a minute old.
    ///
    /// # Errors
    /// [`MailError`] when it does not.
    pub async fn check(&self) -> Result<(), MailError> {
        match &self.outlet {
            Outlet::Smtp(server) => {
                let asked = Arc::clone(server);
                let ask = move || async move {
                    let talk =
                        async |transport: Transport| match transport.test_connection().await? {
                            true => Ok(()),
                            false => Err(MailError::Unavailable("it does not answer".to_owned())),
                        };
                    asked.converse(talk).await
                };
                server.probe.finding(ask).await
            }
            Outlet::Log => Ok(()),
            Outlet::Nowhere => Err(MailError::NotConfigured),
        }
    }
}

impl Server {
    /// Talks to the server within the time limit. In a task of its own, which nobody can cancel:
    /// the library would keep a connection in the middle of a conversation for the next message,
    /// which would then take the answers to this one for its own. For the same reason all idle
    /// connections are let go when the time is over.
    async fn converse<F, Fut>(self: Arc<Self>, talk: F) -> Result<(), MailError>
    where
        F: FnOnce(Transport) -> Fut,
        Fut: Future<Output = Result<(), MailError>> + Send + 'static,
    {
        let talking = talk(self.transport.lock().clone());
        let task = tokio::spawn(async move {
            match tokio::time::timeout(self.limit, talking).await {
                Ok(done) => done,
                Err(_) => {
                    *self.transport.lock() = self.builder.clone().build();
                    Err(MailError::TimedOut(self.limit))
                }
            }
        });
        task.await.unwrap_or_else(|_| Err(MailError::Unavailable("the task ended".to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// What was logged so far.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn in_development_the_log_has_the_link_on_a_line_of_its_own() {
        let lines = Lines::default();
        let writer = lines.clone();
        let log = tracing_subscriber::fmt()
            .compact()
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        let settings = MailSettings {
            smtp_url: None,
            from: "Shop <shop@localhost>".parse().unwrap(),
            storefront_url: "http://localhost:3000".to_owned(),
        };
        let mailer = Mailer::new(&settings, Environment::Development).unwrap();
        let link = "http://localhost:3000/verify?token=abc";
        let message = Message {
            to: "anna@example.com".to_owned(),
            subject: "Welcome".to_owned(),
            text: format!("Follow this link:\n\n{link}\n"),
        };

        let guard = tracing::subscriber::set_default(log);
        mailer.send(&message).await.unwrap();
        drop(guard);

        let logged = String::from_utf8(lines.0.lock().clone()).unwrap();
        assert!(logged.lines().any(|line| line == link), "{logged}");
        assert!(logged.contains("anna@example.com") && logged.contains("Welcome"), "{logged}");
    }
}
