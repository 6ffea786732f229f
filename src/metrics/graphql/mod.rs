//! Figures of the shop in the schema.

mod query;
mod subscription;
mod types;

pub use query::MetricsQuery;
pub use subscription::MetricsSubscription;

use crate::graphql::Fault;
use crate::metrics::MetricsError;

impl From<MetricsError> for Fault {
    fn from(error: MetricsError) -> Self {
        match error {
            MetricsError::Invalid(problems) => {
                let messages: Vec<String> =
                    problems.into_iter().map(|problem| problem.message).collect();
                Self::bad_user_input(messages.join(" "))
            }
            MetricsError::Denied(denied) => denied.into(),
            MetricsError::Db(error) => error.into(),
        }
    }
}
