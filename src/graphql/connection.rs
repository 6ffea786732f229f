//! Relay connections with `nodes`, keyset cursors and a count that costs nothing unless selected.
//! Specification: <https://relay.dev/graphql/connections.htm>.

use crate::db::page::{Cursor, Page, Window};
use crate::graphql::Fault;
use async_graphql::{Object, OutputType, SimpleObject, TypeName};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::hash::{Hash, Hasher};

/// Items in a page when the client names no number.
pub const DEFAULT_PAGE_SIZE: i32 = 20;
/// Items in a page at most.
pub const MAX_PAGE_SIZE: i32 = 100;

/// The arguments `first`, `after`, `last` and `before` of a connection field.
#[derive(Debug, Clone, Default)]
pub struct PageArgs {
    /// So many from the beginning.
    pub first: Option<i32>,
    /// Only what comes after this cursor.
    pub after: Option<String>,
    /// So many from the end.
    pub last: Option<i32>,
    /// Only what comes before this cursor.
    pub before: Option<String>,
}

impl PageArgs {
    /// The part of the list that is asked for. `list` tells the list from any other, by its sort
    /// and filter: a cursor of another list is refused.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for both `first` and `last`, a number outside 0..=100, or a cursor that
    /// is not of this list.
    pub fn window(&self, list: &impl Hash) -> Result<Window, Fault> {
        let (size, backward) = match (self.first, self.last) {
            (Some(_), Some(_)) => {
                return Err(Fault::bad_user_input("Give either first or last, not both."));
            }
            (None, Some(last)) => (last, true),
            (first, None) => (first.unwrap_or(DEFAULT_PAGE_SIZE), false),
        };
        let limit = u64::try_from(size).ok().filter(|_| size <= MAX_PAGE_SIZE);
        let Some(limit) = limit else {
            let name = if backward { "last" } else { "first" };
            return Err(Fault::bad_user_input(format!(
                "{name} is {size}; it must be between 0 and {MAX_PAGE_SIZE}."
            )));
        };
        let fingerprint = fingerprint(list);
        let cursor = |name, text: &Option<String>| {
            text.as_deref().map(|text| decode(name, text, fingerprint)).transpose()
        };
        Ok(Window {
            limit,
            backward,
            after: cursor("after", &self.after)?,
            before: cursor("before", &self.before)?,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct Wire {
    #[serde(rename = "l")]
    list: u32,
    #[serde(flatten)]
    cursor: Cursor,
}

// A stable hash (FNV-1a), because cursors outlive the process that made them.
struct Fnv(u32);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        u64::from(self.0)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u32::from(*byte)).wrapping_mul(16_777_619);
        }
    }
}

fn fingerprint(list: &impl Hash) -> u32 {
    let mut hasher = Fnv(2_166_136_261);
    list.hash(&mut hasher);
    hasher.0
}

fn decode(name: &str, text: &str, list: u32) -> Result<Cursor, Fault> {
    let wire = URL_SAFE_NO_PAD
        .decode(text)
        .ok()
        .and_then(|bytes| serde_json::from_slice::<Wire>(&bytes).ok())
        .ok_or_else(|| Fault::bad_user_input(format!("{name} is not a cursor of this list.")))?;
    if wire.list != list {
        return Err(Fault::bad_user_input(format!(
            "{name} is a cursor of a list with another sort or filter. Start again without it."
        )));
    }
    Ok(wire.cursor)
}

type Counter = Box<dyn Fn() -> BoxFuture<'static, Result<u64, Fault>> + Send + Sync>;

/// One page of a list of `N`.
pub struct Connection<N> {
    edges: Vec<(Cursor, N)>,
    list: u32,
    has_previous: bool,
    has_next: bool,
    count: Counter,
}

impl<N> Connection<N> {
    /// A connection over `page`. `list` is what [`PageArgs::window`] was given; `count` runs only
    /// when `totalCount` is selected.
    pub fn new<T, F>(
        page: Page<T>,
        list: &impl Hash,
        cursor: impl Fn(&T) -> Cursor,
        node: impl Fn(T) -> N,
        count: F,
    ) -> Self
    where
        F: Fn() -> BoxFuture<'static, Result<u64, Fault>> + Send + Sync + 'static,
    {
        Self {
            edges: page.items.into_iter().map(|item| (cursor(&item), node(item))).collect(),
            list: fingerprint(list),
            has_previous: page.has_previous,
            has_next: page.has_next,
            count: Box::new(count),
        }
    }

    fn encode(&self, cursor: &Cursor) -> String {
        let wire = Wire { list: self.list, cursor: cursor.clone() };
        // Serialising these plain types cannot fail; an empty cursor would be refused.
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(&wire).unwrap_or_default())
    }
}

impl<N: OutputType> TypeName for Connection<N> {
    fn type_name() -> Cow<'static, str> {
        Cow::Owned(format!("{}Connection", N::type_name()))
    }
}

/// One page of a list, and what is needed to go on from there.
#[Object(name_type)]
impl<N: OutputType> Connection<N> {
    /// The items of this page, each with its cursor.
    async fn edges(&self) -> Vec<Edge<'_, N>> {
        self.edges.iter().map(|(cursor, node)| Edge { cursor: self.encode(cursor), node }).collect()
    }

    /// The items of this page.
    async fn nodes(&self) -> Vec<&N> {
        self.edges.iter().map(|(_, node)| node).collect()
    }

    /// Where this page lies in the list.
    async fn page_info(&self) -> PageInfo {
        PageInfo {
            has_previous_page: self.has_previous,
            has_next_page: self.has_next,
            start_cursor: self.edges.first().map(|(cursor, _)| self.encode(cursor)),
            end_cursor: self.edges.last().map(|(cursor, _)| self.encode(cursor)),
        }
    }

    /// How many items the whole list has. Counted only when selected; leave it out of long lists
    /// that need it not.
    async fn total_count(&self) -> Result<i32, Fault> {
        let count = (self.count)().await?;
        Ok(i32::try_from(count).unwrap_or(i32::MAX))
    }
}

/// An item with its place in the list.
pub struct Edge<'a, N> {
    cursor: String,
    node: &'a N,
}

impl<N: OutputType> TypeName for Edge<'_, N> {
    fn type_name() -> Cow<'static, str> {
        Cow::Owned(format!("{}Edge", N::type_name()))
    }
}

/// An item with its place in the list.
#[Object(name_type)]
impl<N: OutputType> Edge<'_, N> {
    /// The place; give it as `after` or `before`.
    async fn cursor(&self) -> &str {
        &self.cursor
    }

    /// The item.
    async fn node(&self) -> &N {
        self.node
    }
}

/// Where a page lies in its list.
#[derive(SimpleObject)]
pub struct PageInfo {
    /// Whether there are items before this page.
    has_previous_page: bool,
    /// Whether there are items after this page.
    has_next_page: bool,
    /// The cursor of the first item; null on an empty page.
    start_cursor: Option<String>,
    /// The cursor of the last item; null on an empty page.
    end_cursor: Option<String>,
}
