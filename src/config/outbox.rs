//! How others are told of what happened.

/// The settings of the outbox as they are given.
#[derive(Debug, Clone, clap::Args)]
pub struct OutboxArgs {
    /// Events that are taken from the outbox at once, at most.
    #[arg(long, env = "OUTBOX_DISPATCH_BATCH_SIZE", default_value_t = 50, global = true,
        value_parser = clap::value_parser!(u16).range(1..=500))]
    pub outbox_dispatch_batch_size: u16,
    /// How often an event is offered to who refuses it, before it is dead.
    #[arg(long, env = "OUTBOX_MAX_ATTEMPTS", default_value_t = 5, global = true,
        value_parser = clap::value_parser!(u8).range(1..=20))]
    pub outbox_max_attempts: u8,
}

/// The settings of the outbox, checked.
#[derive(Debug, Clone, Copy)]
pub struct OutboxSettings {
    /// Events that are taken at once, at most.
    pub batch: u16,
    /// How often an event is offered.
    pub attempts: u8,
}

impl From<OutboxArgs> for OutboxSettings {
    fn from(args: OutboxArgs) -> Self {
        Self { batch: args.outbox_dispatch_batch_size, attempts: args.outbox_max_attempts }
    }
}
