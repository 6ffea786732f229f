//! Accounts as administrators see and change them.

use crate::account::graphql::filter::{UserSort, UserWhere, read_list};
use crate::account::graphql::payload::{
    UserDeactivatePayload, UserErasePayload, UserReactivatePayload, UserRoleSetPayload,
    UserSessionsRevokePayload,
};
use crate::account::graphql::{Role, User, answer, key, services};
use crate::auth::Permission;
use crate::graphql::{Auth, Connection, Fault, NodeKind, PageArgs};
use async_graphql::{Context, ID, InputObject, Object};
use futures::FutureExt;

/// What an account becomes.
#[derive(InputObject)]
pub struct UserRoleSetInput {
    /// The account.
    id: ID,
    /// Its role from now on.
    role: Role,
}

/// Which account to close.
#[derive(InputObject)]
pub struct UserDeactivateInput {
    /// The account.
    id: ID,
}

/// Which account to open again.
#[derive(InputObject)]
pub struct UserReactivateInput {
    /// The account.
    id: ID,
}

/// Whose sessions to end.
#[derive(InputObject)]
pub struct UserSessionsRevokeInput {
    /// The account.
    id: ID,
}

/// Which account to erase.
#[derive(InputObject)]
pub struct UserEraseInput {
    /// The account.
    id: ID,
}

/// Queries of administrators.
#[derive(Default)]
pub struct UserQuery;

/// Queries of administrators.
#[Object]
impl UserQuery {
    /// The accounts of the shop.
    #[graphql(directive = Auth::apply(Permission::AccountList))]
    #[expect(clippy::too_many_arguments, reason = "they are the field's arguments")]
    async fn users(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the beginning, 0 to 100; 20 when neither is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(name = "where", desc = "Only accounts that meet these conditions.")]
        filter: Option<UserWhere>,
        #[graphql(desc = "How to sort; when not given, in the order of their creation.")]
        order_by: Option<UserSort>,
        #[graphql(
            desc = "Only accounts that have this in their name or e-mail address, whatever \
                          the case; at most 100 characters."
        )]
        search: Option<String>,
    ) -> Option<Result<Connection<User>, Fault>> {
        let args = PageArgs { first, after, last, before };
        Some(list(ctx, args, (filter, order_by, search)).await)
    }
}

async fn list(
    ctx: &Context<'_>,
    args: PageArgs,
    (filter, order_by, search): (Option<UserWhere>, Option<UserSort>, Option<String>),
) -> Result<Connection<User>, Fault> {
    let (accounts, viewer) = services(ctx);
    let list = read_list(filter, order_by, search)?;
    let window = args.window(&list)?;
    let page = accounts.list_users(viewer, &list, &window).await?;
    let (accounts, viewer, counted) = (accounts.clone(), *viewer, list.clone());
    let count = move || {
        let (accounts, list) = (accounts.clone(), counted.clone());
        async move { Ok(accounts.count_users(&viewer, &list).await?) }.boxed()
    };
    Ok(Connection::new(page, &list, |user| list.place(user), User, count))
}

/// Mutations of administrators.
#[derive(Default)]
pub struct UserMutation;

/// Mutations of administrators.
#[Object]
impl UserMutation {
    /// Give an account another role, at once: also whoever is signed in has it. NOT_FOUND when
    /// there is no such account, LAST_ADMINISTRATOR when nobody else administers the shop.
    #[graphql(directive = Auth::apply(Permission::AccountManage))]
    async fn user_role_set(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account and its role.")] input: UserRoleSetInput,
    ) -> Option<Result<UserRoleSetPayload, Fault>> {
        let (accounts, viewer) = services(ctx);
        let id = key(NodeKind::User, &input.id);
        let user = accounts.set_role(viewer, id, input.role.into()).await;
        answer(user.map(|user| UserRoleSetPayload { user: Some(User(user)), ..Default::default() }))
    }

    /// Close an account, at once: its owner is signed out everywhere and cannot sign in. NOT_FOUND
    /// when there is no such account, LAST_ADMINISTRATOR when nobody else administers the shop.
    #[graphql(directive = Auth::apply(Permission::AccountManage))]
    async fn user_deactivate(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account.")] input: UserDeactivateInput,
    ) -> Option<Result<UserDeactivatePayload, Fault>> {
        let (accounts, viewer) = services(ctx);
        let user = accounts.deactivate(viewer, key(NodeKind::User, &input.id)).await;
        answer(
            user.map(|user| UserDeactivatePayload { user: Some(User(user)), ..Default::default() }),
        )
    }

    /// Open an account again: its owner signs in as before. NOT_FOUND when there is no such
    /// account, INVALID when it was erased.
    #[graphql(directive = Auth::apply(Permission::AccountManage))]
    async fn user_reactivate(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account.")] input: UserReactivateInput,
    ) -> Option<Result<UserReactivatePayload, Fault>> {
        let (accounts, viewer) = services(ctx);
        let user = accounts.reactivate(viewer, key(NodeKind::User, &input.id)).await;
        answer(
            user.map(|user| UserReactivatePayload { user: Some(User(user)), ..Default::default() }),
        )
    }

    /// Sign the owner of an account out everywhere, at once. NOT_FOUND when there is no such
    /// account.
    #[graphql(directive = Auth::apply(Permission::AccountManage))]
    async fn user_sessions_revoke(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account.")] input: UserSessionsRevokeInput,
    ) -> Option<Result<UserSessionsRevokePayload, Fault>> {
        let (accounts, viewer) = services(ctx);
        let user = accounts.revoke_sessions_of(viewer, key(NodeKind::User, &input.id)).await;
        answer(
            user.map(|user| UserSessionsRevokePayload {
                user: Some(User(user)),
                ..Default::default()
            }),
        )
    }

    /// Erase an account for its owner, as accountErase does; this cannot be undone. NOT_FOUND when
    /// there is no such account, LAST_ADMINISTRATOR when nobody else administers the shop, IN_USE
    /// while orders of the account wait to be paid or sent.
    #[graphql(directive = Auth::apply(Permission::AccountManage))]
    async fn user_erase(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account.")] input: UserEraseInput,
    ) -> Option<Result<UserErasePayload, Fault>> {
        let (accounts, viewer) = services(ctx);
        let user = accounts.erase(viewer, key(NodeKind::User, &input.id)).await;
        answer(user.map(|user| UserErasePayload { user: Some(User(user)), ..Default::default() }))
    }
}
