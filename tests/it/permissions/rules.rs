//! What the schema promises: each root field with its permission, read from the SDL.

use apollo_compiler::Node;
use apollo_compiler::ast::{Definition, Document, FieldDefinition, Value};
use stockroom::auth::Permission;

/// A type whose fields begin an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root {
    Query,
    Mutation,
    Subscription,
}

impl Root {
    pub const ALL: [Self; 3] = [Self::Query, Self::Mutation, Self::Subscription];

    /// Its name in the schema.
    pub fn name(self) -> String {
        format!("{self:?}")
    }
}

/// A field with its rule.
pub struct RootField {
    pub root: Root,
    pub definition: Node<FieldDefinition>,
    pub permission: Permission,
}

impl RootField {
    pub fn name(&self) -> &str {
        self.definition.name.as_str()
    }

    pub fn path(&self) -> String {
        format!("{}.{}", self.root.name(), self.name())
    }
}

/// What a schema promises, and where it fails to.
pub struct Rules {
    pub document: Document,
    pub fields: Vec<RootField>,
    /// Every field with a rule, nested ones too: its path, its description and the permission.
    pub described: Vec<(String, String, Permission)>,
    /// Nested fields with a rule, each with the type that it stands in.
    pub nested: Vec<(String, Node<FieldDefinition>, Permission)>,
    /// Types that are `Node`s.
    pub nodes: Vec<String>,
    pub findings: Vec<String>,
}

impl Rules {
    pub fn of(sdl: &str) -> Self {
        let document = Document::parse(sdl, "schema.graphql").expect("the schema can be parsed");
        let (mut fields, mut described, mut nodes) = (Vec::new(), Vec::new(), Vec::new());
        let (mut nested, mut findings) = (Vec::new(), Vec::new());
        for definition in &document.definitions {
            let Definition::ObjectTypeDefinition(object) = definition else { continue };
            if object.implements_interfaces.iter().any(|name| name == "Node") {
                nodes.push(object.name.to_string());
            }
            let root = Root::ALL.into_iter().find(|root| root.name() == object.name.as_str());
            for field in &object.fields {
                let path = format!("{}.{}", object.name, field.name);
                match (permission(field), root) {
                    (Some(Ok(permission)), root) => {
                        let description = field.description.as_deref().unwrap_or_default();
                        described.push((path, description.to_owned(), permission));
                        if root.is_none() {
                            nested.push((object.name.to_string(), field.clone(), permission));
                        }
                        fields.extend(root.map(|root| RootField {
                            root,
                            definition: field.clone(),
                            permission,
                        }));
                    }
                    (Some(Err(name)), _) => {
                        findings.push(format!("{path}: there is no permission {name:?}"));
                    }
                    (None, Some(_)) => findings.push(format!("{path}: it has no @auth")),
                    (None, None) => {}
                }
            }
        }
        Self { document, fields, described, nested, nodes, findings }
    }

    pub fn field(&self, root: Root, name: &str) -> &RootField {
        let found = self.fields.iter().find(|field| field.root == root && field.name() == name);
        found.unwrap_or_else(|| panic!("{root:?} has no field {name}"))
    }
}

/// The permission that a field names, or what it names instead.
fn permission(field: &FieldDefinition) -> Option<Result<Permission, String>> {
    let auth = field.directives.iter().find(|directive| directive.name == "auth")?;
    let argument = auth.arguments.iter().find(|argument| argument.name == "permission");
    let value = argument.map(|argument| &*argument.value);
    let Some(Value::String(name)) = value else { return Some(Err(String::new())) };
    Some(Permission::from_name(name).ok_or_else(|| name.clone()))
}
