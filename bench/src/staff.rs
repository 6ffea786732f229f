//! Whoever may do what guests may not.

use crate::load::Connection;
use crate::server::Stockroom;
use crate::shop::ask;
use anyhow::Context;
use serde_json::{Value, json};
use std::net::SocketAddr;

const ADMIN: (&str, &str) = ("bench@example.com", "a passphrase of the benchmark");

/// Makes an administrator.
///
/// # Errors
/// When there is one already.
pub async fn create(stockroom: &Stockroom) -> anyhow::Result<()> {
    let (email, password) = ADMIN;
    let create = ["admin", "create", "--email", email, "--password", password];
    stockroom.run(&create, &[]).await.map(drop)
}

/// A connection of the administrator.
///
/// # Errors
/// When the server does not know them.
pub async fn signed_in(server: SocketAddr) -> anyhow::Result<Connection> {
    let mut connection = Connection::open(server).await?;
    let (email, password) = ADMIN;
    let query = "mutation ($email: String!, $password: String!) {
        tokenCreate(input: { email: $email, password: $password }) { accessToken } }";
    let answer =
        ask(&mut connection, query, &json!({ "email": email, "password": password })).await?;
    let token = answer.pointer("/data/tokenCreate/accessToken").and_then(Value::as_str);
    connection.authorization = Some(format!("Bearer {}", token.context("not signed in")?));
    Ok(connection)
}
