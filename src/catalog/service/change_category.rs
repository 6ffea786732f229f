//! Making, changing, moving and deleting categories. The tree is kept twice: each category knows
//! its parent, and `category_closure` has every pair of ancestor and descendant, so that a whole
//! branch is one condition.

use crate::auth::{Permission, Viewer};
use crate::catalog::draft::{Problems, Slug, base_slug, check_name, check_slug, slug_taken};
use crate::catalog::service::change_product::check_version;
use crate::catalog::service::change_variant::earlier_in_txn;
use crate::catalog::service::create::Created;
use crate::catalog::service::write::{bind, insert_in_txn};
use crate::catalog::service::{Catalog, taken};
use crate::catalog::{CatalogError, Category};
use crate::db::Tx;
use crate::events::EntityChange;
use crate::validation::{Problem, ProblemKind};
use entity::{category, category_closure, product};
use sea_orm::FromQueryResult;
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, Query, SelectStatement, SimpleExpr};
use serde::Serialize;
use std::collections::HashSet;
use uuid::Uuid;

/// Categories from a root down to a leaf at most.
const MAX_DEPTH: i32 = 20;
/// The lock on Postgres that changes of the tree's shape take, one after the other: two moves at
/// once could make a circle that neither of them sees. SQLite has one writer anyway.
const TREE_LOCK: i64 = 0x7472_6565;

/// A category to make.
#[derive(Debug, Clone, Serialize)]
pub struct NewCategory {
    /// The display name.
    pub name: String,
    /// The unique name for addresses of pages; None: made from the name.
    pub slug: Option<String>,
    /// The category that it belongs to; None: it is a root.
    pub parent_id: Option<Uuid>,
}

/// What to change of a category; None leaves a field.
#[derive(Debug, Clone, Default)]
pub struct CategoryChange {
    /// The category.
    pub id: Uuid,
    /// The display name.
    pub name: Option<String>,
    /// The unique name for addresses of pages.
    pub slug: Option<String>,
    /// The category that it belongs to; Some(None) makes it a root.
    pub parent_id: Option<Option<Uuid>>,
    /// Only if the category still has this version.
    pub expected_version: Option<i64>,
}

impl Catalog {
    /// Makes a category and tells its key. Staff only.
    ///
    /// # Errors
    /// [`CatalogError::Invalid`] with everything that is wrong.
    pub async fn create_category(
        &self,
        viewer: &Viewer,
        new: &NewCategory,
        idempotency_key: Option<&str>,
    ) -> Result<Created<Uuid>, CatalogError> {
        viewer.may(Permission::CatalogWrite)?;
        let key = bind(viewer, "categoryCreate", idempotency_key, new)?;
        let key = key.as_ref();
        self.db
            .tx(|tx| async move {
                if let Some(earlier) = earlier_in_txn(&tx, key).await? {
                    return Ok(Created { outcome: earlier, replayed: true });
                }
                let outcome = create_in_txn(&tx, new).await.map_err(CatalogError::or_again)?;
                self.appear_after::<Category>(&tx, [outcome]);
                if let Some(key) = key {
                    key.record_in_txn(&tx, &outcome).await?;
                }
                Ok(Created { outcome, replayed: false })
            })
            .await
    }

    /// Changes a category; with another parent the whole branch moves. Staff only.
    ///
    /// # Errors
    /// [`CatalogError::Invalid`] with everything that is wrong, [`CatalogError::VersionConflict`].
    pub async fn update_category(
        &self,
        viewer: &Viewer,
        change: &CategoryChange,
    ) -> Result<(), CatalogError> {
        viewer.may(Permission::CatalogWrite)?;
        self.db
            .tx(|tx| async move {
                let version = update_in_txn(&tx, change).await.map_err(CatalogError::or_again)?;
                self.forget_after::<Category>(&tx, change.id, version);
                Ok(())
            })
            .await
    }

    /// Deletes a category that has neither children nor products. Staff only.
    ///
    /// # Errors
    /// [`CatalogError::Invalid`] when there is none or it is in use,
    /// [`CatalogError::VersionConflict`].
    pub async fn delete_category(
        &self,
        viewer: &Viewer,
        id: Uuid,
        expected_version: Option<i64>,
    ) -> Result<(), CatalogError> {
        viewer.may(Permission::CatalogWrite)?;
        // A product or child that comes in meanwhile is seen by the second look.
        self.db
            .tx(|tx| async move {
                let model = lock_in_txn(&tx, id).await?;
                check_version(expected_version, model.version)?;
                check_unused_in_txn(&tx, id).await?;
                let mut delete = Query::delete();
                delete
                    .from_table(category::Entity)
                    .and_where(Expr::col(category::Column::Id).eq(id));
                let deleted = tx.run(&delete).await.map_err(CatalogError::from);
                deleted.map_err(CatalogError::or_again)?;
                self.forget_after::<Category>(&tx, id, EntityChange::DELETED);
                Ok(())
            })
            .await
    }
}

