//! The document front: every GraphQL document, over HTTP and over sockets, passes here before the
//! engine sees it. It bounds, parses, validates, chooses the operation, coerces variables, and
//! hands the engine a form that the engine executes as the specification wants.
//!
//! A document is read once in its life: after that a request looks it up by the hash of its
//! text, coerces its variables and copies the engine's form.

mod coercion;
mod cost;
mod counting;
mod inputs;
mod inspection;
mod lexing;
mod limits;
mod literals;
mod lowering;
mod operation;
mod params;
mod persisted;
mod position;
mod refusal;
mod scalars;
mod sharing;
mod suggestion;
mod switches;
#[cfg(test)]
mod tests;
mod types;
mod validation;

use std::sync::Arc;

use async_graphql::Request;
use moka::sync::Cache;
use sha2::{Digest, Sha256};

use crate::graphql::document::coercion::coerce_variables;
use crate::graphql::document::operation::Document;
use crate::graphql::document::persisted::{hash_of, named_hash};
use crate::graphql::document::types::TypeSystem;

pub use crate::graphql::document::limits::Limits;
pub use crate::graphql::document::params::{
    Access, Budget, GraphqlParams, JsonObject, OperationKind, Transport,
};
pub use crate::graphql::document::persisted::DocumentHash;
pub use crate::graphql::document::refusal::{DocumentError, Location, RefusalKind, Refused};
pub use crate::graphql::document::scalars::Scalars;
pub use crate::graphql::document::sharing::{Shared, SharedFields};
pub use crate::graphql::document::types::SchemaError;

/// The front of one schema. Cheap to clone; clones share the cache.
#[derive(Clone)]
pub struct DocumentFront {
    parts: Arc<Parts>,
}

struct Parts {
    types: TypeSystem,
    limits: Limits,
    documents: Cache<DocumentHash, Arc<Document>>,
    shared_fields: sharing::Table,
}

/// A request that the engine may execute.
#[derive(Debug)]
pub struct Prepared {
    /// For the engine: canonical text, coerced variables, operation name and parsed form.
    pub request: Request,
    /// Kind of the operation.
    pub kind: OperationKind,
    /// Name of the operation, if it has one.
    pub operation_name: Option<String>,
    /// SHA-256 of the document's text as the client wrote it.
    pub document_hash: DocumentHash,
    /// Names (not aliases) of the root fields that are executed, in order.
    pub root_fields: Vec<String>,
    /// Fields that are executed per object, fragments dissolved.
    pub fields: u32,
    /// Objects that the answer may hold: at least 1.
    pub cost: u32,
    /// Whether all guests get one answer.
    pub shared: Option<Shared>,
}

impl Prepared {
    /// A hash of what was asked: document, operation and variables.
    #[must_use]
    pub fn question(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.document_hash);
        let name = self.operation_name.as_deref().unwrap_or_default();
        hash.update(name.len().to_be_bytes());
        hash.update(name);
        // Plain values always become JSON; were they not to, the question is asked for nobody else.
        match serde_json::to_vec(&self.request.variables) {
            Ok(variables) => hash.update(variables),
            Err(_) => hash.update(uuid::Uuid::new_v4()),
        }
        hash.finalize().into()
    }
}

impl DocumentFront {
    /// Reads the SDL that the engine prints. `scalars` knows every scalar that the schema defines.
    ///
    /// # Errors
    /// The SDL is not a valid schema, or one of its scalars has no check.
    pub fn new(sdl: &str, limits: Limits, scalars: Scalars) -> Result<Self, SchemaError> {
        Self::sharing(sdl, limits, scalars, &[])
    }

    /// The same, of a schema in which these fields have one answer for all guests.
    ///
    /// # Errors
    /// As for [`DocumentFront::new`].
    pub fn sharing(
        sdl: &str,
        limits: Limits,
        scalars: Scalars,
        fields: SharedFields,
    ) -> Result<Self, SchemaError> {
        let types = TypeSystem::new(sdl, scalars)?;
        let documents = Cache::new(limits.documents);
        let shared_fields = fields.iter().copied().collect();
        Ok(Self { parts: Arc::new(Parts { types, limits, documents, shared_fields }) })
    }

    /// Makes a request ready for the engine.
    ///
    /// # Errors
    /// Everything a client can do wrong before execution; see `RefusalKind`.
    pub fn prepare(
        &self,
        params: GraphqlParams,
        transport: Transport,
        access: Access,
    ) -> Result<Prepared, Refused> {
        let Parts { types, limits, .. } = &*self.parts;
        let named = named_hash(params.extensions.as_ref())?;
        let (document_hash, document) = self.document(params.query, named)?;
        if !limits.introspection && !access.introspection {
            document.refuse_introspection()?;
        }
        let operation = document.choose(params.operation_name.as_deref())?;
        if transport == Transport::Get && operation.kind != OperationKind::Query {
            let message = "GET runs queries only: send mutations and subscriptions otherwise.";
            return Err(Refused::new(RefusalKind::MethodNotAllowed, message));
        }
        let sent = params.variables.unwrap_or_default();
        let variables = coerce_variables(types, limits, operation, sent)?;
        let shape = document.shape(operation, &variables, types, limits)?;
        let cost = shape.cost.total(&variables, limits).max(1);
        let highest = match access.budget {
            Budget::Guest => limits.cost_guest,
            Budget::SignedIn => limits.cost_signed_in,
        };
        let cost = match u32::try_from(cost) {
            Ok(cost) if cost <= highest => cost,
            _ => {
                let message = format!(
                    "The operation may answer with {cost} objects; {highest} are allowed. \
                     Ask for smaller pages or fewer nested lists."
                );
                return Err(Refused::new(RefusalKind::TooComplex, message));
            }
        };
        let operation_name = operation.operation.name.as_ref().map(ToString::to_string);
        let mut request = Request::new(operation.printed.as_str()).variables(variables);
        request.operation_name.clone_from(&operation_name);
        request.set_parsed_query(shape.parsed.clone());
        Ok(Prepared {
            request,
            kind: operation.kind,
            operation_name,
            document_hash,
            root_fields: shape.root_fields.clone(),
            fields: shape.fields,
            cost,
            shared: operation.shared,
        })
    }

    /// Finds a document by text or by hash, reading it if it is new.
    fn document(
        &self,
        text: Option<String>,
        named: Option<DocumentHash>,
    ) -> Result<(DocumentHash, Arc<Document>), Refused> {
        let Parts { types, limits, documents, shared_fields } = &*self.parts;
        let Some(text) = text else {
            let hash = named.ok_or_else(|| {
                Refused::new(RefusalKind::QueryMissing, "The request holds no \"query\".")
            })?;
            // The message is what clients of the protocol look for.
            let document = documents.get(&hash).ok_or_else(|| {
                Refused::new(RefusalKind::PersistedQueryNotFound, "PersistedQueryNotFound")
            })?;
            return Ok((hash, document));
        };
        // Before hashing: a text of any length must be refused at once.
        lexing::check_length(&text, limits)?;
        let hash = hash_of(&text);
        if named.is_some_and(|named| named != hash) {
            let message = "The hash of \"extensions.persistedQuery\" is not that of the query.";
            return Err(Refused::new(RefusalKind::PersistedQueryMismatch, message));
        }
        if let Some(document) = documents.get(&hash) {
            return Ok((hash, document));
        }
        let read = validation::read(&text, types, limits)?;
        let document = Arc::new(Document::new(text, read, types, shared_fields)?);
        documents.insert(hash, Arc::clone(&document));
        Ok((hash, document))
    }
}
