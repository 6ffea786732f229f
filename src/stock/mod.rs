//! Stock: warehouses, levels, the movement ledger and reservations.
