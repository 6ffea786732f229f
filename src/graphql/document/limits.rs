//! The figures that bound a document and its variables. They belong to the front alone: nothing
//! behind it may rely on a client having been modest.

/// What a document may be and cost. The defaults let the standard introspection query and
/// ordinary pages of 100 rows through.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Characters of the document's text.
    pub characters: usize,
    /// Lexical tokens of the text, punctuation included, white space and comments not.
    pub tokens: usize,
    /// How deep `{`, `(` and `[` may nest in the text.
    pub nesting: usize,
    /// Fields of all operations together, with every fragment expanded where it is spread.
    pub fields: u32,
    /// How deep fields may nest, fragments expanded.
    pub depth: u32,
    /// Aliases of one operation, fragments expanded.
    pub aliases: u32,
    /// Fields of one operation's root, fragments expanded.
    pub root_fields: u32,
    /// Directives on one field, fragment, variable or operation.
    pub directives_per_node: usize,
    /// Directives of the whole document.
    pub directives: usize,
    /// Root fields of which one operation may name no more than one: each is an attempt
    /// (of a password, of a payment) that is limited by the number of requests.
    pub once_per_operation: Vec<String>,
    /// Highest cost of a guest's operation.
    pub cost_guest: u32,
    /// Highest cost of a signed-in user's operation.
    pub cost_signed_in: u32,
    /// Rows a connection is assumed to have when neither `first` nor `last` is given.
    pub page_default: u32,
    /// Most rows a connection can have. Costs clamp to it, resolvers refuse beyond it.
    pub page_highest: u32,
    /// Items a plain list of objects is assumed to have.
    pub list_assumed: u32,
    /// Values in all variables together.
    pub variable_values: usize,
    /// How deep lists and objects may nest in a variable.
    pub variable_nesting: usize,
    /// Documents that the cache (and so the store of persisted queries) holds.
    pub documents: u64,
    /// Whether validation errors propose names of the schema.
    pub suggestions: bool,
    /// Whether everyone may ask `__schema` and `__type`; else only who has `Access` to them.
    /// `__typename` may always be asked.
    pub introspection: bool,
}

impl Default for Limits {
    fn default() -> Self {
        let once = [
            "accountRegister",
            "tokenCreate",
            "tokenRefresh",
            "passwordReset",
            "passwordResetRequest",
            "passwordChange",
            "emailVerificationRequest",
            "emailChangeRequest",
            "accountDeactivate",
            "accountErase",
            "checkoutComplete",
            "orderPay",
            "paymentCapture",
            "paymentVoid",
            "paymentRefund",
            "paymentCheck",
        ];
        Self {
            characters: 15_000,
            tokens: 2_000,
            nesting: 40,
            fields: 2_000,
            depth: 20,
            aliases: 15,
            root_fields: 10,
            directives_per_node: 5,
            directives: 50,
            once_per_operation: once.map(String::from).to_vec(),
            cost_guest: 10_000,
            cost_signed_in: 50_000,
            page_default: 20,
            page_highest: 100,
            list_assumed: 5,
            variable_values: 20_000,
            variable_nesting: 32,
            documents: 2_000,
            suggestions: true,
            introspection: true,
        }
    }
}
