//! One connection: HTTP/1.1, with limits on the time of its peer. TLS and HTTP/2
//! are the business of the proxy in front.

use crate::config::TransportLimits;
use crate::http::patient_io::{Busy, PatientIo};
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use http::StatusCode;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::SocketAddr;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// A head larger than this is refused by 431. URLs of queries by GET have to fit.
const HEAD_BYTES: usize = 64 * 1024;

/// Serves one connection until it ends; once `stopping` is cancelled, only the request that runs.
pub async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    limits: TransportLimits,
    stopping: CancellationToken,
) {
    let busy = Busy::default();
    let io = PatientIo::new(stream, busy.clone(), limits.header_read, limits.write);
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        let (answer, busy) = (router.clone().oneshot(request), busy.clone());
        async move {
            busy.start();
            let answer = answer.await?;
            if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
                busy.finish();
            }
            Ok::<_, Infallible>(answer)
        }
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.idle).max_buf_size(HEAD_BYTES);
    let connection = http.serve_connection(TokioIo::new(io), service).with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        // Clients that vanish are no news.
        tracing::debug!(%error, "a connection ended early");
    }
}
