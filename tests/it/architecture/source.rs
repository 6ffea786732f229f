//! One source file, read into the facts that the rules ask about. What stands under `#[cfg(test)]`
//! is left out: the rules are for what ships.

use std::collections::HashMap;

use proc_macro2::{TokenStream, TokenTree};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, ImplItem, Item, Meta, Token, UseTree};

/// What a file says, with the line where it says it.
#[derive(Default)]
pub struct Facts {
    /// Every path, by `use`, in code and in the tokens of macros and attributes.
    pub paths: Vec<NamedPath>,
    /// Names of called methods, those of `self` apart.
    pub calls: Vec<(String, usize)>,
    /// String literals, documentation apart.
    pub texts: Vec<(String, usize)>,
    /// Modules declared, inline or not.
    pub modules: Vec<(String, usize)>,
    /// Child modules that exist for tests alone.
    pub test_modules: Vec<String>,
    /// Lines with `#[path]`.
    pub moved_modules: Vec<usize>,
    /// Whether the file opens with `//!`.
    pub has_opening_words: bool,
    /// Local names and what they stand for, by `use`.
    imports: HashMap<String, Vec<String>>,
}

/// A path as written; a glob ends in `*`.
pub struct NamedPath {
    pub segments: Vec<String>,
    pub line: usize,
    pub is_use: bool,
}

impl NamedPath {
    pub fn starts_with(&self, segment: &str) -> bool {
        self.segments.first().is_some_and(|first| first == segment)
    }

    /// Whether the path reaches into a crate of this name; a lone name may be a variable.
    pub fn names(&self, name: &str) -> bool {
        let reaches = self.is_use || self.segments.len() > 1;
        reaches && self.segments.iter().any(|segment| segment == name)
    }
}

/// Read one file.
pub fn read(text: &str) -> syn::Result<Facts> {
    let file = syn::parse_file(text)?;
    let mut facts = Facts {
        has_opening_words: file.attrs.iter().any(|attribute| attribute.path().is_ident("doc")),
        ..Facts::default()
    };
    facts.visit_file(&file);
    Ok(facts)
}

impl Facts {
    /// The path from the crate's root, if it leads into this crate. `home` is the file's own module.
    pub fn resolve(&self, path: &NamedPath, home: &[String]) -> Option<Vec<String>> {
        let expanded = self.expand(path);
        let (first, rest) = expanded.split_first()?;
        let is_child = self.modules.iter().any(|(name, _)| name == first);
        match first.as_str() {
            // The program is a crate of its own and names the library by its name.
            "crate" | "stockroom" => Some(rest.to_vec()),
            "self" if !rest.is_empty() => Some([home, rest].concat()),
            "super" => {
                let climbs = expanded.iter().take_while(|segment| *segment == "super").count();
                let parent = home.get(..home.len().checked_sub(climbs)?)?;
                Some([parent, expanded.get(climbs..)?].concat())
            }
            _ if is_child && !rest.is_empty() => Some([home, &expanded].concat()),
            _ => None,
        }
    }

    /// The path with an imported first name written out.
    pub fn expand(&self, path: &NamedPath) -> Vec<String> {
        let imported = path.segments.split_first().filter(|_| !path.is_use);
        let written_out = imported.and_then(|(first, rest)| {
            let import = self.imports.get(first)?;
            Some([import.as_slice(), rest].concat())
        });
        written_out.unwrap_or_else(|| path.segments.clone())
    }

    fn path(&mut self, segments: Vec<String>, line: usize, is_use: bool) {
        self.paths.push(NamedPath { segments, line, is_use });
    }

    fn use_tree(&mut self, tree: &UseTree, before: &[String]) {
        let mut segments = before.to_vec();
        let line = tree.span().start().line;
        match tree {
            UseTree::Path(part) => {
                segments.push(part.ident.to_string());
                self.use_tree(&part.tree, &segments);
            }
            UseTree::Group(group) => {
                for part in &group.items {
                    self.use_tree(part, &segments);
                }
            }
            UseTree::Glob(_) => {
                segments.push("*".to_owned());
                self.path(segments, line, true);
            }
            UseTree::Name(name) => self.import(segments, name.ident.to_string(), None, line),
            UseTree::Rename(name) => {
                let alias = Some(name.rename.to_string());
                self.import(segments, name.ident.to_string(), alias, line);
            }
        }
    }

