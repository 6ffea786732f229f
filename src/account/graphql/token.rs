//! Signing in, in the schema.

use crate::account::graphql::User;
use crate::account::{AccountError, Accounts, SignedIn};
use crate::auth::Permission;
use crate::graphql::scalars::DateTime;
use crate::graphql::user_error::UserErrorCode;
use crate::graphql::{Auth, Fault, UserError, Warning};
use async_graphql::{Context, InputObject, Object, SimpleObject};
use secrecy::SecretString;

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

/// Signing in.
#[derive(Default)]
pub struct TokenMutation;

/// Signing in.
#[Object]
impl TokenMutation {
    /// Sign in with e-mail and password.
    #[graphql(directive = Auth::apply(Permission::AccountAccess))]
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
