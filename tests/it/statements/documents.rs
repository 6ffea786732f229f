//! Makes a document for every edge of the schema that can be reached from a list.

use crate::app::Caller;
use serde_json::Value;
use std::collections::{HashMap, HashSet, VecDeque};

/// Documents, each with the edge `Type.field` that it is for.
pub struct Documents(pub Vec<(String, String)>);

const INTROSPECTION: &str = "{ __schema { queryType { name } types { kind name \
    possibleTypes { name } fields { name args { name type { ...T } defaultValue } \
    type { ...T } } } } } fragment T on __Type { kind name ofType { kind name ofType { kind name \
    ofType { kind name ofType { kind name } } } } }";

struct Field {
    name: String,
    /// The named type inside lists and non-nulls.
    of: String,
    is_list: bool,
    takes_first: bool,
    /// Arguments without which the field cannot be asked for.
    required: Vec<String>,
}

struct Type {
    kind: String,
    fields: Vec<Field>,
    possible: Vec<String>,
}

struct Schema {
    types: HashMap<String, Type>,
}

/// How a type is reached: what stands before and after its selection.
#[derive(Clone)]
struct Path {
    before: String,
    after: String,
    depth: usize,
}

impl Documents {
    pub async fn of_every_edge(caller: &Caller) -> Self {
        let answer = caller.query(INTROSPECTION).await;
        let root = answer.data()["__schema"]["queryType"]["name"].as_str().unwrap().to_owned();
        let schema = Schema::read(&answer.data()["__schema"]["types"]);
        let mut documents = Vec::new();
        let mut seen = HashSet::new();
        let mut waiting = VecDeque::new();
        for field in schema.types[&root].fields.iter().filter(|field| schema.is_many(field)) {
            schema.follow(&root, field, &Path::root(field), &mut documents, &mut waiting);
        }
        while let Some((name, path)) = waiting.pop_front() {
            if !seen.insert(name.clone()) {
                continue;
            }
            for field in schema.types[&name].fields.iter().filter(|field| schema.leads_on(field)) {
                schema.follow(&name, field, &path, &mut documents, &mut waiting);
            }
        }
        Self(documents)
    }
}

impl Path {
    fn root(field: &Field) -> Self {
        let before = if field.required.is_empty() { "{" } else { "query ($ids: [ID!]!) {" };
        Self { before: before.to_owned(), after: "}".to_owned(), depth: 0 }
    }

    fn into(&self, before: &str, after: &str) -> Self {
        Self {
            before: format!("{} {before}", self.before),
            after: format!("{after} {}", self.after),
            depth: self.depth + 1,
        }
    }
}

impl Schema {
    fn read(types: &Value) -> Self {
        let types = types.as_array().unwrap().iter().map(|of| {
            let list = |name: &str| of[name].as_array().cloned().unwrap_or_default();
            let read = Type {
                kind: of["kind"].as_str().unwrap().to_owned(),
                fields: list("fields").iter().map(Field::read).collect(),
                possible: list("possibleTypes").iter().map(|t| text(&t["name"])).collect(),
            };
            (text(&of["name"]), read)
        });
        Self { types: types.collect() }
    }

    /// The item type of a connection.
    fn node_of(&self, name: &str) -> Option<&str> {
        let nodes = self.types[name].fields.iter().find(|field| field.name == "nodes")?;
        name.ends_with("Connection").then_some(nodes.of.as_str())
    }

    fn has_fields(&self, field: &Field) -> bool {
        matches!(self.types[&field.of].kind.as_str(), "OBJECT" | "INTERFACE" | "UNION")
    }

    /// A root field with many items, that can be asked for with ids at most.
    fn is_many(&self, field: &Field) -> bool {
        let known = field.required.iter().all(|name| name == "ids");
        let many = field.is_list || self.node_of(&field.of).is_some();
        known && many && self.has_fields(field)
    }

