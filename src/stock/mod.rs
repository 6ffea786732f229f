//! Stock: warehouses, levels, the movement ledger and reservations. Never negative, never changed
//! without a movement, and told to those who watch once a change is committed.

mod error;
pub mod graphql;
mod level;
pub mod live;
pub mod loader;
mod service;

pub use error::{Shortage, StockError};
pub use level::{
    Availability, Level, LevelFilter, Movement, MovementFilter, MovementKind, StockStatus,
    Warehouse,
};
pub use service::{
    Adjust, Adjusted, Coming, NewWarehouse, OpeningStock, OrderPieces, Reservation, ReserveLine,
    ReserveOrder, ReserveOutcome, Served, SetLevel, Stock, Transfer, Transferred, Waiting,
    WarehouseChange, Watchable, in_stock,
};
pub(crate) use service::{ServedRow, select_availability, select_served};
