//! Accepts connections until the server stops, and then lets those that are open end.

use crate::app::App;
use crate::config::TransportLimits;
use crate::http::connection;
use axum::Router;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long to wait when the system has no file descriptor left for another connection.
const PAUSE_WHEN_FULL: Duration = Duration::from_millis(50);

/// Connections at once to the listener that tells figures alone.
const METRICS_CONNECTIONS: usize = 32;

/// Serves the application on a listener. Ends when the application stops and the requests under
/// way have ended, or their time is over.
pub async fn serve(app: App, listener: TcpListener) {
    let router = crate::http::router(app.clone());
    let limits = app.settings.transport.clone();
    let stopping = app.lifecycle.stopping.clone();
    let connections = TaskTracker::new();
    accept_until(stopping, listener, &connections, (router, limits.clone())).await;
    connections.close();
    app.lifecycle.tasks.close();
    let ended = async { tokio::join!(connections.wait(), app.lifecycle.tasks.wait()) };
    if tokio::time::timeout(limits.drain, ended).await.is_err() {
        tracing::warn!(
            connections = connections.len(),
            operations = app.lifecycle.tasks.len(),
            "what was under way did not end in time"
        );
    }
    app.lifecycle.end().await;
}

/// Serves figures of the process on a listener of their own, to the end of the background work:
/// also while requests end.
pub async fn serve_metrics(app: App, listener: TcpListener) {
    let router = crate::http::metrics::router(app.clone());
    let limits =
        TransportLimits { connections: METRICS_CONNECTIONS, ..app.settings.transport.clone() };
    let (ended, connections) = (app.lifecycle.ended.clone(), app.lifecycle.background.clone());
    accept_until(ended, listener, &connections, (router, limits)).await;
}

/// Serves each connection in a task of its own; accepts no more once it stops.
async fn accept_until(
    stopping: CancellationToken,
    listener: TcpListener,
    connections: &TaskTracker,
    (router, limits): (Router, TransportLimits),
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = stopping.cancelled() => return,
        };
        match accepted {
            Ok((stream, peer, place)) => {
                // Without this a small answer may wait for the acknowledgement of the one before.
                let _ = stream.set_nodelay(true);
                let (router, limits) = (router.clone(), limits.clone());
                let served = connection::serve(stream, peer, router, limits, stopping.clone());
                connections.spawn(async move {
                    served.await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE_WHEN_FULL).await;
            }
        }
    }
}

/// The next connection, once there is a place for it; until then it waits in the system's queue.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> std::io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, place))
}
