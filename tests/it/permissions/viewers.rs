//! The kinds of viewers that a field is tried as.

use super::fixtures::Fixtures;
use crate::app::{Caller, TestApp};
use secrecy::ExposeSecret;
use stockroom::account::{ApiTokenAsk, MadeApiToken};
use stockroom::auth::{Permission, PermissionSet, Role, Viewer};
use uuid::Uuid;

/// A kind of viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Nobody signed in.
    Guest,
    /// A customer to whom none of the objects belongs.
    Stranger,
    /// The customer to whom they belong.
    Owner,
    Staff,
    Admin,
    /// A program with an API token that may all that a token can.
    Program,
    /// A program whose token says nothing that guests may not do as well.
    BareProgram,
}

impl Who {
    pub const ALL: [Self; 7] = [
        Self::Guest,
        Self::Stranger,
        Self::Owner,
        Self::Staff,
        Self::Admin,
        Self::Program,
        Self::BareProgram,
    ];

    /// What the table gives them.
    pub fn permissions(self) -> PermissionSet {
        PermissionSet::of(self.role()).union(self.scopes().into_iter().collect())
    }

    /// What is written into a program's token.
    fn scopes(self) -> Vec<Permission> {
        let all = Permission::ALL.iter().copied();
        match self {
            Self::Program => all.filter(|permission| permission.is_for_tokens()).collect(),
            Self::BareProgram => vec![Permission::CatalogRead],
            _ => Vec::new(),
        }
    }

    fn role(self) -> Option<Role> {
        match self {
            Self::Guest | Self::Program | Self::BareProgram => None,
            Self::Stranger | Self::Owner => Some(Role::Customer),
            Self::Staff => Some(Role::Staff),
            Self::Admin => Some(Role::Admin),
        }
    }
}

/// One viewer of each kind, for calls that change nothing of themselves.
pub struct Viewers {
    callers: Vec<(Who, Caller)>,
}

impl Viewers {
    /// Everyone but the owner, who comes with the objects.
    pub async fn make(app: &TestApp) -> Self {
        let mut callers = Vec::new();
        for who in Who::ALL.into_iter().filter(|who| *who != Who::Owner) {
            callers.push((who, Self::fresh(app, who).await));
        }
        Self { callers }
    }

    /// A caller of this kind: to the owner belong the fixtures.
    pub fn get(&self, app: &TestApp, who: Who, fixtures: &Fixtures) -> Caller {
        match self.callers.iter().find(|(kind, _)| *kind == who) {
            Some((_, caller)) => caller.clone(),
            None => fixtures.owner(app),
        }
    }

    /// Someone new of this kind.
    pub async fn fresh(app: &TestApp, who: Who) -> Caller {
        match (who, who.role()) {
            (Who::Program | Who::BareProgram, _) => {
                app.with_token(api_token(app, &who.scopes()).await.1)
            }
            (_, None) => app.guest(),
            (_, Some(role)) => app.signed_in(role).await,
        }
    }
}

/// Makes an API token; gives its key and its text.
pub async fn api_token(app: &TestApp, permissions: &[Permission]) -> (Uuid, String) {
    let admin = Viewer::User { id: app.account(Role::Admin).await, role: Role::Admin };
    let ask = ApiTokenAsk {
        name: "A program".to_owned(),
        permissions: permissions.to_vec(),
        expires_at: None,
    };
    let made = app.app.services.accounts.api_tokens().create(&admin, ask).await;
    let MadeApiToken { token, secret } = made.expect("the token is made");
    (token.id, secret.expose_secret().to_owned())
}
