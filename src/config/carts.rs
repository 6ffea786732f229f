//! How long carts are kept.

use chrono::TimeDelta;

/// The settings of carts as they are given.
#[derive(Debug, Clone, clap::Args)]
pub struct CartArgs {
    /// Days after its last change that a guest's cart is kept.
    #[arg(long, env = "CART_DAYS_GUEST", default_value_t = 30, global = true,
        value_parser = clap::value_parser!(u16).range(1..=3650))]
    pub cart_days_guest: u16,
    /// Days after its last change that a customer's cart is kept.
    #[arg(long, env = "CART_DAYS_CUSTOMER", default_value_t = 90, global = true,
        value_parser = clap::value_parser!(u16).range(1..=3650))]
    pub cart_days_customer: u16,
}

/// The settings of carts, checked.
#[derive(Debug, Clone, Copy)]
pub struct CartSettings {
    /// How long a guest's cart is kept after its last change.
    pub guest: TimeDelta,
    /// How long a customer's is.
    pub customer: TimeDelta,
}

impl From<CartArgs> for CartSettings {
    fn from(args: CartArgs) -> Self {
        let days = |days: u16| TimeDelta::days(i64::from(days));
        Self { guest: days(args.cart_days_guest), customer: days(args.cart_days_customer) }
    }
}
