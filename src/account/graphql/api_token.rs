//! API tokens in the schema, for administrators.

use crate::account::graphql::User;
use crate::account::loader::AccountLoaders;
use crate::account::{AccountError, ApiToken as Token, ApiTokenAsk, ApiTokens, MadeApiToken};
use crate::auth::{Permission, Viewer};
use crate::db::page::{Cursor, CursorKey};
use crate::graphql::scalars::DateTime;
use crate::graphql::user_error::UserErrorCode;
use crate::graphql::{Auth, Connection, Fault, NodeKind, PageArgs, UserError, Warning};
use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use futures::FutureExt;
use secrecy::ExposeSecret;

/// Tells the cursors of this list from those of others.
const LIST: &str = "Query.apiTokens";

/// A program's way in, in its own name.
pub struct ApiToken(pub Token);

/// A program's way in, in its own name: sent as `Authorization: Bearer <token>`, it holds its
/// permissions and those of guests, until it ends or is revoked. It belongs to the shop: what
/// becomes of the account that made it changes nothing. For those who have ACCOUNT_READ.
#[Object]
impl ApiToken {
    /// The opaque id, for `node`.
    pub async fn id(&self) -> ID {
        NodeKind::ApiToken.id(self.0.id)
    }

    /// What it is for.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The first ten characters of its text, to tell it from others.
    async fn prefix(&self) -> &str {
        &self.0.prefix
    }

    /// What it may do besides what guests may.
    async fn permissions(&self) -> Vec<Permission> {
        self.0.permissions.iter().collect()
    }

    /// Whether it is good now: neither revoked nor past its end.
    async fn active(&self, ctx: &Context<'_>) -> bool {
        self.0.is_good(ctx.data_unchecked::<ApiTokens>().now())
    }

