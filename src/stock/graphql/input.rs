//! The inputs of queries and mutations on stock, read into what the service takes.

use crate::graphql::filters::{DateTimeFilter, IntFilter, StringFilter};
use crate::graphql::scalars::BigInt;
use crate::graphql::user_error::UserErrorCode;
use crate::graphql::{Fault, NodeKind, UserError};
use crate::stock::graphql::types::StockMovementType;
use crate::stock::{
    Adjust, LevelFilter, MovementFilter, MovementKind, NewWarehouse, SetLevel, Transfer,
    WarehouseChange,
};
use async_graphql::{ID, InputObject};
use uuid::Uuid;

/// Items of one list in a filter at most.
const MAX_LIST: usize = 100;

/// Which stock levels to list; every field given has to hold.
#[derive(InputObject, Default)]
pub struct StockLevelWhere {
    /// By the variant's SKU: eq and in.
    sku: Option<StringFilter>,
    /// Of the variants of this product.
    product_id: Option<ID>,
    /// In this warehouse.
    warehouse_id: Option<ID>,
    /// By the number of pieces available.
    available: Option<IntFilter>,
}

/// Which movements to list; every field given has to hold.
#[derive(InputObject, Default)]
pub struct StockMovementWhere {
    /// By the variant's SKU: eq and in.
    sku: Option<StringFilter>,
    /// Of this level.
    stock_level_id: Option<ID>,
    /// In this warehouse.
    warehouse_id: Option<ID>,
    /// Of one of these types.
    #[graphql(name = "type")]
    kinds: Option<Vec<StockMovementType>>,
    /// With exactly this reference.
    reference_id: Option<String>,
    /// By when it happened.
    created_at: Option<DateTimeFilter>,
}

impl StockLevelWhere {
    pub(super) fn read(self) -> Result<LevelFilter, Fault> {
        let available = self.available.unwrap_or_default();
        Ok(LevelFilter {
            skus: skus(self.sku)?,
            product_id: key(NodeKind::Product, self.product_id.as_ref())?,
            warehouse_id: key(NodeKind::Warehouse, self.warehouse_id.as_ref())?,
            available_gte: available.eq.max(available.gte).map(i64::from),
            available_lte: [available.eq, available.lte].into_iter().flatten().min().map(i64::from),
            low: false,
        })
    }
}

impl StockMovementWhere {
    pub(super) fn read(self) -> Result<MovementFilter, Fault> {
        let (created_gte, created_lte) = self.created_at.unwrap_or_default().bounds();
        if self.kinds.as_ref().is_some_and(|kinds| kinds.len() > MAX_LIST) {
            return Err(too_long());
        }
        Ok(MovementFilter {
            level_id: key(NodeKind::StockLevel, self.stock_level_id.as_ref())?,
            skus: skus(self.sku)?,
            warehouse_id: key(NodeKind::Warehouse, self.warehouse_id.as_ref())?,
            kinds: self.kinds.map(|kinds| kinds.into_iter().map(MovementKind::from).collect()),
            reference_id: self.reference_id,
            created_gte,
            created_lte,
        })
    }
}

fn too_long() -> Fault {
    Fault::bad_user_input(format!("A list in a filter has at most {MAX_LIST} items."))
}

fn skus(filter: Option<StringFilter>) -> Result<Option<Vec<String>>, Fault> {
    let Some(filter) = filter else { return Ok(None) };
    if filter.contains.is_some() {
        return Err(Fault::bad_user_input("sku knows eq and in, not contains."));
    }
    if filter.any.as_ref().is_some_and(|skus| skus.len() > MAX_LIST) {
        return Err(too_long());
    }
    Ok(match (filter.eq, filter.any) {
        (Some(sku), Some(any)) => Some(any.into_iter().filter(|other| *other == sku).collect()),
        (Some(sku), None) => Some(vec![sku]),
        (None, any) => any,
    })
}

fn key(kind: NodeKind, id: Option<&ID>) -> Result<Option<Uuid>, Fault> {
    id.map(|id| kind.key(id)).transpose()
}

/// The key in an id of an input; a wrong id is the user's error at that field.
fn input_key(kind: NodeKind, field: &str, id: &ID) -> Result<Uuid, UserError> {
    kind.key(id).map_err(|fault| UserError::new(UserErrorCode::Invalid, [field], fault.message))
}

fn optional_key(kind: NodeKind, field: &str, id: Option<&ID>) -> Result<Option<Uuid>, UserError> {
    id.map(|id| input_key(kind, field, id)).transpose()
}

/// A change of a stock level by a difference.
#[derive(InputObject)]
pub struct StockAdjustInput {
    /// The variant's SKU.
    sku: String,
    /// In which warehouse; the default one when left out.
    warehouse_id: Option<ID>,
    /// Pieces more, or less when negative; never 0.
    delta: i32,
    /// RECEIPT and RETURN need a positive delta, SALE a negative one, ADJUSTMENT takes either.
    #[graphql(name = "type")]
    kind: StockMovementType,
    /// What it is for, such as a delivery note; at most 255 characters.
    reference_id: Option<String>,
    /// A remark; at most 1,000 characters.
    note: Option<String>,
    /// Only if the level still has this version: VersionConflictError otherwise.
    expected_version: Option<BigInt>,
    /// 1 to 255 printable ASCII characters. Sending the same again within 72 hours answers the
    /// same and changes nothing.
    idempotency_key: Option<String>,
}

