//! An event of the audit log, as it is written and as it is read.

use crate::auth::{Denied, Viewer};
use crate::db::{DbError, Timestamp};
use entity::audit_event::Model;
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

macro_rules! actions {
    ($($(#[doc = $about:literal])+ $action:ident $name:literal,)+) => {
        /// What was done. Each domain adds its own; a name that stands in the log stays here.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum AuditAction {
            $($(#[doc = $about])+ $action,)+
        }

        impl AuditAction {
            /// Every action.
            pub const ALL: &'static [Self] = &[$(Self::$action,)+];

            /// Its name in the schema and in the database.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$action => $name,)+ }
            }

            /// What it means, with what stands in the old and the new value.
            #[must_use]
            pub fn about(self) -> &'static str {
                match self { $(Self::$action => concat!($($about),+).trim_start(),)+ }
            }
        }
    };
}

actions! {
    /// An account was made from the command line or at the first start. New: its role.
    UserCreated "USER_CREATED",
    /// An account got another role. Old and new: the role.
    UserRoleSet "USER_ROLE_SET",
    /// An account was closed, by an administrator or its owner.
    UserDeactivated "USER_DEACTIVATED",
    /// A closed account was opened again.
    UserReactivated "USER_REACTIVATED",
    /// The personal data of an account was erased, by an administrator or its owner.
    UserErased "USER_ERASED",
    /// An administrator signed an account out everywhere. New: how many sessions that ended.
    UserSessionsRevoked "USER_SESSIONS_REVOKED",
    /// An API token was made. New: its permissions, and when it ends.
    ApiTokenCreated "API_TOKEN_CREATED",
    /// An API token was ended.
    ApiTokenRevoked "API_TOKEN_REVOKED",
    /// An event that was refused for the last time is offered again.
    OutboxRetried "OUTBOX_RETRIED",
    /// A tax rate was set. New, and old if there was one: its place, its millionths, and whether
    /// shipping is taxed.
    TaxRateSet "TAX_RATE_SET",
    /// A tax rate was deleted. Old: as of one that is set.
    TaxRateDeleted "TAX_RATE_DELETED",
    /// A shipping method was set. New, and old if there was one: its code, where it goes, its prices
    /// in minor units, and whether it can be chosen.
    ShippingMethodSet "SHIPPING_METHOD_SET",
    /// A flash sale was set. New, and old if it was there: when it is, its pieces, its limit a
    /// customer, and its prices in minor units.
    FlashSaleSet "FLASH_SALE_SET",
    /// A flash sale was ended before its time, or taken back before it began. Old: as of one that is
    /// set.
    FlashSaleEnded "FLASH_SALE_ENDED",
    /// A provider was asked what it knows of a payment. Old: how the payment stood here.
    PaymentChecked "PAYMENT_CHECKED",
    /// Money that is set aside, or an attempt to pay, is to be let go, whoever carries it out. Old: how
    /// the payment stood.
    PaymentVoided "PAYMENT_VOIDED",
    /// Somebody looks after an alert.
    AlertAcknowledged "ALERT_ACKNOWLEDGED",
}

impl AuditAction {
    /// The action of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.name() == name)
    }
}

/// On whom or on what something was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuditSubject {
    /// An account, by its key.
    User(Uuid),
    /// An API token, by its key.
    ApiToken(Uuid),
    /// An event of the outbox, by its key.
    OutboxEvent(Uuid),
    /// An alert, by its key.
    Alert(Uuid),
    /// A flash sale, by its key.
    FlashSale(Uuid),
    /// A payment, by its key.
    Payment(Uuid),
    /// A tax rate, by its key.
    TaxRate(Uuid),
    /// A shipping method, by a key that [`AuditSubject::shipping_method`] makes of its code.
    ShippingMethod(Uuid),
}

impl AuditSubject {
    /// The shipping method of this code, which is all the key that it has.
    #[must_use]
    pub fn shipping_method(code: &str) -> Self {
        let mut key = [0; 16];
        for (byte, digest) in key.iter_mut().zip(Sha256::digest(code.as_bytes())) {
            *byte = digest;
        }
        Self::ShippingMethod(uuid::Builder::from_custom_bytes(key).into_uuid())
    }

    /// The kind as it stands in the database, and the key.
    #[must_use]
    pub const fn parts(self) -> (&'static str, Uuid) {
        match self {
            Self::User(id) => ("USER", id),
            Self::ApiToken(id) => ("API_TOKEN", id),
            Self::OutboxEvent(id) => ("OUTBOX_EVENT", id),
            Self::Alert(id) => ("ALERT", id),
            Self::FlashSale(id) => ("FLASH_SALE", id),
            Self::Payment(id) => ("PAYMENT", id),
            Self::TaxRate(id) => ("TAX_RATE", id),
            Self::ShippingMethod(id) => ("SHIPPING_METHOD", id),
        }
    }

