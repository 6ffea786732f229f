//! GraphQL over WebSockets, by `graphql-transport-ws` on the path of the queries. Written here and
//! not taken from the engine's integration, which bounds neither time nor number nor size.

mod close;
mod delay;
mod guard;
mod message;
mod operation;
mod pace;
mod registry;
mod session;
mod signed_in;
mod wire;

pub use crate::http::socket::registry::Registry;

use crate::auth::Identity;
use crate::graphql::code;
use crate::http::answer::Rejection;
use crate::http::observation::Observation;
use crate::http::origin;
use crate::http::socket::registry::Holder;
use crate::http::socket::session::Session;
use crate::http::socket::wire::Wire;
use crate::http::state::HttpState;
use crate::http::{client_address, endpoint};
use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::extract::ws::WebSocketUpgrade;
use axum::response::Response;
use http::{HeaderMap, Request, StatusCode, header};
use tracing::Instrument;

const SUBPROTOCOL: &str = "graphql-transport-ws";

/// Whether the request asks for a WebSocket.
pub fn is_upgrade(headers: &HeaderMap) -> bool {
    let upgrade = headers.get(header::UPGRADE).and_then(|value| value.to_str().ok());
    upgrade.is_some_and(|upgrade| upgrade.eq_ignore_ascii_case("websocket"))
}

/// Opens the socket, or says why not.
///
/// # Errors
/// A page of a foreign origin asks, the subprotocol is another, or there are too many sockets.
pub async fn upgrade(
    state: &HttpState,
    observation: &Observation,
    request: Request<Body>,
) -> Result<Response, Rejection> {
    let app = &state.app;
    let limits = app.settings.transport.sockets.clone();
    let (mut parts, _) = request.into_parts();
    if !origin::is_welcome(&parts.headers, &app.settings.cors_allowed_origins) {
        let message = "Pages of this origin may not open sockets: see CORS_ALLOWED_ORIGINS.";
        return Err(Rejection::new(StatusCode::FORBIDDEN, code::FORBIDDEN, message));
    }
    let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, state).await;
    let upgrade = upgrade
        .map_err(|rejection| refuse(rejection.status(), "This is no sound WebSocket handshake."))?
        .protocols([SUBPROTOCOL])
        .max_message_size(limits.message_bytes)
        .max_frame_size(limits.message_bytes);
    if upgrade.selected_protocol().is_none() {
        let message = "The subprotocol must be graphql-transport-ws.";
        return Err(refuse(StatusCode::BAD_REQUEST, message));
    }
    let process = state.sockets.take(Holder::Process, limits.per_process).ok_or_else(|| {
        Rejection::busy("The server holds as many sockets as it can. Try again in a moment.")
    })?;
    let mut client = endpoint::client(&Identity::GUEST, &parts.headers);
    client.address = client_address::of_request(&parts, &app.settings.transport.trusted_proxies);
    let address = match Holder::address(client.address) {
        Some(holder) => {
            let seat = state.sockets.take(holder, limits.per_address);
            Some(seat.ok_or_else(too_many_of_one_address)?)
        }
        None => None,
    };
    let seats = [Some(process), address].into_iter().flatten().collect();
    let session = Session::new(state.clone(), &parts.headers, client, seats);
    let span = tracing::info_span!("socket", socket_id = %observation.request_id());
    let tasks = app.lifecycle.tasks.clone();
    Ok(upgrade.on_upgrade(move |socket| {
        let wire = Wire::new(socket, limits.write);
        tasks.track_future(session.run(wire).instrument(span))
    }))
}

fn refuse(status: StatusCode, message: &str) -> Rejection {
    Rejection::new(status, code::BAD_USER_INPUT, message)
}

fn too_many_of_one_address() -> Rejection {
    let message = "Your address holds as many sockets as it may. Close one, or try again later.";
    Rejection::new(StatusCode::TOO_MANY_REQUESTS, code::RATE_LIMITED, message).retry_after(10)
}
