//! GraphQL over HTTP: POST in JSON for every operation but subscriptions, GET for queries.

use crate::auth::{Client, Identity, Permission, Viewer};
use crate::cache::Asked;
use crate::graphql::code;
use crate::graphql::document::{Access, Budget, GraphqlParams, OperationKind, Transport};
use crate::http::answer::{Rejection, respond, to_json};
use crate::http::execution::{Asker, run};
use crate::http::media::{Media, is_json};
use crate::http::observation::Observation;
use crate::http::request_id::RequestId;
use crate::http::state::HttpState;
use crate::http::{authorization, client_address, refresh_cookie, request_body, socket};
use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use std::borrow::Cow;
use std::sync::Arc;

type Request = axum::http::Request<Body>;

/// `POST /graphql`.
pub async fn post(
    State(state): State<HttpState>,
    Extension(observation): Extension<Observation>,
    request: Request,
) -> Response {
    answer(&state, &observation, request, Transport::Post).await
}

/// `GET /graphql`: a query, or the handshake of a WebSocket.
pub async fn get(
    State(state): State<HttpState>,
    Extension(observation): Extension<Observation>,
    request: Request,
) -> Response {
    if socket::is_upgrade(request.headers()) {
        let opened = socket::upgrade(&state, &observation, request).await;
        return opened.unwrap_or_else(|rejection| {
            observation.rejected(rejection.code());
            rejection.into_response(Media::Json, observation.request_id())
        });
    }
    answer(&state, &observation, request, Transport::Get).await
}

/// Any other method on `/graphql`.
pub async fn method_not_allowed(Extension(observation): Extension<Observation>) -> Response {
    let message = "GraphQL takes POST, and GET for queries.";
    Rejection::new(StatusCode::METHOD_NOT_ALLOWED, code::METHOD_NOT_ALLOWED, message)
        .with_header(header::ALLOW, HeaderValue::from_static("GET, POST"))
        .into_response(Media::Json, observation.request_id())
}

async fn answer(
    state: &HttpState,
    observation: &Observation,
    request: Request,
    transport: Transport,
) -> Response {
    observation.is_graphql();
    let request_id = observation.request_id();
    let Some(media) = Media::negotiate(request.headers()) else {
        let message = "Accept must allow application/graphql-response+json or application/json.";
        let rejection = Rejection::new(StatusCode::NOT_ACCEPTABLE, code::BAD_USER_INPUT, message);
        return rejection.into_response(Media::Json, request_id);
    };
    let result = match transport {
        Transport::Get => execute_get(state, observation, request, media).await,
        _ => execute_post(state, observation, request, media).await,
    };
    result.unwrap_or_else(|rejection| {
        observation.rejected(rejection.code());
        rejection.into_response(media, request_id)
    })
}

async fn execute_post(
    state: &HttpState,
    observation: &Observation,
    request: Request,
    media: Media,
) -> Result<Response, Rejection> {
    let (parts, body) = request.into_parts();
    if !is_json(&parts.headers) {
        return Err(Rejection::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            code::BAD_USER_INPUT,
            "Content-Type must be application/json, in UTF-8.",
        ));
    }
    let body = request_body::read(body, &parts.headers, &state.app.settings.transport).await?;
    let params = request_body::params(&body)?;
    execute(state, observation, &parts, params, Transport::Post, media).await
}

async fn execute_get(
    state: &HttpState,
    observation: &Observation,
    request: Request,
    media: Media,
) -> Result<Response, Rejection> {
    let (parts, _) = request.into_parts();
    let params = params_of_url(parts.uri.query().unwrap_or_default())?;
    execute(state, observation, &parts, params, Transport::Get, media).await
}

