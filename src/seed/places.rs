//! What demo products stand on: the categories and the second warehouse. Those of the shop with the
//! same slug or code are used as they are.

use crate::db::{DbError, DbErrorKind, Tx};
use crate::seed::categories::{Node, ROOTS, TREE};
use crate::seed::identity::{Kind, key, opening};
use crate::seed::rows::Places;
use entity::{category, category_closure, warehouse};
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryTrait};
use std::collections::HashMap;
use uuid::Uuid;

const EAST: &str = "EAST";

/// Makes what is missing: the roots, the whole tree when there are more products than the
/// showcase has, and the second warehouse.
pub async fn ensure_in_txn(tx: Tx, whole_tree: bool) -> Result<Places, DbError> {
    let nodes = if whole_tree { TREE.len() } else { ROOTS };
    let nodes: Vec<(&Node, Uuid)> = TREE
        .iter()
        .zip(0_u64..)
        .take(nodes)
        .map(|(node, place)| (node, key(Kind::Category, place, 0, opening())))
        .collect();
    let mut categories = existing_in_txn(&tx, &nodes).await?;
    for (node, id) in nodes {
        if !categories.contains_key(node.slug) {
            let parent = node.parent.and_then(|slug| categories.get(slug).copied());
            insert_category_in_txn(&tx, node, id, parent).await?;
            categories.insert(node.slug.to_owned(), id);
        }
    }
    let (main, east) = warehouses_in_txn(&tx).await?;
    Ok(Places { categories, main, east })
}

/// The keys of the nodes that are there, by the slug in our tree: a category that the shop has
/// given another slug is still the one, and so is one of the shop's own with the same slug.
async fn existing_in_txn(
    tx: &Tx,
    nodes: &[(&Node, Uuid)],
) -> Result<HashMap<String, Uuid>, DbError> {
    let ours = category::Column::Id.is_in(nodes.iter().map(|(_, id)| *id));
    let named = category::Column::Slug.is_in(nodes.iter().map(|(node, _)| node.slug));
    let query = category::Entity::find().filter(Condition::any().add(ours).add(named)).into_query();
    let found = tx.all::<category::Model>(&query).await?;
    let keys = nodes.iter().filter_map(|(node, id)| {
        let ours = found.iter().find(|row| row.id == *id);
        let named = || found.iter().find(|row| row.slug == node.slug);
        ours.or_else(named).map(|row| (node.slug.to_owned(), row.id))
    });
    Ok(keys.collect())
}

async fn insert_category_in_txn(
    tx: &Tx,
    node: &Node,
    id: Uuid,
    parent: Option<Uuid>,
) -> Result<(), DbError> {
    let row = Query::insert()
        .into_table(category::Entity)
        .columns([
            category::Column::Id,
            category::Column::ParentId,
            category::Column::Name,
            category::Column::Slug,
            category::Column::CreatedAt,
            category::Column::UpdatedAt,
        ])
        .values([
            Expr::value(id),
            Expr::value(parent),
            Expr::value(node.name),
            Expr::value(node.slug),
            Expr::value(opening()),
            Expr::value(opening()),
        ])
        .map_err(fault)?
        .to_owned();
    tx.run(&row).await?;
    // Under itself, and under everything that its parent is under.
    let mut pairs = Query::select();
    pairs.expr(Expr::value(id)).expr(Expr::value(id)).expr(Expr::value(0));
    if let Some(parent) = parent {
        use category_closure::Column;
        let above = Query::select()
            .column(Column::AncestorId)
            .expr(Expr::value(id))
            .expr(Expr::col(Column::Depth).add(1))
            .from(category_closure::Entity)
            .and_where(Column::DescendantId.eq(parent))
            .to_owned();
        pairs.union(sea_orm::sea_query::UnionType::All, above);
    }
    let closure = Query::insert()
        .into_table(category_closure::Entity)
        .columns([
            category_closure::Column::AncestorId,
            category_closure::Column::DescendantId,
            category_closure::Column::Depth,
        ])
        .select_from(pairs)
        .map_err(fault)?
        .to_owned();
    tx.run(&closure).await?;
    Ok(())
}

/// The default warehouse, and the second one, made if it is missing.
async fn warehouses_in_txn(tx: &Tx) -> Result<(Uuid, Uuid), DbError> {
    let wanted = Condition::any()
        .add(warehouse::Column::IsDefault.eq(true))
        .add(warehouse::Column::Code.eq(EAST));
    let query = warehouse::Entity::find().filter(wanted).into_query();
    let found = tx.all::<warehouse::Model>(&query).await?;
    let main = found.iter().find(|row| row.is_default).map(|row| row.id);
    let main = main.ok_or_else(|| fault("the shop has no default warehouse"))?;
    if let Some(east) = found.iter().find(|row| row.code == EAST) {
        return Ok((main, east.id));
    }
    let east = key(Kind::Warehouse, 1, 0, opening());
    let row = Query::insert()
        .into_table(warehouse::Entity)
        .columns([
            warehouse::Column::Id,
            warehouse::Column::Code,
            warehouse::Column::Name,
            warehouse::Column::Priority,
            warehouse::Column::Active,
            warehouse::Column::IsDefault,
            warehouse::Column::CreatedAt,
            warehouse::Column::UpdatedAt,
        ])
        .values([
            Expr::value(east),
            Expr::value(EAST),
            Expr::value("East warehouse"),
            Expr::value(10),
            Expr::value(true),
            Expr::value(false),
            Expr::value(opening()),
            Expr::value(opening()),
        ])
        .map_err(fault)?
        .to_owned();
    tx.run(&row).await?;
    Ok((main, east))
}

fn fault(error: impl ToString) -> DbError {
    DbError { kind: DbErrorKind::Fault, constraint: None, message: error.to_string() }
}
