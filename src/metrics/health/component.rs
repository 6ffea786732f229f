//! The parts of the server that can be well or not, and how well they can be.

use serde::Serialize;
use std::time::Duration;

/// A part of the server that can be away while others work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Component {
    /// Where everything is kept.
    Database,
    /// What replicas share: Redis, where there is one.
    Cache,
    /// What others are told.
    Events,
    /// The way that mail goes out.
    Mail,
    /// Work apart from requests.
    Worker,
    /// The payment providers.
    Payments,
}

impl Component {
    /// All of them, in the order in which they are told of.
    pub const ALL: [Self; 6] =
        [Self::Database, Self::Cache, Self::Events, Self::Mail, Self::Worker, Self::Payments];

    /// Its name, in the schema and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Database => "DATABASE",
            Self::Cache => "CACHE",
            Self::Events => "EVENTS",
            Self::Mail => "MAIL",
            Self::Worker => "WORKER",
            Self::Payments => "PAYMENTS",
        }
    }

    /// The component of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|component| component.name() == name)
    }

    /// How well the server is without it.
    #[must_use]
    pub const fn without(self) -> Health {
        match self {
            Self::Database => Health::Unhealthy,
            // Without Redis everything works, and each replica for itself. Without a worker requests
            // are answered; what follows from them waits. Without payments all but paying works.
            Self::Cache | Self::Events | Self::Mail | Self::Worker | Self::Payments => {
                Health::Degraded
            }
        }
    }
}

/// How well the server, or a component, is; the worse the larger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// As it should be.
    Healthy,
    /// Serves, without something that it has otherwise.
    Degraded,
    /// Does not serve.
    Unhealthy,
}

impl Health {
    /// Its name, in the schema and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Healthy => "HEALTHY",
            Self::Degraded => "DEGRADED",
            Self::Unhealthy => "UNHEALTHY",
        }
    }

    /// The state of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Healthy, Self::Degraded, Self::Unhealthy].into_iter().find(|it| it.name() == name)
    }
}

/// What a look at a component found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// At which.
    pub component: Component,
    /// How it is.
    pub health: Health,
    /// How long it took to answer, or to be given up.
    pub latency: Duration,
    /// What is wrong, for staff; None when nothing is.
    pub message: Option<String>,
}
