//! Looks again at whoever holds a socket, when the bus tells of their account and now and then
//! without: a session that was ended, an account that was closed and a role that was taken away end
//! the socket with what runs on it.

use crate::app::App;
use crate::auth::Viewer;
use crate::graphql::{Fault, code};
use crate::http::authorization::identity_of;
use rand::RngExt;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// The pause after a look that the database did not answer.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Over so long the looks are spread that follow when nobody knows what was missed.
const SPREAD: Duration = Duration::from_secs(5);

/// Guards one socket until it is dropped.
pub struct Guard {
    ended: CancellationToken,
    _task: AbortOnDropHandle<()>,
}

impl Guard {
    /// Guards the socket of a viewer who was read when so many pieces of news were `heard`.
    pub fn new(app: Arc<App>, token: Arc<str>, viewer: Viewer, heard: u64) -> Self {
        let ended = CancellationToken::new();
        let Some(user) = viewer.holder_id() else {
            let idle = AbortOnDropHandle::new(tokio::spawn(std::future::ready(())));
            return Self { ended, _task: idle };
        };
        let mut news = app.account_watch.of(user);
        let (end, most) = (ended.clone(), app.settings.transport.sockets.look);
        let work = async move {
            let mut pause = match app.account_watch.heard() == heard {
                true => a_while(most),
                // Something came between reading the account and waiting for its news.
                false => Duration::ZERO,
            };
            loop {
                tokio::select! {
                    is_certain = news.next() => {
                        if !is_certain {
                            let part = rand::rng().random_range(0.0..1.0);
                            let spread = tokio::time::sleep(SPREAD.mul_f64(part));
                            tokio::pin!(spread);
                            // News that is certain does not wait.
                            while tokio::select! {
                                is_certain = news.next() => !is_certain,
                                () = &mut spread => false,
                            } {}
                        }
                    }
                    () = tokio::time::sleep(pause) => {}
                }
                pause = match identity_of(&app, Some(&token)).await {
                    Ok(identity) if identity.viewer == viewer => a_while(most),
                    Ok(_) | Err(Fault { code: code::UNAUTHENTICATED, .. }) => {
                        return end.cancel();
                    }
                    Err(_) => LOOK_AGAIN,
                };
            }
        };
        Self { ended, _task: AbortOnDropHandle::new(tokio::spawn(work)) }
    }

    /// Waits until the holder may no longer.
    pub async fn ended(&self) {
        self.ended.cancelled().await;
    }
}

/// Up to so long: sockets that were opened together do not all look together.
fn a_while(most: Duration) -> Duration {
    most.mul_f64(rand::rng().random_range(0.8..1.0))
}