    fn read(kind: &str, id: Uuid) -> Option<Self> {
        let all = [
            Self::User(id),
            Self::ApiToken(id),
            Self::OutboxEvent(id),
            Self::Alert(id),
            Self::FlashSale(id),
            Self::Payment(id),
            Self::TaxRate(id),
            Self::ShippingMethod(id),
        ];
        all.into_iter().find(|subject| subject.parts().0 == kind)
    }
}

/// Who did something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Actor {
    /// An account, by its key.
    User(Uuid),
    /// A program, by the key of its API token.
    ApiToken(Uuid),
    /// Somebody who was not signed in.
    Guest,
    /// The server itself: the command line and background work.
    System,
}

impl From<&Viewer> for Actor {
    fn from(viewer: &Viewer) -> Self {
        match viewer {
            Viewer::User { id, .. } => Self::User(*id),
            Viewer::Service { id, .. } => Self::ApiToken(*id),
            Viewer::Guest => Self::Guest,
            Viewer::System => Self::System,
        }
    }
}

/// An event to record.
///
/// The values are for what has to be compared later: roles, numbers, permissions. They never hold
/// personal data or free text, because an event is never changed, also not when an account is
/// erased.
#[derive(Debug, Clone)]
pub struct NewAuditEvent {
    pub(crate) action: AuditAction,
    pub(crate) subject: AuditSubject,
    pub(crate) old_value: Option<Value>,
    pub(crate) new_value: Option<Value>,
}

impl NewAuditEvent {
    /// That this was done, to this one.
    #[must_use]
    pub fn new(action: AuditAction, subject: AuditSubject) -> Self {
        Self { action, subject, old_value: None, new_value: None }
    }

    /// What was there before.
    #[must_use]
    pub fn old_value(self, value: impl Into<Value>) -> Self {
        Self { old_value: Some(value.into()), ..self }
    }

    /// What is there since.
    #[must_use]
    pub fn new_value(self, value: impl Into<Value>) -> Self {
        Self { new_value: Some(value.into()), ..self }
    }
}

/// An event of the log.
#[derive(Debug, Clone)]
pub struct AuditEvent {
    /// The key.
    pub id: Uuid,
    /// What was done; None when a newer version of the program wrote it.
    pub action: Option<AuditAction>,
    /// Who did it.
    pub actor: Actor,
    /// To whom or to what; None when a newer version of the program wrote it.
    pub subject: Option<AuditSubject>,
    /// What was there before, if anything can be said of it.
    pub old_value: Option<Value>,
    /// What is there since, if anything can be said of it.
    pub new_value: Option<Value>,
    /// The request that asked for it; None for the command line and background work.
    pub request_id: Option<String>,
    /// When.
    pub created_at: Timestamp,
}

impl From<Model> for AuditEvent {
    fn from(model: Model) -> Self {
        let actor = match (model.user_id, model.api_token_id) {
            (Some(id), _) => Actor::User(id),
            (None, Some(id)) => Actor::ApiToken(id),
            (None, None) if model.actor_kind == "GUEST" => Actor::Guest,
            (None, None) => Actor::System,
        };
        Self {
            id: model.id,
            action: AuditAction::from_name(&model.action),
            actor,
            subject: AuditSubject::read(&model.subject_kind, model.subject_id),
            old_value: model.old_value,
            new_value: model.new_value,
            request_id: model.request_id,
            created_at: model.created_at,
        }
    }
}

/// Which events to list. All that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct AuditFilter {
    /// Only of these actions.
    pub actions: Option<Vec<AuditAction>>,
    /// Only by this account or program.
    pub actor: Option<Actor>,
    /// Only on this one.
    pub subject: Option<AuditSubject>,
    /// Only of this request.
    pub request_id: Option<String>,
    /// Only at or after this time.
    pub created_gte: Option<Timestamp>,
    /// Only at or before this time.
    pub created_lte: Option<Timestamp>,
}

/// Why the log cannot be read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AuditError {
    /// Not allowed.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_what_they_name() {
        for action in AuditAction::ALL.iter().copied() {
            assert_eq!(AuditAction::from_name(action.name()), Some(action));
        }
        assert_eq!(AuditAction::from_name("NOTHING"), None);
        let id = Uuid::now_v7();
        for subject in [
            AuditSubject::User(id),
            AuditSubject::ApiToken(id),
            AuditSubject::OutboxEvent(id),
            AuditSubject::TaxRate(id),
            AuditSubject::shipping_method("standard"),
        ] {
            let (kind, key) = subject.parts();
            assert_eq!(AuditSubject::read(kind, key), Some(subject));
        }
        assert_eq!(AuditSubject::read("PLANET", id), None);
    }
}
