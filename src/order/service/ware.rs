//! What staff name by its SKU, whether or not it is for sale.

use crate::catalog::VariantOption;
use crate::db::Tx;
use crate::db::keys::among;
use crate::order::OrderError;
use crate::order::entry::{EntryLine, MAX_PIECES};
use crate::order::goods::at;
use crate::validation::ProblemKind;
use entity::product::{Column as P, Entity as Products};
use entity::product_variant::{Column as V, Entity as Variants};
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Query};
use std::collections::HashMap;
use uuid::Uuid;

/// Characters of a SKU that a message repeats at most: nobody chooses how long an answer is.
const QUOTED_CHARS: usize = 64;

/// A variant, as an order line keeps it.
#[derive(Debug, Clone, FromQueryResult)]
pub(super) struct Ware {
    pub id: Uuid,
    pub sku: String,
    pub name: String,
    pub product_name: String,
    options: serde_json::Value,
}

impl Ware {
    /// What tells it from the other variants.
    pub fn options(&self) -> Vec<VariantOption> {
        // Written by the catalogue alone; what cannot be read is shown as no options.
        serde_json::from_value(self.options.clone()).unwrap_or_default()
    }
}

/// A variant that is wanted, once.
pub(super) struct Wanted {
    /// Its first place in the input.
    pub index: usize,
    pub ware: Ware,
    pub quantity: i64,
    /// What one costs the shop.
    pub unit_cost: Option<crate::money::Money>,
}

/// The variants that lines name, in their order. One that is named twice is added up.
pub(super) async fn wanted_in_txn(tx: &Tx, lines: &[EntryLine]) -> Result<Vec<Wanted>, OrderError> {
    // Postgres knows no NUL and would refuse the statement.
    let skus: Vec<String> = lines
        .iter()
        .map(|line| line.sku.trim().to_owned())
        .filter(|sku| !sku.contains('\0'))
        .collect();
    let mut select = Query::select();
    select
        .columns([(Variants, V::Id), (Variants, V::Sku), (Variants, V::Name)])
        .column((Variants, V::Options))
        .expr_as(Expr::col((Products, P::Name)), Alias::new("product_name"))
        .from(Variants)
        .inner_join(Products, Expr::col((Products, P::Id)).equals((Variants, V::ProductId)))
        .and_where(among(Expr::col((Variants, V::Sku)), &skus));
    let found: Vec<Ware> = tx.all(&select).await?;
    let found: HashMap<String, Ware> =
        found.into_iter().map(|ware| (ware.sku.clone(), ware)).collect();
    let (mut wanted, mut problems): (Vec<Wanted>, Vec<_>) = (Vec::new(), Vec::new());
    for (index, line) in lines.iter().enumerate() {
        let Some(ware) = found.get(line.sku.trim()) else {
            let sku: String = line.sku.chars().take(QUOTED_CHARS).collect();
            let message = format!("There is no variant with the SKU {sku:?}.");
            problems.push(at(index, "sku", ProblemKind::NotFound, message));
            continue;
        };
        match wanted.iter_mut().find(|one| one.ware.id == ware.id) {
            Some(one) if one.unit_cost != line.unit_cost => {
                let message = format!("{} is named twice with two costs.", ware.sku);
                problems.push(at(index, "unitCost", ProblemKind::Invalid, message));
            }
            Some(one) => {
                let (before, sum) = (one.quantity, one.quantity.saturating_add(line.quantity));
                one.quantity = sum;
                // Told once, where it becomes too much.
                if before <= MAX_PIECES && sum > MAX_PIECES {
                    let message =
                        format!("Of {} that makes {sum}; at most {MAX_PIECES} can be.", ware.sku);
                    problems.push(at(index, "quantity", ProblemKind::OutOfRange, message));
                }
            }
            None => wanted.push(Wanted {
                index,
                ware: ware.clone(),
                quantity: line.quantity,
                unit_cost: line.unit_cost,
            }),
        }
    }
    if problems.is_empty() { Ok(wanted) } else { Err(OrderError::Invalid(problems)) }
}