    fn import(
        &mut self,
        mut segments: Vec<String>,
        name: String,
        alias: Option<String>,
        line: usize,
    ) {
        // `use a::b::{self}` imports b.
        if name != "self" || segments.is_empty() {
            segments.push(name);
        }
        if let Some(local) = alias.or_else(|| segments.last().cloned()) {
            self.imports.insert(local, segments.clone());
        }
        self.path(segments, line, true);
    }

    /// Macros and attributes are not parsed by the compiler's grammar: look for the shapes of paths,
    /// calls and texts among their tokens.
    fn tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let is_punct = |at: usize, wanted: char| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == wanted);
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            let line = token.span().start().line;
            at += 1;
            match token {
                TokenTree::Ident(ident) => {
                    let follows_dot = at >= 2 && is_punct(at - 2, '.');
                    let of_self = at >= 3
                        && matches!(&tokens.get(at - 3), Some(TokenTree::Ident(of)) if of == "self");
                    let mut segments = vec![ident.to_string()];
                    while is_punct(at, ':') && is_punct(at + 1, ':') {
                        match tokens.get(at + 2) {
                            Some(TokenTree::Ident(next)) => segments.push(next.to_string()),
                            _ => break,
                        }
                        at += 3;
                    }
                    match (follows_dot, tokens.get(at), segments.first()) {
                        (true, Some(TokenTree::Group(_)), Some(name)) if !of_self => {
                            self.calls.push((name.clone(), line));
                        }
                        (true, _, _) => {}
                        (false, _, _) => self.path(segments, line, false),
                    }
                }
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Literal(literal) => {
                    if let Ok(text) = syn::parse_str::<syn::LitStr>(&literal.to_string()) {
                        self.texts.push((text.value(), line));
                    }
                }
                TokenTree::Punct(_) => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Facts {
    fn visit_item(&mut self, item: &'ast Item) {
        if is_for_tests(item_attributes(item)) {
            if let Item::Mod(module) = item {
                self.test_modules.push(module.ident.to_string());
            }
            return;
        }
        visit::visit_item(self, item);
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let attributes = match item {
            ImplItem::Fn(function) => function.attrs.as_slice(),
            ImplItem::Const(constant) => constant.attrs.as_slice(),
            _ => &[],
        };
        if !is_for_tests(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.modules.push((item.ident.to_string(), item.span().start().line));
        visit::visit_item_mod(self, item);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.use_tree(&item.tree, &[]);
    }

    fn visit_item_extern_crate(&mut self, item: &'ast syn::ItemExternCrate) {
        let alias = item.rename.as_ref().map(|(_, alias)| alias.to_string());
        self.import(Vec::new(), item.ident.to_string(), alias, item.span().start().line);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.path(segments, path.span().start().line, false);
        visit::visit_path(self, path);
    }

    /// `pub(super)` says who may look, not what is used.
    fn visit_vis_restricted(&mut self, _: &'ast syn::VisRestricted) {}

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        let of_self = matches!(&*call.receiver, Expr::Path(path) if path.path.is_ident("self"));
        if !of_self {
            self.calls.push((call.method.to_string(), call.method.span().start().line));
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_lit_str(&mut self, text: &'ast syn::LitStr) {
        self.texts.push((text.value(), text.span().start().line));
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.visit_path(&call.path);
        self.tokens(call.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if attribute.path().is_ident("doc") {
            return;
        }
        if attribute.path().is_ident("path") {
            self.moved_modules.push(attribute.span().start().line);
        }
        self.visit_path(attribute.path());
        match &attribute.meta {
            Meta::List(list) => self.tokens(list.tokens.clone()),
            Meta::NameValue(pair) => self.visit_expr(&pair.value),
            Meta::Path(_) => {}
        }
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let last = attribute.path().segments.last();
        let is_test = last.is_some_and(|segment| segment.ident == "test");
        let is_cfg = attribute.path().is_ident("cfg");
        is_test || is_cfg && attribute.parse_args::<Meta>().is_ok_and(|meta| asks_for_test(&meta))
    })
}

/// Whether a `cfg` is never true outside tests: `test`, or `all(…)` with it.
fn asks_for_test(condition: &Meta) -> bool {
    let parts = |list: &syn::MetaList| {
        list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).unwrap_or_default()
    };
    match condition {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) if list.path.is_ident("all") => parts(list).iter().any(asks_for_test),
        _ => false,
    }
}

fn item_attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