impl StockAdjustInput {
    pub(super) fn read(self) -> Result<Adjust, UserError> {
        Ok(Adjust {
            warehouse_id: optional_key(
                NodeKind::Warehouse,
                "warehouseId",
                self.warehouse_id.as_ref(),
            )?,
            sku: self.sku,
            delta: i64::from(self.delta),
            kind: self.kind.into(),
            reference_id: self.reference_id,
            note: self.note,
            expected_version: self.expected_version.map(|version| version.0),
            idempotency_key: self.idempotency_key,
        })
    }
}

/// A stock level set to numbers.
#[derive(InputObject)]
pub struct StockSetInput {
    /// The variant's SKU.
    sku: String,
    /// In which warehouse; the default one when left out.
    warehouse_id: Option<ID>,
    /// Pieces on hand, at least as many as are reserved; left as it is when left out.
    on_hand: Option<i32>,
    /// At this many available pieces or fewer the level counts as low; left as it is when left
    /// out.
    reorder_point: Option<i32>,
    /// A remark; at most 1,000 characters.
    note: Option<String>,
    /// Only if the level still has this version: VersionConflictError otherwise. Give it whenever
    /// the numbers come from a level that was read before.
    expected_version: Option<BigInt>,
    /// 1 to 255 printable ASCII characters. Sending the same again within 72 hours answers the
    /// same and changes nothing.
    idempotency_key: Option<String>,
}

impl StockSetInput {
    pub(super) fn read(self) -> Result<SetLevel, UserError> {
        Ok(SetLevel {
            warehouse_id: optional_key(
                NodeKind::Warehouse,
                "warehouseId",
                self.warehouse_id.as_ref(),
            )?,
            sku: self.sku,
            on_hand: self.on_hand.map(i64::from),
            reorder_point: self.reorder_point.map(i64::from),
            note: self.note,
            expected_version: self.expected_version.map(|version| version.0),
            idempotency_key: self.idempotency_key,
        })
    }
}

/// Pieces to move from one warehouse to another.
#[derive(InputObject)]
pub struct StockTransferInput {
    /// The variant's SKU.
    sku: String,
    /// From where; the default warehouse when left out.
    from_warehouse_id: Option<ID>,
    /// To where.
    to_warehouse_id: ID,
    /// How many, 1 or more.
    quantity: i32,
    /// What it is for; at most 255 characters.
    reference_id: Option<String>,
    /// A remark; at most 1,000 characters.
    note: Option<String>,
    /// Only if the level that pieces leave still has this version.
    expected_version: Option<BigInt>,
    /// 1 to 255 printable ASCII characters. Sending the same again within 72 hours answers the
    /// same and changes nothing.
    idempotency_key: Option<String>,
}

impl StockTransferInput {
    pub(super) fn read(self) -> Result<Transfer, UserError> {
        Ok(Transfer {
            from_warehouse_id: optional_key(
                NodeKind::Warehouse,
                "fromWarehouseId",
                self.from_warehouse_id.as_ref(),
            )?,
            to_warehouse_id: input_key(
                NodeKind::Warehouse,
                "toWarehouseId",
                &self.to_warehouse_id,
            )?,
            sku: self.sku,
            quantity: i64::from(self.quantity),
            reference_id: self.reference_id,
            note: self.note,
            expected_version: self.expected_version.map(|version| version.0),
            idempotency_key: self.idempotency_key,
        })
    }
}

/// A warehouse to make.
#[derive(InputObject)]
pub struct WarehouseCreateInput {
    /// A short unique name of letters, digits, `-` and `_`; kept in capitals.
    code: String,
    /// The display name.
    name: String,
    /// Orders are served from the lowest number first.
    #[graphql(default = 100)]
    priority: i32,
}

impl From<WarehouseCreateInput> for NewWarehouse {
    fn from(input: WarehouseCreateInput) -> Self {
        Self { code: input.code, name: input.name, priority: input.priority }
    }
}

/// What to change of a warehouse; what is left out stays.
#[derive(InputObject)]
pub struct WarehouseUpdateInput {
    /// The warehouse.
    id: ID,
    /// The display name.
    name: Option<String>,
    /// Orders are served from the lowest number first.
    priority: Option<i32>,
    /// False takes its stock off sale. The default warehouse is always active.
    active: Option<bool>,
    /// Makes it the warehouse that operations mean which name none.
    #[graphql(default)]
    make_default: bool,
    /// Only if it still has this version: VersionConflictError otherwise.
    expected_version: Option<BigInt>,
}

impl WarehouseUpdateInput {
    pub(super) fn read(self) -> Result<(Uuid, WarehouseChange), UserError> {
        let id = input_key(NodeKind::Warehouse, "id", &self.id)?;
        let change = WarehouseChange {
            name: self.name,
            priority: self.priority,
            active: self.active,
            make_default: self.make_default,
            expected_version: self.expected_version.map(|version| version.0),
        };
        Ok((id, change))
    }
}
