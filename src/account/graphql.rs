//! Accounts in the schema.

use crate::account::loader::AccountLoaders;
use crate::account::{AccountError, Accounts, SignedIn, User as Account};
use crate::auth::{Role as AccountRole, Viewer};
use crate::graphql::scalars::DateTime;
use crate::graphql::user_error::UserErrorCode;
use crate::graphql::{Fault, NodeKind, UserError, Warning, code};
use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use secrecy::SecretString;

impl From<AccountError> for Fault {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Db(error) => error.into(),
            AccountError::Denied(denied) => denied.into(),
            AccountError::InvalidToken(error) => {
                Self { code: code::UNAUTHENTICATED, message: error.to_string() }
            }
            AccountError::Busy => Self {
                code: code::SERVICE_UNAVAILABLE,
                message: "Too many people sign in right now. Try again in a moment.".to_owned(),
            },
            error @ (AccountError::Invalid(_)
            | AccountError::InvalidCredentials
            | AccountError::Fault(_)) => Self::internal(&error),
        }
    }
}

/// What an account is in the shop.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Shops.
    Customer,
    /// Runs the shop: catalogue, stock, orders.
    Staff,
    /// Runs the shop and its accounts.
    Admin,
}

/// Someone who can sign in.
pub struct User(pub Account);

/// Someone who can sign in. Seen by its owner and by staff.
#[Object]
impl User {
    /// The opaque id, for `node`.
    pub async fn id(&self) -> ID {
        NodeKind::User.id(self.0.id)
    }

    /// The display name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The e-mail address that the account signs in with.
    async fn email(&self) -> &str {
        &self.0.email
    }

    /// Whether the address was proved to be the owner's.
    async fn email_verified(&self) -> bool {
        self.0.email_verified
    }

    /// What the account is in the shop.
    async fn role(&self) -> Role {
        match self.0.role {
            AccountRole::Customer => Role::Customer,
            AccountRole::Staff => Role::Staff,
            AccountRole::Admin => Role::Admin,
        }
    }

    /// When the account was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
}

/// Queries about accounts.
#[derive(Default)]
pub struct AccountQuery;

/// Queries about accounts.
#[Object]
impl AccountQuery {
    /// The account that asks; null for a guest.
    async fn me(&self, ctx: &Context<'_>) -> Option<Result<User, Fault>> {
        let viewer = ctx.data_unchecked::<Viewer>();
        let id = viewer.user_id()?;
        let found = ctx.data_unchecked::<AccountLoaders>().user.get(id).await;
        found.map(|user| user.map(User)).transpose()
    }
}

/// E-mail and password.
#[derive(InputObject)]
pub struct TokenCreateInput {
    /// The e-mail address of the account.
    email: String,
    /// Its password.
    password: String,
}

/// The answer to signing in.
#[derive(SimpleObject, Default)]
pub struct TokenCreatePayload {
    /// Send it as `Authorization: Bearer <token>`; null when signing in was refused.
    access_token: Option<String>,
    /// When the access token ends, 15 minutes on; null when refused.
    expires_at: Option<DateTime>,
    /// Who signed in; null when refused.
    user: Option<User>,
    /// INVALID_CREDENTIALS when e-mail and password do not belong together; it is the same whether
    /// or not the address is known.
    user_errors: Vec<UserError>,
    /// Always empty.
    warnings: Vec<Warning>,
}

impl From<SignedIn> for TokenCreatePayload {
    fn from(signed_in: SignedIn) -> Self {
        Self {
            access_token: Some(signed_in.access_token),
            expires_at: Some(DateTime(signed_in.expires_at)),
            user: Some(User(signed_in.user)),
            ..Self::default()
        }
    }
}

/// Mutations on accounts.
#[derive(Default)]
pub struct AccountMutation;

/// Mutations on accounts.
#[Object]
impl AccountMutation {
    /// Sign in with e-mail and password. Anyone may.
    async fn token_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "E-mail and password.")] input: TokenCreateInput,
    ) -> Option<Result<TokenCreatePayload, Fault>> {
        let accounts = ctx.data_unchecked::<Accounts>();
        let signed_in = accounts.sign_in(&input.email, SecretString::from(input.password)).await;
        Some(match signed_in {
            Ok(signed_in) => Ok(signed_in.into()),
            Err(AccountError::InvalidCredentials) => Ok(TokenCreatePayload {
                user_errors: vec![UserError::new(
                    UserErrorCode::InvalidCredentials,
                    Vec::<String>::new(),
                    "E-mail or password is wrong.",
                )],
                ..TokenCreatePayload::default()
            }),
            Err(error) => Err(error.into()),
        })
    }
}
