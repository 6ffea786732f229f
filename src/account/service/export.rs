//! Everything that is kept about an account, for its owner.

use crate::account::jobs;
use crate::account::service::address_book::book_of;
use crate::account::service::change::own;
use crate::account::{AccountError, Accounts};
use crate::audit::{Actor, AuditAction, AuditEvent, AuditLog, AuditSubject};
use crate::auth::{Denied, Viewer};
use crate::db::Timestamp;
use crate::jobs::{JobNote, find_about};
use chrono::SecondsFormat;
use entity::{account_token, address, session, user_account};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryTrait};
use serde_json::{Value, json};

impl Accounts {
    /// Everything that is kept about the account that asks, but for the hashes of its secrets.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn export(&self, viewer: &Viewer) -> Result<Value, AccountError> {
        let id = own(viewer)?;
        let query = user_account::Entity::find_by_id(id).into_query();
        let account: Option<user_account::Model> = self.db.one(&query).await?;
        let account = account.ok_or(Denied::Unauthenticated)?;
        let query = book_of(Expr::col(address::Column::UserId).eq(id));
        let addresses: Vec<address::Model> = self.db.all(&query).await?;
        let query = session::Entity::find().filter(session::Column::UserId.eq(id)).into_query();
        let sessions: Vec<session::Model> = self.db.all(&query).await?;
        let query =
            account_token::Entity::find().filter(account_token::Column::UserId.eq(id)).into_query();
        let links: Vec<account_token::Model> = self.db.all(&query).await?;
        let subjects = [jobs::of_user(id), jobs::of_address(&account.email_key)];
        let mails = find_about(&self.db, &subjects).await?;
        let events = AuditLog::all_about(&self.db, AuditSubject::User(id)).await?;
        let mut exported = json!({
            "exportedAt": time(self.db.now()),
            "account": {
                "email": account.email,
                "emailVerified": account.email_verified,
                "name": account.name,
                "role": account.role,
                "active": account.active,
                "createdAt": time(account.created_at),
                "updatedAt": time(account.updated_at),
            },
            "addresses": addresses.iter().map(of_address).collect::<Value>(),
            "sessions": sessions.iter().map(of_session).collect::<Value>(),
            "mailedLinks": links.iter().map(of_link).collect::<Value>(),
            "jobs": mails.iter().map(of_job).collect::<Value>(),
            "auditEvents": events.iter().map(of_event).collect::<Value>(),
        });
        for belongings in self.belongings.iter() {
            let all = belongings.export(id).await?;
            if let Some(exported) = exported.as_object_mut() {
                exported.insert(belongings.name().to_owned(), all);
            }
        }
        Ok(exported)
    }
}

fn of_address(address: &address::Model) -> Value {
    json!({
        "name": address.name,
        "line1": address.line1,
        "line2": address.line2,
        "city": address.city,
        "region": address.region,
        "postalCode": address.postal_code,
        "country": address.country,
        "isDefaultShipping": address.is_default_shipping,
        "isDefaultBilling": address.is_default_billing,
        "createdAt": time(address.created_at),
        "updatedAt": time(address.updated_at),
    })
}

fn of_session(session: &session::Model) -> Value {
    json!({
        "userAgent": session.user_agent,
        "createdAt": time(session.created_at),
        "lastUsedAt": time(session.last_used_at),
        "expiresAt": time(session.expires_at),
        "revokedAt": session.revoked_at.map(time),
    })
}

fn of_link(link: &account_token::Model) -> Value {
    json!({
        "purpose": link.purpose,
        "mailedTo": link.email,
        "createdAt": time(link.created_at),
        "expiresAt": time(link.expires_at),
        "usedAt": link.used_at.map(time),
    })
}

fn of_job(job: &JobNote) -> Value {
    json!({
        "kind": job.kind,
        "state": job.status,
        "createdAt": time(job.created_at),
        "finishedAt": job.finished_at.map(time),
    })
}

/// What was done to the account. Who did it is told when it was the owner, and nobody else.
fn of_event(event: &AuditEvent) -> Value {
    let by_owner = match (event.actor, event.subject) {
        (Actor::User(actor), Some(AuditSubject::User(owner))) => actor == owner,
        _ => false,
    };
    json!({
        "action": event.action.map(AuditAction::name),
        "byYou": by_owner,
        "oldValue": event.old_value,
        "newValue": event.new_value,
        "createdAt": time(event.created_at),
    })
}

fn time(time: Timestamp) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