    /// The administrator who made it; null when the account is no more.
    #[graphql(directive = Auth::apply(Permission::AccountRead))]
    async fn created_by(&self, ctx: &Context<'_>) -> Option<Result<User, Fault>> {
        let by = self.0.created_by?;
        let found = ctx.data_unchecked::<AccountLoaders>().user.get(by).await;
        found.map(|user| user.map(User)).transpose()
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// When it ends by itself; null when it does not.
    async fn expires_at(&self) -> Option<DateTime> {
        self.0.expires_at.map(DateTime)
    }

    /// When it was last used, to the minute; null when it never was.
    async fn last_used_at(&self) -> Option<DateTime> {
        self.0.last_used_at.map(DateTime)
    }

    /// When it was revoked; null when it was not.
    async fn revoked_at(&self) -> Option<DateTime> {
        self.0.revoked_at.map(DateTime)
    }
}

/// Queries about API tokens.
#[derive(Default)]
pub struct ApiTokenQuery;

/// Queries about API tokens.
#[Object]
impl ApiTokenQuery {
    /// The API tokens of the shop, the latest first, ended ones too.
    #[graphql(directive = Auth::apply(Permission::ApiTokenManage))]
    async fn api_tokens(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the beginning, 0 to 100; 20 when neither is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Option<Result<Connection<ApiToken>, Fault>> {
        Some(list(ctx, PageArgs { first, after, last, before }).await)
    }
}

async fn list(ctx: &Context<'_>, args: PageArgs) -> Result<Connection<ApiToken>, Fault> {
    let (tokens, viewer) = (ctx.data_unchecked::<ApiTokens>(), *ctx.data_unchecked::<Viewer>());
    let page = tokens.list(&viewer, &args.window(&LIST)?).await?;
    let tokens = tokens.clone();
    let count = move || {
        let tokens = tokens.clone();
        async move { Ok(tokens.count(&viewer).await?) }.boxed()
    };
    let cursor = |token: &Token| Cursor { key: CursorKey::Id, id: token.id };
    Ok(Connection::new(page, &LIST, cursor, ApiToken, count))
}

/// A token to make.
#[derive(InputObject)]
pub struct ApiTokenCreateInput {
    /// What it is for, such as the program's name: 1 to 100 characters in one line.
    name: String,
    /// What it may do: at least one, and nothing that you may not. Never ACCOUNT_OWN, CART_OWN,
    /// ACCOUNT_MANAGE or API_TOKEN_MANAGE. Whoever may change something may see it: STOCK_WRITE
    /// brings STOCK_READ, CATALOG_WRITE brings CATALOG_READ_ALL, SALES_SETTINGS_WRITE brings
    /// SALES_SETTINGS_READ.
    permissions: Vec<Permission>,
    /// When it ends; when not given, only by being revoked.
    expires_at: Option<DateTime>,
}

/// The answer to apiTokenCreate.
#[derive(SimpleObject, Default)]
pub struct ApiTokenCreatePayload {
    /// The new token; null when nothing happened.
    api_token: Option<ApiToken>,
    /// Its text, told this once: keep it where secrets are kept. Null when nothing happened.
    token: Option<String>,
    /// Why nothing happened; empty when it did. LIMIT_REACHED when 100 tokens are active.
    user_errors: Vec<UserError>,
    /// Always empty.
    warnings: Vec<Warning>,
}

impl From<MadeApiToken> for ApiTokenCreatePayload {
    fn from(made: MadeApiToken) -> Self {
        Self {
            api_token: Some(ApiToken(made.token)),
            token: Some(made.secret.expose_secret().to_owned()),
            ..Self::default()
        }
    }
}

/// A token to end.
#[derive(InputObject)]
pub struct ApiTokenRevokeInput {
    /// The token.
    id: ID,
}

/// The answer to apiTokenRevoke.
#[derive(SimpleObject, Default)]
pub struct ApiTokenRevokePayload {
    /// The token as it is now; null when nothing happened.
    api_token: Option<ApiToken>,
    /// Why nothing happened; empty when it did.
    user_errors: Vec<UserError>,
    /// Always empty.
    warnings: Vec<Warning>,
}

/// Mutations on API tokens.
#[derive(Default)]
pub struct ApiTokenMutation;

/// Mutations on API tokens.
#[Object]
impl ApiTokenMutation {
    /// Make an API token for a program.
    #[graphql(directive = Auth::apply(Permission::ApiTokenManage))]
    async fn api_token_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What it is for and what it may do.")] input: ApiTokenCreateInput,
    ) -> Option<Result<ApiTokenCreatePayload, Fault>> {
        let (tokens, viewer) = (ctx.data_unchecked::<ApiTokens>(), ctx.data_unchecked::<Viewer>());
        let ask = ApiTokenAsk {
            name: input.name,
            permissions: input.permissions,
            expires_at: input.expires_at.map(|end| end.0),
        };
        Some(match tokens.create(viewer, ask).await {
            Ok(made) => Ok(made.into()),
            Err(AccountError::Invalid(problems)) => Ok(ApiTokenCreatePayload {
                user_errors: problems.into_iter().map(UserError::from).collect(),
                ..ApiTokenCreatePayload::default()
            }),
            Err(error) => Err(error.into()),
        })
    }

    /// End an API token at once. Ending one that has ended changes nothing.
    #[graphql(directive = Auth::apply(Permission::ApiTokenManage))]
    async fn api_token_revoke(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] input: ApiTokenRevokeInput,
    ) -> Option<Result<ApiTokenRevokePayload, Fault>> {
        let (tokens, viewer) = (ctx.data_unchecked::<ApiTokens>(), ctx.data_unchecked::<Viewer>());
        let id = match NodeKind::ApiToken.key(&input.id) {
            Ok(id) => id,
            Err(fault) => return Some(Err(fault)),
        };
        Some(match tokens.revoke(viewer, id).await {
            Ok(Some(token)) => Ok(ApiTokenRevokePayload {
                api_token: Some(ApiToken(token)),
                ..ApiTokenRevokePayload::default()
            }),
            Ok(None) => Ok(ApiTokenRevokePayload {
                user_errors: vec![UserError::new(
                    UserErrorCode::NotFound,
                    ["id"],
                    "There is no such token.",
                )],
                ..ApiTokenRevokePayload::default()
            }),
            Err(error) => Err(error.into()),
        })
    }
}
