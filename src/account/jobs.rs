//! What is done apart from the request: the mails about accounts. The arguments carry addresses
//! and never a link's secret, which is made by the handler and lives in the mail alone.

use crate::account::email::typed_key;
use crate::account::mails::{self, Links};
use crate::account::{AccountError, Accounts};
use crate::jobs::{Failure, Handlers, Job, Queue, Subject};
use crate::mail::{Mailer, Message};
use entity::user_account;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use uuid::Uuid;

/// Somebody registered this address.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Registered {
    pub(crate) email: String,
    /// Whether it had no account before.
    pub(crate) is_new: bool,
}

impl Job for Registered {
    const KIND: &'static str = "account.registered";
    const QUEUE: Queue = Queue::Mail;

    fn subject(&self) -> Option<Subject> {
        Some(of_address(&self.email))
    }
}

/// Somebody asked to prove this address.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct VerificationAsked {
    pub(crate) email: String,
}

impl Job for VerificationAsked {
    const KIND: &'static str = "account.verification_asked";
    const QUEUE: Queue = Queue::Mail;

    fn subject(&self) -> Option<Subject> {
        Some(of_address(&self.email))
    }
}

/// Somebody asked for a new password for the account with this address.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ResetAsked {
    pub(crate) email: String,
}

impl Job for ResetAsked {
    const KIND: &'static str = "account.reset_asked";
    const QUEUE: Queue = Queue::Mail;

    fn subject(&self) -> Option<Subject> {
        Some(of_address(&self.email))
    }
}

/// An account is to have another address.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct EmailChangeAsked {
    pub(crate) user_id: Uuid,
    pub(crate) email: String,
}

impl Job for EmailChangeAsked {
    const KIND: &'static str = "account.email_change_asked";
    const QUEUE: Queue = Queue::Mail;

    fn subject(&self) -> Option<Subject> {
        Some(of_user(self.user_id))
    }
}

/// Something happened to an account that its owner should know.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Notice {
    /// Whose account; None in jobs of an earlier version of the program.
    #[serde(default)]
    pub(crate) user_id: Option<Uuid>,
    /// The address that it has, or had then.
    pub(crate) email: String,
    pub(crate) about: NoticeAbout,
}

impl Notice {
    /// A notice to the address that the account has now.
    pub(crate) fn to(account: &user_account::Model, about: NoticeAbout) -> Self {
        Self { user_id: Some(account.id), email: account.email.clone(), about }
    }
}

impl Job for Notice {
    const KIND: &'static str = "account.notice";
    const QUEUE: Queue = Queue::Mail;

    fn subject(&self) -> Option<Subject> {
        Some(self.user_id.map_or_else(|| of_address(&self.email), of_user))
    }
}

/// Brings the folded names of accounts up to date: those of before they were folded by the program.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct FoldNames {}

impl Job for FoldNames {
    const KIND: &'static str = "account.names_fold";
    const TIME_LIMIT: Duration = Duration::from_secs(60 * 60);
}

/// Whoever reads what is mailed to this address, however it is spelt.
pub(crate) fn of_address(email: &str) -> Subject {
    Subject::new("email", &typed_key(email))
}

/// Whose account this is.
pub(crate) fn of_user(id: Uuid) -> Subject {
    Subject::new("user", &id.to_string())
}

/// What happened.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NoticeAbout {
    PasswordChanged,
    EmailChangeAsked,
    EmailChanged,
    Deactivated,
    Erased,
}

/// Has the jobs of accounts done by these services; links lead to the pages of the storefront.
pub fn register(handlers: &mut Handlers, accounts: &Accounts, mailer: &Mailer, links: &Links) {
    let post = Post { accounts: accounts.clone(), mailer: mailer.clone(), links: links.clone() };
    let with = || post.clone();
    let post = with();
    handlers.on(move |job: Registered, _| {
        let post = post.clone();
        async move {
            let mail = match job.is_new {
                true => post.accounts.verification_mail(&job.email, &post.links).await?,
                false => post.accounts.already_registered_mail(&job.email, &post.links).await?,
            };
            post.send(mail).await
        }
    });
    let post = with();
    handlers.on(move |job: VerificationAsked, _| {
        let post = post.clone();
        async move {
            post.send(post.accounts.verification_mail(&job.email, &post.links).await?).await
        }
    });
    let post = with();
    handlers.on(move |job: ResetAsked, _| {
        let post = post.clone();
        async move { post.send(post.accounts.reset_mail(&job.email, &post.links).await?).await }
    });
    let post = with();
    handlers.on(move |job: EmailChangeAsked, _| {
        let (post, asked) = (post.clone(), job);
        async move {
            let mail = post.accounts.email_change_mail(asked.user_id, &asked.email, &post.links);
            post.send(mail.await?).await
        }
    });
    let accounts = accounts.clone();
    handlers.on(move |_: FoldNames, _| {
        let accounts = accounts.clone();
        async move { Ok(accounts.fold_names().await.map(drop)?) }
    });
    let post = with();
    handlers.on(move |job: Notice, _| {
        let post = post.clone();
        async move { post.send(Some(notice(&job))).await }
    });
}

#[derive(Clone)]
struct Post {
    accounts: Accounts,
    mailer: Mailer,
    links: Links,
}

impl Post {
    async fn send(&self, message: Option<Message>) -> Result<(), Failure> {
        let message = message.ok_or_else(|| Failure::discard("no account needs this mail"))?;
        self.mailer.send(&message).await.map_err(Failure::from)
    }
}

fn notice(notice: &Notice) -> Message {
    let to = &notice.email;
    match notice.about {
        NoticeAbout::PasswordChanged => mails::password_changed(to),
        NoticeAbout::EmailChangeAsked => mails::email_change_asked(to),
        NoticeAbout::EmailChanged => mails::email_changed(to),
        NoticeAbout::Deactivated => mails::deactivated(to),
        NoticeAbout::Erased => mails::erased(to),
    }
}

impl From<AccountError> for Failure {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Db(error) => error.into(),
            error => Self::retry(error.to_string()),
        }
    }
}
