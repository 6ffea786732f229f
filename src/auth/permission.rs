//! What may be done here, by name, and who holds it: one table. The services ask it, the schema's
//! `@auth` and its descriptions are made from it, and the README is compared with it.

use crate::auth::Role;

/// Who holds a permission because of what they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holders {
    /// Also those who are not signed in.
    Everyone,
    /// Every account.
    SignedIn,
    /// Staff and administrators.
    Staff,
    /// Administrators.
    Administrators,
}

impl Holders {
    /// Whether an account of this role is one of them; None stands for a guest.
    #[must_use]
    pub const fn include(self, role: Option<Role>) -> bool {
        match self {
            Self::Everyone => true,
            Self::SignedIn => role.is_some(),
            Self::Staff => matches!(role, Some(Role::Staff | Role::Admin)),
            Self::Administrators => matches!(role, Some(Role::Admin)),
        }
    }

    /// In words, for a description.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Everyone => "everyone, also guests",
            Self::SignedIn => "everyone who is signed in",
            Self::Staff => "staff, administrators",
            Self::Administrators => "administrators",
        }
    }
}

/// Whether an API token can be given a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tokens {
    /// By an administrator who holds it.
    May,
    /// By nobody.
    Never,
}

macro_rules! permissions {
    ($($(#[doc = $about:literal])+ $permission:ident $name:literal $holders:ident $tokens:ident,)+) => {
        /// Something that may be done here. The order is that of the README.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Permission {
            $($(#[doc = $about])+ $permission,)+
        }

        impl Permission {
            /// Every permission.
            pub const ALL: &'static [Self] = &[$(Self::$permission,)+];

            /// Its name, in the schema and everywhere else.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$permission => $name,)+ }
            }

            /// What it lets one do, in a sentence or two.
            #[must_use]
            pub fn about(self) -> &'static str {
                match self { $(Self::$permission => concat!($($about),+).trim_start(),)+ }
            }

            /// Who holds it because of what they are.
            #[must_use]
            pub const fn holders(self) -> Holders {
                match self { $(Self::$permission => Holders::$holders,)+ }
            }

            const fn tokens(self) -> Tokens {
                match self { $(Self::$permission => Tokens::$tokens,)+ }
            }
        }
    };
}

permissions! {
    /// See what is sold: categories, products, variants, prices, and how many are available.
    CatalogRead "CATALOG_READ" Everyone May,
    /// Read objects by id. What the viewer may not see is null, as if it were not there.
    NodeRead "NODE_READ" Everyone May,
    /// Register, sign in, stay signed in and sign out, prove an address, reset a password, and ask
    /// who one is.
    AccountAccess "ACCOUNT_ACCESS" Everyone May,
    /// See and change one's own account, its addresses, its password and its sessions.
    AccountOwn "ACCOUNT_OWN" SignedIn Never,
    /// Put things into carts, see what they cost, and take them out again: a guest's cart by its id,
    /// one's own by being signed in.
    CartUse "CART_USE" Everyone May,
    /// Have a cart of one's own, and put a guest's into it.
    CartOwn "CART_OWN" SignedIn Never,
    /// See drafts and archived products.
    CatalogReadAll "CATALOG_READ_ALL" Staff May,
    /// Create, change and delete categories, products and variants, and set flash sales.
    CatalogWrite "CATALOG_WRITE" Staff May,
    /// See stock levels by warehouse, movements and warehouses.
    StockRead "STOCK_READ" Staff May,
    /// Change stock levels and warehouses.
    StockWrite "STOCK_WRITE" Staff May,
    /// Turn a cart into an order, pay it, see it and call it off: one's own by being signed in, a
    /// guest's by its token.
    OrderPlace "ORDER_PLACE" Everyone May,
    /// List orders: one's own, or all with ORDER_READ.
    OrderList "ORDER_LIST" SignedIn May,
    /// See every order, and not one's own alone, and how sales went.
    OrderRead "ORDER_READ" Staff May,
    /// Deal with every order: call it off, send it, take it back.
    OrderWrite "ORDER_WRITE" Staff May,
    /// See tax rates and shipping methods as they are set.
    SalesSettingsRead "SALES_SETTINGS_READ" Staff May,
    /// See any account or API token where it is named, such as the one that moved stock.
    AccountRead "ACCOUNT_READ" Staff May,
    /// See every payment, and not those of one's own orders alone.
    PaymentRead "PAYMENT_READ" Staff May,
    /// Take money that is set aside, let go of it, give money back, and ask a provider what it knows.
    PaymentWrite "PAYMENT_WRITE" Staff May,
    /// See the events that others are told, and which of them were refused.
    OutboxRead "OUTBOX_READ" Staff May,
    /// Offer events again that were refused for the last time.
    OutboxRetry "OUTBOX_RETRY" Staff May,
    /// See how the shop and the server do: figures, health, quality, alerts.
    MetricsRead "METRICS_READ" Staff May,
    /// Acknowledge alerts.
    AlertWrite "ALERT_WRITE" Staff May,
    /// List and search the accounts of the shop.
    AccountList "ACCOUNT_LIST" Administrators May,
    /// Set tax rates and shipping methods.
    SalesSettingsWrite "SALES_SETTINGS_WRITE" Administrators May,
    /// Change what accounts are: their roles, whether they are active, their sessions.
    // Not for tokens: whoever makes administrators can do everything.
    AccountManage "ACCOUNT_MANAGE" Administrators Never,
    /// Create, list and revoke API tokens.
    ApiTokenManage "API_TOKEN_MANAGE" Administrators Never,
    /// See who did what: the audit log.
    AuditRead "AUDIT_READ" Administrators May,
    /// Ask the server for its schema in production; elsewhere everyone may.
    SchemaIntrospect "SCHEMA_INTROSPECT" Administrators May,
}

impl Permission {
    /// The permission of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|permission| permission.name() == name)
    }

    /// Whether an API token can be given it.
    #[must_use]
    pub fn is_for_tokens(self) -> bool {
        self.tokens() == Tokens::May
    }

    /// The rule of a field that needs it: the last line of the field's description.
    #[must_use]
    pub fn rule(self) -> String {
        format!("Needs {}: {}.", self.name(), self.holders().words())
    }

    /// What comes with it when a token is given it: whoever changes something sees it.
    const fn includes(self) -> &'static [Self] {
        match self {
            Self::CatalogWrite => &[Self::CatalogReadAll],
            Self::StockWrite => &[Self::StockRead],
            Self::OrderRead => &[Self::OrderList],
            Self::OrderWrite => &[Self::OrderRead, Self::OrderList],
            Self::PaymentWrite => &[Self::PaymentRead],
            Self::SalesSettingsWrite => &[Self::SalesSettingsRead],
            Self::AlertWrite => &[Self::MetricsRead],
            _ => &[],
        }
    }

    #[expect(clippy::as_conversions, reason = "the place of a variant; there are fewer than 64")]
    const fn bit(self) -> u64 {
        1 << (self as u64)
    }
}

