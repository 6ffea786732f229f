//! Who asks, and whether they may.

use crate::auth::{Permission, PermissionSet, Role};
use uuid::Uuid;

/// Who asks. Resolvers hand it to every service function, whose first line asks [`Viewer::may`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Viewer {
    /// Nobody signed in.
    Guest,
    /// An account.
    User {
        /// Its key.
        id: Uuid,
        /// Its role, read from the database for this request.
        role: Role,
    },
    /// A program with an API token.
    Service {
        /// The token's key.
        id: Uuid,
        /// What the token says, besides what guests may.
        permissions: PermissionSet,
    },
    /// The server itself: the command line and background work.
    System,
}

/// The viewer may not do this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// Signing in may help.
    #[error("Sign in to do this.")]
    Unauthenticated,
    /// Signed in, and still not allowed.
    #[error("You are not allowed to do this.")]
    Forbidden,
}

impl Viewer {
    /// Whether the viewer has this permission.
    #[must_use]
    pub fn can(&self, permission: Permission) -> bool {
        match self {
            Self::System => true,
            Self::Guest => permission.holders().include(None),
            Self::User { role, .. } => permission.holders().include(Some(*role)),
            Self::Service { permissions, .. } => {
                permissions.contains(permission) || permission.holders().include(None)
            }
        }
    }

    /// Goes on only with this permission.
    ///
    /// # Errors
    /// [`Denied`] without it.
    pub fn may(&self, permission: Permission) -> Result<(), Denied> {
        match self {
            _ if self.can(permission) => Ok(()),
            Self::Guest => Err(Denied::Unauthenticated),
            _ => Err(Denied::Forbidden),
        }
    }

    /// The account's key; None for a guest, a program and the server itself.
    #[must_use]
    pub fn user_id(&self) -> Option<Uuid> {
        match self {
            Self::User { id, .. } => Some(*id),
            Self::Guest | Self::Service { .. } | Self::System => None,
        }
    }

    /// The key of a program's API token; None for everyone else.
    #[must_use]
    pub fn api_token_id(&self) -> Option<Uuid> {
        match self {
            Self::Service { id, .. } => Some(*id),
            Self::Guest | Self::User { .. } | Self::System => None,
        }
    }

    /// The key of the account or of the API token, for what is counted for each.
    #[must_use]
    pub fn holder_id(&self) -> Option<Uuid> {
        match self {
            Self::User { id, .. } | Self::Service { id, .. } => Some(*id),
            Self::Guest | Self::System => None,
        }
    }

    /// Under whose name idempotency keys are kept.
    #[must_use]
    pub fn scope(&self) -> String {
        match self {
            Self::User { id, .. } => format!("user:{id}"),
            Self::Service { id, .. } => format!("token:{id}"),
            Self::Guest => "guest".to_owned(),
            Self::System => "system".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_are_asked_to_sign_in_and_customers_refused() {
        let customer = Viewer::User { id: Uuid::now_v7(), role: Role::Customer };
        let staff = Viewer::User { id: Uuid::now_v7(), role: Role::Staff };
        let permission = Permission::StockWrite;
        assert_eq!(Viewer::Guest.may(permission), Err(Denied::Unauthenticated));
        assert_eq!(customer.may(permission), Err(Denied::Forbidden));
        assert_eq!(staff.may(permission), Ok(()));
    }

    #[test]
    fn a_program_holds_its_permissions_and_those_of_guests() {
        let permissions = PermissionSet::from_iter([Permission::StockRead]);
        let program = Viewer::Service { id: Uuid::now_v7(), permissions };
        assert_eq!(program.may(Permission::StockRead), Ok(()));
        assert_eq!(program.may(Permission::CatalogRead), Ok(()));
        assert_eq!(program.may(Permission::StockWrite), Err(Denied::Forbidden));
        assert_eq!(program.may(Permission::AccountOwn), Err(Denied::Forbidden));
        assert_eq!(program.user_id(), None);
        assert_ne!(program.scope(), Viewer::Guest.scope());
    }
}
