//! Queries about flash sales, for staff.

use crate::auth::{Permission, Viewer};
use crate::flash_sale::FlashSales;
use crate::flash_sale::graphql::input::FlashSaleWhere;
use crate::flash_sale::graphql::types::FlashSale;
use crate::graphql::{Auth, Connection, Fault, PageArgs};
use async_graphql::{Context, Object};
use futures::FutureExt;

/// Queries about flash sales.
#[derive(Default)]
pub struct FlashSaleQuery;

/// Queries about flash sales.
#[Object]
impl FlashSaleQuery {
    /// The flash sales of the shop, those that begin last first. What runs now of a variant,
    /// everybody sees there: `ProductVariant.flashSale`.
    #[graphql(directive = Auth::apply(Permission::CatalogReadAll))]
    async fn flash_sales(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which sales; all when left out.", name = "where")] filter: Option<
            FlashSaleWhere,
        >,
        #[graphql(desc = "So many from the beginning, 0 to 100; 20 when neither is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Option<Result<Connection<FlashSale>, Fault>> {
        let args = PageArgs { first, after, last, before };
        Some(list(ctx, filter.unwrap_or_default(), args).await)
    }
}

async fn list(
    ctx: &Context<'_>,
    filter: FlashSaleWhere,
    args: PageArgs,
) -> Result<Connection<FlashSale>, Fault> {
    let (sales, viewer) = (ctx.data_unchecked::<FlashSales>(), *ctx.data_unchecked::<Viewer>());
    let filter = filter.read()?;
    let list = ("flashSales", &filter);
    let page = sales.list(&viewer, &filter, &args.window(&list)?).await?;
    let (sales, counted) = (sales.clone(), filter.clone());
    let count = move || {
        let (sales, filter) = (sales.clone(), counted.clone());
        async move { Ok(sales.count(&viewer, &filter).await?) }.boxed()
    };
    Ok(Connection::new(page, &list, |sale| sale.place(), FlashSale, count))
}
