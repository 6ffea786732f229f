//! Queries for orders.

use crate::auth::{Permission, Viewer};
use crate::db::page::{Page, Window};
use crate::graphql::connection::{Connection, PageArgs};
use crate::graphql::{Auth, Fault, NodeKind};
use crate::order::graphql::filter::{OrderSort, OrderWhere, read_list};
use crate::order::graphql::input::OrderBy;
use crate::order::graphql::types::Order;
use crate::order::loader::OrderLoaders;
use crate::order::{self, GuestToken, Orders};
use async_graphql::{Context, Object};
use futures::FutureExt;
use uuid::Uuid;

/// Queries for orders.
#[derive(Default)]
pub struct OrderQuery;

/// Queries for orders.
#[Object]
impl OrderQuery {
    /// An order: one's own, any for staff, or that of a guestAccessToken. Null when there is none,
    /// or none that you may see.
    #[graphql(directive = Auth::apply(Permission::OrderPlace))]
    async fn order(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] by: OrderBy,
    ) -> Option<Result<Order, Fault>> {
        find(ctx, by).await.map(|found| found.map(Order)).transpose()
    }

    /// Orders: one's own, or all for staff. A guest's order is found by its guestAccessToken alone.
    #[graphql(directive = Auth::apply(Permission::OrderList))]
    #[expect(clippy::too_many_arguments, reason = "they are the field's arguments")]
    async fn orders(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the beginning, 0 to 100; 20 when neither is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(name = "where", desc = "Only orders that meet these conditions.")] filter: Option<
            OrderWhere,
        >,
        #[graphql(desc = "How to sort; when not given, the latest first.")] order_by: Option<
            OrderSort,
        >,
        #[graphql(
            desc = "Only orders whose number or e-mail address begins with this, whatever the \
                    case; at most 100 characters."
        )]
        search: Option<String>,
    ) -> Option<Result<Connection<Order>, Fault>> {
        let args = PageArgs { first, after, last, before };
        Some(list(ctx, args, (filter, order_by, search)).await)
    }
}

async fn list(
    ctx: &Context<'_>,
    args: PageArgs,
    (filter, order_by, search): (Option<OrderWhere>, Option<OrderSort>, Option<String>),
) -> Result<Connection<Order>, Fault> {
    let (orders, viewer) = (ctx.data_unchecked::<Orders>(), ctx.data_unchecked::<Viewer>());
    let list = read_list(filter, order_by, search)?;
    let window = args.window(&list)?;
    let page = orders.list(viewer, &list, &window).await?;
    let (orders, viewer, counted) = (orders.clone(), *viewer, list.clone());
    let count = move || {
        let (orders, list) = (orders.clone(), counted.clone());
        async move { Ok(orders.count(&viewer, &list).await?) }.boxed()
    };
    Ok(Connection::new(page, &list, |order| list.sort.place(order), Order, count))
}

/// Tells the cursors of this list from those of others.
const ORDERS_OF_USER: &str = "User.orders";

/// The orders of an account, the latest first.
pub(crate) async fn orders_of(
    ctx: &Context<'_>,
    customer: Uuid,
    args: PageArgs,
) -> Result<Connection<Order>, Fault> {
    let loaders = ctx.data_unchecked::<OrderLoaders>();
    let window: Window = args.window(&ORDERS_OF_USER)?;
    let page = loaders.orders_of.get((customer, window)).await?;
    let count = loaders.count_of.clone();
    let count = move || {
        let count = count.clone();
        async move { Ok(count.get(customer).await?.unwrap_or_default()) }.boxed()
    };
    let page = page.unwrap_or_else(Page::empty);
    let sort = order::OrderSort::default();
    Ok(Connection::new(page, &ORDERS_OF_USER, |order| sort.place(order), Order, count))
}

async fn find(ctx: &Context<'_>, by: OrderBy) -> Result<Option<crate::order::Order>, Fault> {
    let loaders = ctx.data_unchecked::<OrderLoaders>();
    match by {
        OrderBy::Id(id) => loaders.order.get(NodeKind::Order.key(&id)?).await,
        OrderBy::Number(number) => loaders.order_by_number.get(number).await,
        OrderBy::GuestAccessToken(token) => {
            let (orders, viewer) = (ctx.data_unchecked::<Orders>(), ctx.data_unchecked::<Viewer>());
            Ok(orders.find_by_token(viewer, &GuestToken::given(token)).await?)
        }
    }
}