async fn create_in_txn(tx: &Tx, new: &NewCategory) -> Result<Uuid, CatalogError> {
    lock_tree_in_txn(tx).await?;
    let mut problems = Problems::default();
    let name = problems.keep(check_name(&new.name));
    let wanted = match &new.slug {
        Some(slug) => Slug::Given(problems.keep(check_slug(slug))),
        None => Slug::Like(base_slug(&name, "category")),
    };
    let candidates = taken::candidates(&wanted).into_iter().collect();
    let taken = taken::category_slugs_in_txn(tx, candidates).await?;
    let slug = match wanted {
        Slug::Given(slug) => {
            if taken.contains(&slug) {
                problems.0.push(slug_taken(&slug));
            }
            slug
        }
        Slug::Like(base) => taken::free_slug(&base, &taken),
    };
    let ancestors = ancestors_in_txn(tx, new.parent_id).await?;
    problems.keep(check_parent(new.parent_id, &ancestors, 0));
    if !problems.0.is_empty() {
        return Err(CatalogError::Invalid(problems.0));
    }
    let id = Uuid::now_v7();
    insert_category_in_txn(tx, id, [&name, &slug], new.parent_id).await?;
    let itself = Ancestor { id, depth: -1 };
    let pairs = ancestors.iter().chain(std::iter::once(&itself)).map(|ancestor| {
        let depth = ancestor.depth.saturating_add(1);
        [Expr::value(ancestor.id), Expr::value(id), Expr::value(depth)]
    });
    insert_in_txn(tx, category_closure::Entity, CLOSURE, pairs.collect()).await?;
    Ok(id)
}

const CLOSURE: [category_closure::Column; 3] = [
    category_closure::Column::AncestorId,
    category_closure::Column::DescendantId,
    category_closure::Column::Depth,
];

async fn insert_category_in_txn(
    tx: &Tx,
    id: Uuid,
    [name, slug]: [&str; 2],
    parent: Option<Uuid>,
) -> Result<(), CatalogError> {
    use category::Column;
    let columns = [
        Column::Id,
        Column::ParentId,
        Column::Name,
        Column::Slug,
        Column::CreatedAt,
        Column::UpdatedAt,
    ];
    let now = tx.db().now_sql();
    let row = [
        Expr::value(id),
        Expr::value(parent),
        Expr::value(name),
        Expr::value(slug),
        now.clone(),
        now,
    ];
    insert_in_txn(tx, category::Entity, columns, vec![row]).await
}

/// Changes a category and tells its version.
async fn update_in_txn(tx: &Tx, change: &CategoryChange) -> Result<i64, CatalogError> {
    use category::Column;
    if change.parent_id.is_some() {
        lock_tree_in_txn(tx).await?;
    }
    let model = lock_in_txn(tx, change.id).await?;
    check_version(change.expected_version, model.version)?;
    let mut problems = Problems::default();
    let mut update = Query::update();
    update.table(category::Entity).and_where(Expr::col(Column::Id).eq(change.id));
    if let Some(name) = &change.name {
        update.value(Column::Name, problems.keep(check_name(name)));
    }
    if let Some(slug) = &change.slug {
        let slug = problems.keep(check_slug(slug));
        let others = HashSet::from([slug.clone()]);
        if slug != model.slug && !taken::category_slugs_in_txn(tx, others).await?.is_empty() {
            problems.0.push(slug_taken(&slug));
        }
        update.value(Column::Slug, slug);
    }
    let moves_to = change.parent_id.filter(|parent| *parent != model.parent_id);
    if let Some(parent) = moves_to {
        let ancestors = ancestors_in_txn(tx, parent).await?;
        if ancestors.iter().any(|ancestor| ancestor.id == change.id) {
            let message = "A category cannot belong to itself or to one below it.";
            problems.0.push(Problem::new(ProblemKind::Invalid, ["parentId"], message));
        }
        let height = height_in_txn(tx, change.id).await?;
        problems.keep(check_parent(parent, &ancestors, height));
        update.value(Column::ParentId, parent);
    }
    if !problems.0.is_empty() {
        return Err(CatalogError::Invalid(problems.0));
    }
    let version = model.version.saturating_add(1);
    update.value(Column::Version, version).value(Column::UpdatedAt, tx.db().now_sql());
    tx.run(&update).await?;
    if let Some(parent) = moves_to {
        move_branch_in_txn(tx, change.id, parent).await?;
    }
    Ok(version)
}

/// A category above, and how many steps.
#[derive(FromQueryResult)]
struct Ancestor {
    id: Uuid,
    depth: i32,
}

/// The category and all above it; nothing for no category.
async fn ancestors_in_txn(tx: &Tx, id: Option<Uuid>) -> Result<Vec<Ancestor>, CatalogError> {
    let Some(id) = id else { return Ok(Vec::new()) };
    use category_closure::Column;
    let mut select = Query::select();
    select
        .expr_as(Expr::col(Column::AncestorId), "id")
        .column(Column::Depth)
        .from(category_closure::Entity)
        .and_where(Expr::col(Column::DescendantId).eq(id));
    Ok(tx.all(&select).await?)
}

