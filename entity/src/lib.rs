//! SeaORM entities, one module a table. Columns and relations only: rules live in the domains of
//! the server, names are those of the GraphQL schema in snake case.

pub mod account_token;
pub mod address;
pub mod api_token;
pub mod audit_event;
pub mod cart;
pub mod cart_line;
pub mod category;
pub mod category_closure;
pub mod idempotency;
pub mod job;
pub mod job_worker;
pub mod order_event;
pub mod order_line;
pub mod outbox;
pub mod product;
pub mod product_search;
pub mod product_variant;
pub mod refresh_token;
pub mod reservation;
pub mod session;
pub mod shipping_method;
pub mod shipping_price;
pub mod shop_order;
pub mod stock_level;
pub mod stock_movement;
pub mod tax_rate;
pub mod throttle;
pub mod user_account;
pub mod variant_price;
pub mod warehouse;
