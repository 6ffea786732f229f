//! Making an account and getting back into one, in the schema: what guests may do.

use crate::account::Registration;
use crate::account::graphql::payload::{
    AccountRegisterPayload, EmailChangePayload, EmailVerificationRequestPayload,
    EmailVerifyPayload, PasswordResetPayload, PasswordResetRequestPayload,
};
use crate::account::graphql::{User, answer, services};
use crate::auth::{Client, ClientAddress, Permission, Viewer};
use crate::graphql::{Auth, Fault};
use async_graphql::{Context, InputObject, Object};
use secrecy::SecretString;

/// An account to make for oneself.
#[derive(InputObject)]
pub struct AccountRegisterInput {
    /// The e-mail address to sign in with. Case makes no difference.
    email: String,
    /// 15 to 128 characters of any kind, spaces among them; a few words in a row do well. Refused
    /// (INVALID) is what would be tried first: repetitions, keys in a row, well-known sentences,
    /// the shop's name, your own name or address.
    password: String,
    /// The display name: 1 to 200 characters on one line.
    name: String,
}

/// Which address to verify.
#[derive(InputObject)]
pub struct EmailVerificationRequestInput {
    /// The e-mail address of an account.
    email: String,
}

/// The token of a link that was mailed.
#[derive(InputObject)]
pub struct EmailVerifyInput {
    /// What stands behind `token=` in the link.
    token: String,
}

/// The token of a link that was mailed.
#[derive(InputObject)]
pub struct EmailChangeInput {
    /// What stands behind `token=` in the link.
    token: String,
}

/// Whose password was forgotten.
#[derive(InputObject)]
pub struct PasswordResetRequestInput {
    /// The e-mail address of an account.
    email: String,
}

/// A new password, by a link that was mailed.
#[derive(InputObject)]
pub struct PasswordResetInput {
    /// What stands behind `token=` in the link.
    token: String,
    /// The new password, by the rules of accountRegister.
    password: String,
}

/// Mutations of those who are not signed in yet.
#[derive(Default)]
pub struct RegisterMutation;

/// Mutations of those who are not signed in yet.
#[Object]
impl RegisterMutation {
    /// Make an account. The answer is the same whether or not the address has one already: what
    /// follows stands in a mail to it, a link to verify-email of the storefront, or the hint to
    /// sign in. Signing in (tokenCreate) and buying work before the address is verified. At most
    /// 30 an hour from one client address and 5 for one e-mail address (RATE_LIMITED).
    #[graphql(directive = Auth::apply(Permission::AccountAccess))]
    async fn account_register(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account.")] input: AccountRegisterInput,
    ) -> Option<Result<AccountRegisterPayload, Fault>> {
        let (accounts, viewer) = services(ctx);
        let new = Registration {
            email: input.email,
            name: input.name,
            password: SecretString::from(input.password),
        };
        let registered = accounts.register(viewer, address(ctx), new).await;
        answer(registered.map(|()| AccountRegisterPayload::default()))
    }

    /// Have the link that verifies an address mailed again; it ends the earlier one. The answer is
    /// the same whether or not there is such an account, or it is verified already. At most 3 an
    /// hour for one address (RATE_LIMITED).
    #[graphql(directive = Auth::apply(Permission::AccountAccess))]
    async fn email_verification_request(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which address.")] input: EmailVerificationRequestInput,
    ) -> Option<Result<EmailVerificationRequestPayload, Fault>> {
        let (accounts, viewer) = services(ctx);
        let asked = accounts.request_verification(viewer, address(ctx), &input.email).await;
        answer(asked.map(|()| EmailVerificationRequestPayload::default()))
    }

    /// Prove that an address is yours, by the token that was mailed to it. It works once, within 7
    /// days; TOKEN_INVALID otherwise.
    #[graphql(directive = Auth::apply(Permission::AccountAccess))]
    async fn email_verify(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token.")] input: EmailVerifyInput,
    ) -> Option<Result<EmailVerifyPayload, Fault>> {
        let (accounts, viewer) = services(ctx);
        let verified = accounts.verify_email(viewer, &input.token).await;
        answer(
            verified
                .map(|user| EmailVerifyPayload { user: own(viewer, user), ..Default::default() }),
        )
    }

    /// Give an account its new address, by the token that emailChangeRequest had mailed there. It
    /// works once, within an hour; TOKEN_INVALID otherwise, and ALREADY_EXISTS when another account
    /// has got the address meanwhile. All other links that were mailed end.
    #[graphql(directive = Auth::apply(Permission::AccountAccess))]
    async fn email_change(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token.")] input: EmailChangeInput,
    ) -> Option<Result<EmailChangePayload, Fault>> {
        let (accounts, viewer) = services(ctx);
        let changed = accounts.change_email(viewer, &input.token).await;
        answer(
            changed
                .map(|user| EmailChangePayload { user: own(viewer, user), ..Default::default() }),
        )
    }

    /// Have a link to choose a new password mailed to an account's address. The answer is the same
    /// whether or not there is such an account. At most 3 an hour for one address (RATE_LIMITED).
    #[graphql(directive = Auth::apply(Permission::AccountAccess))]
    async fn password_reset_request(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose password.")] input: PasswordResetRequestInput,
    ) -> Option<Result<PasswordResetRequestPayload, Fault>> {
        let (accounts, viewer) = services(ctx);
        let asked = accounts.request_reset(viewer, address(ctx), &input.email).await;
        answer(asked.map(|()| PasswordResetRequestPayload::default()))
    }

    /// Choose a new password, by the token that passwordResetRequest had mailed. It works once,
    /// within an hour; TOKEN_INVALID otherwise. Everyone who is signed in to the account no longer
    /// is, and its address is verified: sign in with the new password.
    #[graphql(directive = Auth::apply(Permission::AccountAccess))]
    async fn password_reset(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token and the new password.")] input: PasswordResetInput,
    ) -> Option<Result<PasswordResetPayload, Fault>> {
        let (accounts, viewer) = services(ctx);
        let password = SecretString::from(input.password);
        let reset = accounts.reset_password(viewer, &input.token, password).await;
        answer(reset.map(|()| PasswordResetPayload::default()))
    }
}

/// Where the request comes from.
fn address(ctx: &Context<'_>) -> ClientAddress {
    ctx.data_unchecked::<Client>().address
}

/// The holder of a link learns nothing of the account that they are not signed in to.
fn own(viewer: &Viewer, user: crate::account::User) -> Option<User> {
    (viewer.user_id() == Some(user.id)).then_some(User(user))
}
