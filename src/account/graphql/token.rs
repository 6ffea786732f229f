//! Signing in, staying signed in and signing out, in the schema.

use crate::account::graphql::User;
use crate::account::{AccountError, Accounts, Revocation, SignedIn};
use crate::auth::{Client, Permission, Viewer};
use crate::graphql::scalars::DateTime;
use crate::graphql::user_error::UserErrorCode;
use crate::graphql::{Auth, Fault, UserError, Warning};
use async_graphql::{Context, InputObject, Object, SimpleObject};
use secrecy::{ExposeSecret, SecretString};

/// E-mail and password.
#[derive(InputObject)]
pub struct TokenCreateInput {
    /// The e-mail address of the account.
    email: String,
    /// Its password.
    password: String,
}

/// What staying signed in needs.
#[derive(InputObject)]
pub struct TokenRefreshInput {
    /// The refresh token that came with the last access token. Left out by pages whose refresh
    /// token is in a cookie.
    refresh_token: Option<String>,
}

/// What to sign out.
#[derive(InputObject)]
pub struct TokenRevokeInput {
    /// A refresh token of the session to end. Left out: the session that the access token belongs
    /// to, and without an access token the one in the cookie.
    refresh_token: Option<String>,
    /// Whether to end every session of the account, on all devices, and not this one alone.
    #[graphql(default)]
    all_sessions: bool,
}

/// The answer to signing in.
#[derive(SimpleObject, Default)]
pub struct TokenCreatePayload {
    /// Send it as `Authorization: Bearer <token>`; null when signing in was refused.
    access_token: Option<String>,
    /// Gives the next pair of tokens, once, within 30 days: keep it where other pages cannot read
    /// it. Null when refused, and for pages that got it in a cookie.
    refresh_token: Option<String>,
    /// When the access token ends, 15 minutes on: call tokenRefresh before. Null when refused.
    expires_at: Option<DateTime>,
    /// Who signed in; null when refused.
    user: Option<User>,
    /// INVALID_CREDENTIALS when e-mail and password do not belong together; it is the same whether
    /// or not the address is known.
    user_errors: Vec<UserError>,
    /// Always empty.
    warnings: Vec<Warning>,
}

/// The answer to staying signed in.
#[derive(SimpleObject, Default)]
pub struct TokenRefreshPayload {
    /// The new access token; null when refused.
    access_token: Option<String>,
    /// The new refresh token, in place of the one that was sent. Null when refused, and for pages
    /// that got it in a cookie.
    refresh_token: Option<String>,
    /// When the access token ends, 15 minutes on; null when refused.
    expires_at: Option<DateTime>,
    /// Who is signed in; null when refused.
    user: Option<User>,
    /// TOKEN_INVALID when the refresh token is unknown, expired, spent, or its session was ended:
    /// sign in again. REQUIRED when there is none.
    user_errors: Vec<UserError>,
    /// Always empty.
    warnings: Vec<Warning>,
}

/// The answer to signing out.
#[derive(SimpleObject, Default)]
pub struct TokenRevokePayload {
    /// How many sessions this ended.
    revoked_sessions: i32,
    /// TOKEN_INVALID when the refresh token is unknown, expired or spent; its session has ended by
    /// then. REQUIRED when nothing tells which session.
    user_errors: Vec<UserError>,
    /// Always empty.
    warnings: Vec<Warning>,
}

/// Signing in, staying signed in and signing out.
#[derive(Default)]
pub struct TokenMutation;

