//! What the mutations on accounts answer.

#![allow(dead_code, reason = "the derive writes methods for other resolvers, which need none")]

use crate::account::graphql::User;
use crate::account::graphql::address::Address;
use crate::graphql::{UserError, Warning};
use async_graphql::{ID, SimpleObject};

/// The payloads: each has its object, if any, besides the errors and the warnings.
macro_rules! payloads {
    ($($name:ident, $about:literal { $($(#[doc = $doc:literal])+ $field:ident: $of:ty,)* })+) => {$(
        #[doc = $about]
        #[derive(SimpleObject, Default)]
        pub struct $name {
            $($(#[doc = $doc])+ pub $field: Option<$of>,)*
            /// Why nothing happened; empty when it did.
            pub user_errors: Vec<UserError>,
            /// What differs from the ask.
            pub warnings: Vec<Warning>,
        }

        impl From<Vec<UserError>> for $name {
            fn from(user_errors: Vec<UserError>) -> Self {
                Self { user_errors, ..Self::default() }
            }
        }
    )+};
}

payloads! {
    AccountRegisterPayload, "The answer to accountRegister; the same whether or not the address \
                             has an account already." {}
    EmailVerificationRequestPayload, "The answer to emailVerificationRequest; the same whether or \
                                      not the address has an account." {}
    EmailVerifyPayload, "The answer to emailVerify." {
        /// The account, when you are signed in as it; null otherwise.
        user: User,
    }
    EmailChangeRequestPayload, "The answer to emailChangeRequest; the same whether or not the \
                                address has an account." {}
    EmailChangePayload, "The answer to emailChange." {
        /// The account, when you are signed in as it; null otherwise.
        user: User,
    }
    PasswordResetRequestPayload, "The answer to passwordResetRequest; the same whether or not the \
                                  address has an account." {}
    PasswordResetPayload, "The answer to passwordReset." {}
    PasswordChangePayload, "The answer to passwordChange." {
        /// The account; null when nothing happened.
        user: User,
    }
    ProfileUpdatePayload, "The answer to profileUpdate." {
        /// The account as it is now; null when nothing happened.
        user: User,
    }
    AccountDeactivatePayload, "The answer to accountDeactivate." {}
    AccountErasePayload, "The answer to accountErase." {}
    AddressCreatePayload, "The answer to addressCreate." {
        /// The address; null when nothing happened.
        address: Address,
    }
    AddressUpdatePayload, "The answer to addressUpdate." {
        /// The address as it is now; null when nothing happened.
        address: Address,
    }
    AddressDeletePayload, "The answer to addressDelete." {
        /// The id that nothing has any more; null when nothing happened.
        deleted_id: ID,
    }
    UserRoleSetPayload, "The answer to userRoleSet." {
        /// The account as it is now; null when nothing happened.
        user: User,
    }
    UserDeactivatePayload, "The answer to userDeactivate." {
        /// The account as it is now; null when nothing happened.
        user: User,
    }
    UserReactivatePayload, "The answer to userReactivate." {
        /// The account as it is now; null when nothing happened.
        user: User,
    }
    UserSessionsRevokePayload, "The answer to userSessionsRevoke." {
        /// The account; null when nothing happened.
        user: User,
    }
    UserErasePayload, "The answer to userErase." {
        /// What is left of the account; null when nothing happened.
        user: User,
    }
}
