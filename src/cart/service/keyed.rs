//! Idempotency keys of mutations on carts. What a guest sends is kept under a hash of the cart's key:
//! guests have no other name.

use crate::auth::Viewer;
use crate::cart::service::Carts;
use crate::cart::{CartError, LineWarning};
use crate::db::Tx;
use crate::idempotency::{Claim, IdempotencyKey};
use crate::validation::{Problem, ProblemKind};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Characters of a guest's key for a new cart at least.
const GUEST_KEY_CHARS: usize = 16;

/// What became of a mutation.
#[derive(Clone, Serialize, Deserialize)]
pub struct Changed {
    /// The cart.
    pub cart_id: Uuid,
    /// What differs from the ask.
    pub warnings: Vec<LineWarning>,
    /// Whether this repeats an earlier answer.
    #[serde(skip)]
    pub replayed: bool,
}

impl Carts {
    /// Runs a mutation in a transaction, once for each key.
    pub(super) async fn keyed<F, Fut>(
        &self,
        key: Option<IdempotencyKey>,
        body: F,
    ) -> Result<Changed, CartError>
    where
        F: Fn(Tx) -> Fut,
        Fut: Future<Output = Result<(Uuid, Vec<LineWarning>), CartError>>,
    {
        let (key, body) = (key.as_ref(), &body);
        self.db
            .tx(|tx| async move {
                if let Some(key) = key
                    && let Claim::Earlier(earlier) = key.claim_in_txn::<Changed>(&tx).await?
                {
                    return Ok(Changed { replayed: true, ..earlier });
                }
                let done = body(tx.clone()).await.map_err(CartError::or_again)?;
                let changed = Changed { cart_id: done.0, warnings: done.1, replayed: false };
                if let Some(key) = key {
                    key.record_in_txn(&tx, &changed).await?;
                }
                Ok(changed)
            })
            .await
    }
}

/// Binds the key of a mutation on a cart.
pub(super) fn bind(
    viewer: &Viewer,
    cart_id: Uuid,
    operation: &'static str,
    key: Option<&str>,
    input: &impl Serialize,
) -> Result<Option<IdempotencyKey>, Problem> {
    let scope = match viewer {
        Viewer::Guest => {
            let hash = Sha256::digest(cart_id.as_bytes());
            let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("guest:{hash}")
        }
        _ => viewer.scope(),
    };
    key.map(|key| IdempotencyKey::bind(scope, operation, key, &(cart_id, input))).transpose()
}

/// Binds the key of a mutation that makes a cart. A guest holds nothing yet but this key: whoever
/// could guess it would be given the cart.
pub(super) fn bind_new(
    viewer: &Viewer,
    operation: &'static str,
    key: Option<&str>,
    input: &impl Serialize,
) -> Result<Option<IdempotencyKey>, Problem> {
    if *viewer == Viewer::Guest && key.is_some_and(|key| key.len() < GUEST_KEY_CHARS) {
        let message = format!(
            "Take a key that nobody can guess, of at least {GUEST_KEY_CHARS} characters, such as \
             a random UUID: until you are signed in, it alone says that the cart is yours."
        );
        return Err(Problem::new(ProblemKind::Invalid, ["idempotencyKey"], message));
    }
    key.map(|key| IdempotencyKey::bind(viewer.scope(), operation, key, input)).transpose()
}
