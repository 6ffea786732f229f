//! One's own account in the schema: name, password, address, and the end of it.

use crate::account::graphql::payload::{
    AccountDeactivatePayload, AccountErasePayload, EmailChangeRequestPayload,
    PasswordChangePayload, ProfileUpdatePayload,
};
use crate::account::graphql::{User, answer, services};
use crate::auth::{Client, Permission};
use crate::graphql::scalars::Json;
use crate::graphql::{Auth, Fault};
use async_graphql::{Context, InputObject, Object};
use secrecy::SecretString;

/// What to change of one's own account.
#[derive(InputObject)]
pub struct ProfileUpdateInput {
    /// The display name: 1 to 200 characters on one line.
    name: String,
}

/// The present password and the one to come.
#[derive(InputObject)]
pub struct PasswordChangeInput {
    /// The present password.
    current_password: String,
    /// The new password, by the rules of accountRegister.
    new_password: String,
}

/// The address to come.
#[derive(InputObject)]
pub struct EmailChangeRequestInput {
    /// The e-mail address that the account is to have.
    email: String,
    /// The account's password.
    password: String,
}

/// That the account is to be closed.
#[derive(InputObject)]
pub struct AccountDeactivateInput {
    /// The account's password.
    password: String,
}

/// That the account is to be erased.
#[derive(InputObject)]
pub struct AccountEraseInput {
    /// The account's password.
    password: String,
}

/// Queries about one's own account.
#[derive(Default)]
pub struct ProfileQuery;

/// Queries about one's own account.
#[Object]
impl ProfileQuery {
    /// Everything that the shop keeps about your account, to be handed to you as a file.
    #[graphql(directive = Auth::apply(Permission::AccountOwn))]
    async fn account_export(&self, ctx: &Context<'_>) -> Option<Result<Json, Fault>> {
        let (accounts, viewer) = services(ctx);
        Some(accounts.export(viewer).await.map(Json).map_err(Fault::from))
    }
}

/// Mutations on one's own account.
#[derive(Default)]
pub struct ProfileMutation;

/// Mutations on one's own account.
#[Object]
impl ProfileMutation {
    /// Change your name.
    #[graphql(directive = Auth::apply(Permission::AccountOwn))]
    async fn profile_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change.")] input: ProfileUpdateInput,
    ) -> Option<Result<ProfileUpdatePayload, Fault>> {
        let (accounts, viewer) = services(ctx);
        let changed = accounts.rename(viewer, &input.name).await;
        answer(
            changed
                .map(|user| ProfileUpdatePayload { user: Some(User(user)), ..Default::default() }),
        )
    }

    /// Change your password. INVALID_CREDENTIALS when the present one is wrong; after 5 of these
    /// each further try has to wait longer (RATE_LIMITED). All other sessions of the account end,
    /// and so do the links that were mailed for it.
    #[graphql(directive = Auth::apply(Permission::AccountOwn))]
    async fn password_change(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Both passwords.")] input: PasswordChangeInput,
    ) -> Option<Result<PasswordChangePayload, Fault>> {
        let (accounts, viewer) = services(ctx);
        let passwords = [input.current_password, input.new_password].map(SecretString::from);
        let kept = ctx.data_unchecked::<Client>().session;
        let changed = accounts.change_password(viewer, kept, passwords).await;
        answer(
            changed
                .map(|user| PasswordChangePayload { user: Some(User(user)), ..Default::default() }),
        )
    }

    /// Have a link mailed to the address that your account is to have, and a notice to the one
    /// that it has. The address changes by emailChange, with the token of that link. The answer is
    /// the same whether or not another account has the address. INVALID_CREDENTIALS when the
    /// password is wrong. At most 5 an hour, 3 to one address (RATE_LIMITED).
    #[graphql(directive = Auth::apply(Permission::AccountOwn))]
    async fn email_change_request(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The address and the password.")] input: EmailChangeRequestInput,
    ) -> Option<Result<EmailChangeRequestPayload, Fault>> {
        let (accounts, viewer) = services(ctx);
        let password = SecretString::from(input.password);
        let client = ctx.data_unchecked::<Client>().address;
        let asked = accounts.request_email_change(viewer, client, &input.email, password).await;
        answer(asked.map(|()| EmailChangeRequestPayload::default()))
    }

    /// Close your account: you are signed out everywhere and cannot sign in any more. An
    /// administrator can open it again. INVALID_CREDENTIALS when the password is wrong,
    /// LAST_ADMINISTRATOR when nobody else administers the shop.
    #[graphql(directive = Auth::apply(Permission::AccountOwn))]
    async fn account_deactivate(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The password.")] input: AccountDeactivateInput,
    ) -> Option<Result<AccountDeactivatePayload, Fault>> {
        let (accounts, viewer) = services(ctx);
        let closed = accounts.deactivate_own(viewer, SecretString::from(input.password)).await;
        answer(closed.map(|_| AccountDeactivatePayload::default()))
    }

    /// Erase your account: name, e-mail address, addresses and sessions are gone for good, and the
    /// e-mail address can be registered anew. What the shop must keep keeps its figures and shows
    /// an erased account. INVALID_CREDENTIALS when the password is wrong, LAST_ADMINISTRATOR when
    /// nobody else administers the shop, IN_USE while orders of the account wait to be paid or sent:
    /// wait until they are, or cancel them.
    #[graphql(directive = Auth::apply(Permission::AccountOwn))]
    async fn account_erase(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The password.")] input: AccountEraseInput,
    ) -> Option<Result<AccountErasePayload, Fault>> {
        let (accounts, viewer) = services(ctx);
        let erased = accounts.erase_own(viewer, SecretString::from(input.password)).await;
        answer(erased.map(|()| AccountErasePayload::default()))
    }
}