    fn leads_on(&self, field: &Field) -> bool {
        field.required.is_empty() && self.has_fields(field)
    }

    /// Adds the document of an edge, and the types that it leads to.
    fn follow(
        &self,
        parent: &str,
        field: &Field,
        path: &Path,
        documents: &mut Vec<(String, String)>,
        waiting: &mut VecDeque<(String, Path)>,
    ) {
        let connection = self.node_of(&field.of);
        let item = connection.unwrap_or(&field.of).to_owned();
        let call = |first: usize| match (field.takes_first, field.required.is_empty()) {
            (_, false) => format!("{}(ids: $ids)", field.name),
            (true, _) => format!("{}(first: {first})", field.name),
            _ => field.name.clone(),
        };
        let selected = match connection {
            Some(_) => format!(
                "{{ nodes {} totalCount edges {{ cursor }} pageInfo {{ endCursor }} }}",
                self.leaves(&item)
            ),
            None => self.leaves(&item),
        };
        // Deep documents take fewer items at their end, or they would cost more than allowed.
        let here = if path.depth < 2 { 50 } else { 5 };
        let edge = format!("{parent}.{}", field.name);
        let document = format!("{} {} {selected} {}", path.before, call(here), path.after);
        documents.push((edge, document));

        let on_the_way = if path.depth == 0 { 50 } else { 2 };
        let (open, close) = match connection {
            Some(_) => (format!("{} {{ nodes {{", call(on_the_way)), "} }"),
            None => (format!("{} {{", call(on_the_way)), "}"),
        };
        for name in self.objects(&item) {
            let step = if name == item {
                path.into(&open, close)
            } else {
                path.into(&format!("{open} ... on {name} {{"), &format!("}} {close}"))
            };
            waiting.push_back((name, step));
        }
    }

    /// The object types that a type can be.
    fn objects(&self, name: &str) -> Vec<String> {
        match self.types[name].kind.as_str() {
            "OBJECT" => vec![name.to_owned()],
            _ => self.types[name].possible.clone(),
        }
    }

    /// A selection of every field without fields of its own.
    fn leaves(&self, name: &str) -> String {
        if self.types[name].kind != "OBJECT" {
            let parts = self.types[name].possible.iter();
            let parts = parts.map(|of| format!("... on {of} {}", self.aliased_leaves(of)));
            return format!("{{ __typename {} }}", parts.collect::<Vec<_>>().join(" "));
        }
        let fields = self.plain(name).map(|field| field.name.as_str());
        format!("{{ __typename {} }}", fields.collect::<Vec<_>>().join(" "))
    }

    /// As [`Schema::leaves`], safe beside other types that give a name another type.
    fn aliased_leaves(&self, name: &str) -> String {
        // An id is of the same type everywhere.
        if self.plain(name).any(|field| field.name == "id") {
            return "{ __typename id }".to_owned();
        }
        let fields = self.plain(name).map(|field| format!("{name}_{0}: {0}", field.name));
        // No more aliases than a document may have, whatever the number of types.
        format!("{{ __typename {} }}", fields.take(1).collect::<Vec<_>>().join(" "))
    }

    fn plain<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Field> {
        let fields = self.types[name].fields.iter();
        fields.filter(|field| field.required.is_empty() && !self.has_fields(field))
    }
}

impl Field {
    fn read(field: &Value) -> Self {
        let arguments = field["args"].as_array().unwrap();
        let required = arguments.iter().filter(|argument| {
            argument["type"]["kind"] == "NON_NULL" && argument["defaultValue"].is_null()
        });
        let (mut of, mut is_list) = (&field["type"], false);
        while !of["ofType"].is_null() {
            is_list |= of["kind"] == "LIST";
            of = &of["ofType"];
        }
        Self {
            name: text(&field["name"]),
            of: text(&of["name"]),
            is_list,
            takes_first: arguments.iter().any(|argument| argument["name"] == "first"),
            required: required.map(|argument| text(&argument["name"])).collect(),
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