/// The parameters in a URL. One that is there twice means that two readers of the request may see
/// different ones.
fn params_of_url(query: &str) -> Result<GraphqlParams, Rejection> {
    let mut found: [Option<String>; 4] = Default::default();
    let [text, operation_name, variables, extensions] = &mut found;
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let slot = match name.as_ref() {
            "query" => &mut *text,
            "operationName" => &mut *operation_name,
            "variables" => &mut *variables,
            "extensions" => &mut *extensions,
            _ => continue,
        };
        if slot.replace(Cow::into_owned(value)).is_some() {
            let message = format!("The parameter \"{name}\" is there twice.");
            return Err(Rejection::new(StatusCode::BAD_REQUEST, code::BAD_USER_INPUT, message));
        }
    }
    let [text, operation_name, variables, extensions] = found;
    let (variables, extensions) = (variables.as_deref(), extensions.as_deref());
    Ok(GraphqlParams::from_url(text, operation_name, variables, extensions)?)
}

async fn execute(
    state: &HttpState,
    observation: &Observation,
    parts: &Parts,
    params: GraphqlParams,
    transport: Transport,
    media: Media,
) -> Result<Response, Rejection> {
    let app = &state.app;
    let permit = Arc::clone(&state.gate).try_acquire_owned().map_err(|_| Rejection::too_much())?;
    let identity = authorization::identity(app, &parts.headers).await?;
    let viewer = identity.viewer;
    observation.asked_by(&viewer);
    let prepared = app.front.prepare(params, transport, access(&viewer))?;
    observation.prepared(&prepared);
    if prepared.kind == OperationKind::Subscription {
        return Err(Rejection::new(
            StatusCode::BAD_REQUEST,
            code::BAD_USER_INPUT,
            "Subscriptions run over a WebSocket on this path, by graphql-transport-ws.",
        ));
    }
    let lead = match &app.responses {
        Some(responses) if viewer == Viewer::Guest && prepared.shared.is_some() => {
            match responses.ask(prepared.question()).await {
                Asked::Answered(body) => {
                    observation.reused();
                    return Ok(respond(StatusCode::OK, media, body));
                }
                Asked::Lead(lead) => Some(lead),
                Asked::Alone => None,
            }
        }
        _ => None,
    };
    let reads = lead.as_ref().map(|lead| lead.reads().clone()).unwrap_or_default();
    if prepared.shared.is_some_and(|shared| shared.filtered) {
        reads.note_all_stock();
    }
    let cookie = match transport {
        Transport::Post => refresh_cookie::read(&parts.headers, &app.settings),
        _ => None,
    };
    let mut client = client(&identity, &parts.headers);
    client.address = client_address::of_request(parts, &app.settings.transport.trusted_proxies);
    client.cookie = cookie;
    let request_id = RequestId::clone(observation.request_id());
    let asker = Asker { viewer, client, request_id };
    let run = run(state, prepared, &asker, permit, &reads).await?;
    observation.executed(&run);
    let mut response = match lead {
        Some(lead) if run.execution.is_plain() => {
            let body = to_json(&run.execution);
            lead.keep(&body);
            respond(StatusCode::OK, media, body)
        }
        lead => {
            if let Some(lead) = lead {
                lead.keep_nothing();
            }
            run.execution.into_response(media)
        }
    };
    let change = asker.client.cookie.and_then(|cookie| cookie.take_change());
    if let Some(change) = change {
        let value = refresh_cookie::write(&change, &app.settings);
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    Ok(response)
}

/// What is known of the client, but for a cookie.
pub fn client(identity: &Identity, headers: &http::HeaderMap) -> Client {
    let user_agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let mut client = Client::default().with_user_agent(user_agent);
    client.session = identity.session;
    client
}

/// What the viewer may do with a document.
pub fn access(viewer: &Viewer) -> Access {
    let budget = match viewer {
        Viewer::Guest => Budget::Guest,
        Viewer::User { .. } | Viewer::Service { .. } | Viewer::System => Budget::SignedIn,
    };
    Access { budget, introspection: viewer.can(Permission::SchemaIntrospect) }
}