/// Signing in, staying signed in and signing out.
#[Object]
impl TokenMutation {
    /// Sign in with e-mail and password.
    #[graphql(directive = Auth::apply(Permission::AccountAccess))]
    async fn token_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "E-mail and password.")] input: TokenCreateInput,
    ) -> Option<Result<TokenCreatePayload, Fault>> {
        let (accounts, client) = (ctx.data_unchecked::<Accounts>(), ctx.data_unchecked::<Client>());
        let password = SecretString::from(input.password);
        let signed_in = accounts.sign_in(client, &input.email, password).await;
        Some(match signed_in {
            Ok(signed_in) => {
                let pair = Pair::hand_out(signed_in, client);
                Ok(TokenCreatePayload {
                    access_token: Some(pair.access_token),
                    refresh_token: pair.refresh_token,
                    expires_at: Some(pair.expires_at),
                    user: Some(pair.user),
                    ..TokenCreatePayload::default()
                })
            }
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

    /// Stay signed in: a new access token and the next refresh token for the one at hand. Each
    /// refresh token is good for one use. Another use within 10 seconds, by another tab, gives a
    /// pair as well; after that it is taken for theft and ends the session. A session ends 30 days
    /// after its last use, and 180 days after it began.
    #[graphql(directive = Auth::apply(Permission::AccountAccess))]
    async fn token_refresh(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The refresh token, unless it is in a cookie.")] input: TokenRefreshInput,
    ) -> Option<Result<TokenRefreshPayload, Fault>> {
        let (accounts, client) = (ctx.data_unchecked::<Accounts>(), ctx.data_unchecked::<Client>());
        let Some(token) = input.refresh_token.as_deref().or(in_cookie(client)) else {
            return Some(Ok(TokenRefreshPayload {
                user_errors: vec![token_required()],
                ..TokenRefreshPayload::default()
            }));
        };
        Some(match accounts.refresh(token).await {
            Ok(signed_in) => {
                let pair = Pair::hand_out(signed_in, client);
                Ok(TokenRefreshPayload {
                    access_token: Some(pair.access_token),
                    refresh_token: pair.refresh_token,
                    expires_at: Some(pair.expires_at),
                    user: Some(pair.user),
                    ..TokenRefreshPayload::default()
                })
            }
            Err(AccountError::TokenInvalid) => Ok(TokenRefreshPayload {
                user_errors: vec![token_invalid()],
                ..TokenRefreshPayload::default()
            }),
            Err(error) => Err(error.into()),
        })
    }

    /// Sign out: this session, or every session of the account. Its access tokens, refresh tokens
    /// and sockets end at once. The session of the cookie ends as well, if a page sends one, also
    /// when it is another one than is named: who signs out leaves none behind in the browser.
    #[graphql(directive = Auth::apply(Permission::AccountAccess))]
    async fn token_revoke(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which session; by itself the one that asks.")] input: TokenRevokeInput,
    ) -> Option<Result<TokenRevokePayload, Fault>> {
        let (accounts, client) = (ctx.data_unchecked::<Accounts>(), ctx.data_unchecked::<Client>());
        let viewer = ctx.data_unchecked::<Viewer>();
        let (given, in_cookie) = (input.refresh_token.as_deref(), in_cookie(client));
        // The cookie's session is the one that is meant when nothing else says which.
        let (token, beside) = match given {
            None if client.session.is_none() => (in_cookie, None),
            given => (given, in_cookie),
        };
        if token.is_none() && client.session.is_none() {
            return Some(Ok(TokenRevokePayload {
                user_errors: vec![token_required()],
                ..TokenRevokePayload::default()
            }));
        }
        let which = if input.all_sessions { Revocation::All } else { Revocation::One };
        let revoked = accounts.revoke(viewer, client, [token, beside], which).await;
        let is_over = match &revoked {
            Ok(_) => true,
            // Of another token than the cookie's nothing happened to the cookie's session.
            Err(AccountError::TokenInvalid) => beside.is_none(),
            // Nothing is known of what became of it: the page must be able to try again.
            Err(_) => false,
        };
        if let Some(cookie) = client.cookie.as_ref().filter(|_| is_over) {
            cookie.clear();
        }
        Some(match revoked {
            Ok(sessions) => Ok(TokenRevokePayload {
                revoked_sessions: i32::try_from(sessions).unwrap_or(i32::MAX),
                ..TokenRevokePayload::default()
            }),
            Err(AccountError::TokenInvalid) => Ok(TokenRevokePayload {
                user_errors: vec![token_invalid()],
                ..TokenRevokePayload::default()
            }),
            Err(error) => Err(error.into()),
        })
    }
}

/// What a client gets of a pair of tokens.
pub struct Pair {
    /// The access token.
    pub access_token: String,
    /// The refresh token; None when it goes into a cookie.
    pub refresh_token: Option<String>,
    /// When the access token ends.
    pub expires_at: DateTime,
    /// Whose it is.
    pub user: User,
}

impl Pair {
    /// Hands the tokens out. A refresh token that goes into a cookie is not in the answer too, where
    /// scripts could read it.
    pub fn hand_out(signed_in: SignedIn, client: &Client) -> Self {
        let refresh_token = match &client.cookie {
            Some(cookie) => {
                cookie.set(signed_in.refresh_token);
                None
            }
            None => Some(signed_in.refresh_token.expose_secret().to_owned()),
        };
        Self {
            access_token: signed_in.access_token,
            refresh_token,
            expires_at: DateTime(signed_in.expires_at),
            user: User(signed_in.user),
        }
    }
}

fn in_cookie(client: &Client) -> Option<&str> {
    client.cookie.as_ref().and_then(|cookie| cookie.sent())
}

fn token_required() -> UserError {
    UserError::new(
        UserErrorCode::Required,
        ["refreshToken"],
        "Send the refresh token. (A cookie is taken from pages that may use one.)",
    )
}

fn token_invalid() -> UserError {
    UserError::new(
        UserErrorCode::TokenInvalid,
        ["refreshToken"],
        "The refresh token is unknown, expired or spent. Sign in again.",
    )
}
