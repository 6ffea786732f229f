//! What HTTP and JSON cost by themselves: a server on axum that parses the body and writes the same
//! answers, which it holds as values in memory.

use crate::load::Connection;
use crate::operation::Operation;
use crate::server::Server;
use crate::shop::{Shop, ask};
use anyhow::Context;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::process::Command;

/// A GraphQL request, as far as it matters here.
#[derive(Deserialize)]
struct Request {
    query: String,
    #[serde(default)]
    variables: Variables,
}

#[derive(Deserialize, Default)]
struct Variables {
    #[serde(default)]
    after: String,
}

/// The answer to [`Operation::Page`], member by member.
#[derive(Serialize, Deserialize, Clone)]
struct Answer {
    data: Data,
}

#[derive(Serialize, Deserialize, Clone)]
struct Data {
    products: Products,
}

#[derive(Serialize, Deserialize, Clone)]
#[serde(rename_all = "camelCase")]
struct Products {
    nodes: Vec<Product>,
    page_info: PageInfo,
}

#[derive(Serialize, Deserialize, Clone)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

#[derive(Serialize, Deserialize, Clone)]
struct Product {
    id: String,
    name: String,
    slug: String,
    category: Option<Category>,
    variants: Variants,
}

#[derive(Serialize, Deserialize, Clone)]
struct Category {
    id: String,
    name: String,
    slug: String,
}

#[derive(Serialize, Deserialize, Clone)]
struct Variants {
    nodes: Vec<Variant>,
}

#[derive(Serialize, Deserialize, Clone)]
struct Variant {
    id: String,
    sku: String,
    name: String,
    price: Option<Price>,
    stock: Stock,
}

#[derive(Serialize, Deserialize, Clone)]
struct Price {
    amount: String,
    currency: String,
}

#[derive(Serialize, Deserialize, Clone)]
struct Stock {
    available: i64,
    status: String,
}

/// Writes down what Stockroom answers for each of the warm pages.
///
/// # Errors
/// When an answer has other members than expected, or an error.
pub async fn keep_answers(shop: &Shop, server: SocketAddr, file: &Path) -> anyhow::Result<()> {
    let mut connection = Connection::open(server).await?;
    let mut answers: HashMap<&str, Answer> = HashMap::new();
    for cursor in shop.warm_cursors() {
        let after = if cursor.is_empty() { json!({}) } else { json!({ "after": cursor }) };
        let answer = ask(&mut connection, Operation::WarmPage.document(), &after).await?;
        let kept: Answer = serde_json::from_value(answer.clone()).context("an unknown answer")?;
        anyhow::ensure!(serde_json::to_value(&kept)? == answer, "an answer was not kept whole");
        answers.insert(cursor, kept);
    }
    std::fs::write(file, serde_json::to_vec(&answers)?)?;
    Ok(())
}

/// Starts this program again, as that server.
///
/// # Errors
/// When it does not come up.
pub async fn start(answers: &Path, work: &Path) -> anyhow::Result<Server> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("ceiling").arg("--answers").arg(answers);
    let listen = |command: &mut Command, address: SocketAddr| {
        command.args(["--listen", &address.to_string()]);
    };
    Server::start(command, listen, "/ready", &work.join("ceiling.log")).await
}

/// Serves until the process ends.
///
/// # Errors
/// When the answers cannot be read, or the address is taken.
pub async fn serve(listen: SocketAddr, answers: &Path) -> anyhow::Result<()> {
    let answers: HashMap<String, Answer> = serde_json::from_slice(&std::fs::read(answers)?)?;
    let router = Router::new()
        .route("/graphql", post(answer))
        .route("/ready", get(|| async { "ready" }))
        .with_state(Arc::new(answers));
    let listener = tokio::net::TcpListener::bind(listen).await?;
    axum::serve(
        axum::serve::ListenerExt::tap_io(listener, |stream| {
            let _ = stream.set_nodelay(true);
        }),
        router,
    )
    .await
    .context("the server failed")
}

async fn answer(State(answers): State<Arc<HashMap<String, Answer>>>, body: String) -> Response {
    let request: Request = match serde_json::from_str(&body) {
        Ok(request) => request,
        Err(error) => return (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    };
    match answers.get(&request.variables.after) {
        Some(answer) if !request.query.is_empty() => axum::Json(answer).into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}
