//! The kinds of viewers that a field is tried as.

use super::fixtures::Fixtures;
use crate::app::{Caller, TestApp};
use stockroom::auth::{PermissionSet, Role};

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
}

impl Who {
    pub const ALL: [Self; 5] = [Self::Guest, Self::Stranger, Self::Owner, Self::Staff, Self::Admin];

    /// What the table gives them.
    pub fn permissions(self) -> PermissionSet {
        PermissionSet::of(self.role())
    }

    fn role(self) -> Option<Role> {
        match self {
            Self::Guest => None,
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
        match who.role() {
            None => app.guest(),
            Some(role) => app.signed_in(role).await,
        }
    }
}
