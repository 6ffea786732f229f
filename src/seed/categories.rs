//! The category tree of the demo catalogue: four roots, and what is below them once there are more
//! products than the showcase has.

/// A category; parents stand before their children.
pub struct Node {
    pub slug: &'static str,
    pub name: &'static str,
    /// The slug of the category above; None for a root.
    pub parent: Option<&'static str>,
}

const fn root(slug: &'static str, name: &'static str) -> Node {
    Node { slug, name, parent: None }
}

const fn below(parent: &'static str, slug: &'static str, name: &'static str) -> Node {
    Node { slug, name, parent: Some(parent) }
}

/// How many of [`TREE`] are roots.
pub const ROOTS: usize = 4;

/// Every category. New ones go to the end: a key follows from the place.
pub const TREE: [Node; 30] = [
    root("electronics", "Electronics"),
    root("clothing", "Clothing"),
    root("books", "Books"),
    root("home-and-garden", "Home & Garden"),
    below("electronics", "audio", "Audio"),
    below("audio", "headphones", "Headphones"),
    below("audio", "speakers", "Speakers"),
    below("electronics", "computing", "Computing"),
    below("computing", "keyboards-and-mice", "Keyboards & Mice"),
    below("computing", "storage", "Storage"),
    below("electronics", "cables-and-chargers", "Cables & Chargers"),
    below("electronics", "smart-home", "Smart Home"),
    below("clothing", "tops", "Tops"),
    below("clothing", "outerwear", "Outerwear"),
    below("clothing", "trousers", "Trousers"),
    below("clothing", "shoes", "Shoes"),
    below("clothing", "accessories", "Accessories"),
    below("books", "fiction", "Fiction"),
    below("fiction", "crime", "Crime"),
    below("fiction", "novels", "Novels"),
    below("books", "cooking", "Cooking"),
    below("books", "science", "Science"),
    below("books", "travel", "Travel"),
    below("home-and-garden", "kitchen", "Kitchen"),
    below("kitchen", "cookware", "Cookware"),
    below("kitchen", "tableware", "Tableware"),
    below("home-and-garden", "lighting", "Lighting"),
    below("home-and-garden", "bedding", "Bedding"),
    below("home-and-garden", "garden", "Garden"),
    below("garden", "planters", "Planters"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_stand_before_their_children_and_roots_first() {
        for (place, node) in TREE.iter().enumerate() {
            assert_eq!(node.parent.is_none(), place < ROOTS, "{}", node.slug);
            let before = &TREE[..place];
            assert!(before.iter().all(|other| other.slug != node.slug), "{} twice", node.slug);
            if let Some(parent) = node.parent {
                assert!(before.iter().any(|other| other.slug == parent), "{parent} comes late");
            }
        }
    }
}