/// Some of the permissions; small enough to be copied around.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PermissionSet(u64);

impl PermissionSet {
    /// What an account of this role holds; None stands for a guest.
    #[must_use]
    pub fn of(role: Option<Role>) -> Self {
        Permission::ALL.iter().copied().filter(|it| it.holders().include(role)).collect()
    }

    /// Whether this one is among them.
    #[must_use]
    pub const fn contains(self, permission: Permission) -> bool {
        self.0 & permission.bit() != 0
    }

    /// Those that are in either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// With what comes with them: whoever may change something may see it.
    #[must_use]
    pub fn with_included(self) -> Self {
        self.union(self.iter().flat_map(Permission::includes).copied().collect())
    }

    /// Each of them, in the order of the table.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(move |permission| self.contains(*permission))
    }
}

impl FromIterator<Permission> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(permissions.into_iter().fold(0, |set, permission| set | permission.bit()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_variants_in_capitals_and_lead_back() {
        for permission in Permission::ALL.iter().copied() {
            let variant = format!("{permission:?}");
            let capitals: String = variant
                .char_indices()
                .flat_map(|(at, letter)| {
                    let gap = (at > 0 && letter.is_uppercase()).then_some('_');
                    gap.into_iter().chain(letter.to_uppercase())
                })
                .collect();
            assert_eq!(permission.name(), capitals);
            assert_eq!(Permission::from_name(permission.name()), Some(permission));
        }
        assert_eq!(Permission::from_name("EVERYTHING"), None);
    }

    #[test]
    fn each_role_holds_what_the_one_below_it_holds_and_more() {
        let roles = [None, Some(Role::Customer), Some(Role::Staff), Some(Role::Admin)];
        for pair in roles.windows(2) {
            let (less, more) = (PermissionSet::of(pair[0]), PermissionSet::of(pair[1]));
            assert_ne!(less, more);
            assert_eq!(less.union(more), more, "{:?} lacks what {:?} holds", pair[1], pair[0]);
        }
        assert_eq!(PermissionSet::of(Some(Role::Admin)).iter().count(), Permission::ALL.len());
    }

    #[test]
    fn a_set_holds_what_was_put_in_and_nothing_else() {
        for one in Permission::ALL.iter().copied() {
            let set = PermissionSet::from_iter([one]);
            assert_eq!(set.iter().collect::<Vec<_>>(), [one]);
        }
        assert_eq!(PermissionSet::default().iter().count(), 0);
    }

    #[test]
    fn whoever_may_change_something_may_see_it() {
        let set = PermissionSet::from_iter([Permission::StockWrite]).with_included();
        assert!(set.contains(Permission::StockRead) && !set.contains(Permission::CatalogReadAll));
        for role in [None, Some(Role::Customer), Some(Role::Staff), Some(Role::Admin)] {
            assert_eq!(PermissionSet::of(role).with_included(), PermissionSet::of(role));
        }
    }

    #[test]
    fn a_token_can_never_become_more_than_it_is() {
        for permission in [
            Permission::AccountOwn,
            Permission::CartOwn,
            Permission::AccountManage,
            Permission::ApiTokenManage,
        ] {
            assert!(!permission.is_for_tokens(), "{permission:?}");
        }
    }
}
