//! `POST /webhooks/payments/{provider}`: what payment providers tell by themselves. Believed when
//! the signature over the raw body holds; any number of times, in any order.

use crate::app::UnheardKind;
use crate::http::media::Media;
use crate::http::observation::Observation;
use crate::http::state::HttpState;
use crate::http::{problem, request_body};
use crate::telemetry;
use axum::Extension;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;

/// Takes a provider's event. 204: it is written down and acted upon, now or before. Another status
/// has the provider send it again.
pub async fn payment_event(
    State(state): State<HttpState>,
    Extension(observation): Extension<Observation>,
    Path(provider): Path<String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let request_id = observation.request_id();
    let limits = &state.app.settings.transport;
    let body = match request_body::read(body, &parts.headers, limits).await {
        Ok(body) => body,
        Err(rejection) => return rejection.into_response(Media::Json, request_id),
    };
    let (app, id) = (state.app.clone(), request_id.clone());
    // To its end, although the provider may hang up.
    let hearing = state.app.lifecycle.tasks.spawn(async move {
        let hearing = app.hear_payment_event(&provider, &parts.headers, &body);
        telemetry::correlated(id.as_str(), Box::pin(hearing)).await
    });
    let unheard = match hearing.await {
        Ok(Ok(())) => return StatusCode::NO_CONTENT.into_response(),
        Ok(Err(unheard)) => unheard,
        Err(_) => {
            let detail = "Send it again in a moment.";
            return problem::respond(StatusCode::INTERNAL_SERVER_ERROR, detail, request_id);
        }
    };
    let status = match unheard.kind() {
        UnheardKind::Unknown => StatusCode::NOT_FOUND,
        UnheardKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        UnheardKind::NotBelieved => StatusCode::UNAUTHORIZED,
        UnheardKind::Malformed => StatusCode::BAD_REQUEST,
        UnheardKind::Later => {
            tracing::error!(error = %unheard, "an event of a payment provider was not written");
            let detail = "Send it again in a moment.";
            return problem::respond(StatusCode::SERVICE_UNAVAILABLE, detail, request_id);
        }
    };
    problem::respond(status, &format!("The event is refused: {unheard}."), request_id)
}