/// Steps from a category down to the deepest one below it.
async fn height_in_txn(tx: &Tx, id: Uuid) -> Result<i32, CatalogError> {
    use category_closure::Column;
    let mut select = Query::select();
    select
        .expr_as(Expr::col(Column::AncestorId), "id")
        .column(Column::Depth)
        .from(category_closure::Entity)
        .and_where(Expr::col(Column::AncestorId).eq(id))
        .order_by(Column::Depth, sea_orm::sea_query::Order::Desc)
        .limit(1);
    let deepest: Option<Ancestor> = tx.one(&select).await?;
    Ok(deepest.map_or(0, |deepest| deepest.depth))
}

/// Whether a branch of this height fits below the category with these ancestors.
fn check_parent(parent: Option<Uuid>, ancestors: &[Ancestor], height: i32) -> Result<(), Problem> {
    if parent.is_some() && ancestors.is_empty() {
        let message = "There is no category with this id.";
        return Err(Problem::new(ProblemKind::NotFound, ["parentId"], message));
    }
    let above = i32::try_from(ancestors.len()).unwrap_or(i32::MAX);
    if above.saturating_add(height) >= MAX_DEPTH {
        let message = format!("The tree is at most {MAX_DEPTH} categories deep.");
        return Err(Problem::new(ProblemKind::LimitReached, ["parentId"], message));
    }
    Ok(())
}

/// Cuts a branch off the tree and joins it to another place: of the pairs with an ancestor outside
/// the branch the old ones go and new ones come; those within the branch stay.
async fn move_branch_in_txn(tx: &Tx, id: Uuid, parent: Option<Uuid>) -> Result<(), CatalogError> {
    use category_closure::Column;
    let mut cut = Query::delete();
    cut.from_table(category_closure::Entity)
        .and_where(Expr::col(Column::DescendantId).in_subquery(branch(id)))
        .and_where(Expr::col(Column::AncestorId).not_in_subquery(branch(id)));
    tx.run(&cut).await?;
    let Some(parent) = parent else { return Ok(()) };
    let (above, below) = ("above", "below");
    let depth = |table| Expr::col((table, Column::Depth));
    let mut pairs = Query::select();
    pairs
        .column((above, Column::AncestorId))
        .column((below, Column::DescendantId))
        .expr(depth(above).add(depth(below)).add(Expr::value(1)))
        .from_as(category_closure::Entity, above)
        .from_as(category_closure::Entity, below)
        .and_where(Expr::col((above, Column::DescendantId)).eq(parent))
        .and_where(Expr::col((below, Column::AncestorId)).eq(id));
    let mut join = Query::insert();
    join.into_table(category_closure::Entity)
        .columns(CLOSURE)
        .select_from(pairs)
        .map_err(|error| CatalogError::fault(error.to_string()))?;
    tx.run(&join).await?;
    Ok(())
}

/// The category and all below it.
fn branch(root: Uuid) -> SelectStatement {
    use category_closure::Column;
    let mut select = Query::select();
    select
        .column(Column::DescendantId)
        .from(category_closure::Entity)
        .and_where(Expr::col(Column::AncestorId).eq(root));
    select
}

async fn lock_tree_in_txn(tx: &Tx) -> Result<(), CatalogError> {
    if tx.db().is_postgres() {
        let mut select = Query::select();
        select.expr(Expr::cust_with_values("pg_advisory_xact_lock($1)", [TREE_LOCK]));
        tx.run(&select).await?;
    }
    Ok(())
}

async fn lock_in_txn(tx: &Tx, id: Uuid) -> Result<category::Model, CatalogError> {
    let mut select = Query::select();
    select
        .column((category::Entity, Asterisk))
        .from(category::Entity)
        .and_where(Expr::col(category::Column::Id).eq(id))
        .lock_exclusive();
    tx.one(&select).await?.ok_or_else(|| {
        let message = "There is no category with this id.";
        Problem::new(ProblemKind::NotFound, ["id"], message).into()
    })
}

#[derive(FromQueryResult)]
struct Use {
    has_children: bool,
    has_products: bool,
}

async fn check_unused_in_txn(tx: &Tx, id: Uuid) -> Result<(), CatalogError> {
    let exists = |table: SelectStatement| -> SimpleExpr { Expr::exists(table) };
    let mut children = Query::select();
    children
        .expr(Expr::value(1))
        .from(category::Entity)
        .and_where(Expr::col(category::Column::ParentId).eq(id));
    let mut products = Query::select();
    products
        .expr(Expr::value(1))
        .from(product::Entity)
        .and_where(Expr::col(product::Column::CategoryId).eq(id));
    let mut select = Query::select();
    select.expr_as(exists(children), "has_children").expr_as(exists(products), "has_products");
    let found: Option<Use> = tx.one(&select).await?;
    let message = match found {
        Some(Use { has_children: true, .. }) => "It has categories below it.",
        Some(Use { has_products: true, .. }) => "It has products, perhaps archived ones.",
        _ => return Ok(()),
    };
    Err(Problem::new(ProblemKind::InUse, ["id"], message).into())
}
