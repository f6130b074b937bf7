//! What an endpoint can hold and how it writes.

use record::{Kind, Pattern, Pointer};

/// Whether keys outlive changes of their items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// A key names the same item for as long as it exists.
    Stable,
    /// A key holds until its item changes; the engine aligns items by content.
    Unstable,
}

/// How much of one [`apply`](crate::Adapter::apply) happens at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Atomicity {
    /// All operations or none: one file holds all items.
    Batch,
    /// Each operation or not: one file an item.
    Item,
    /// Nothing is promised.
    None,
}

/// The fields that an endpoint can hold, as patterns. Everything outside is neither read as changed nor pushed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View(pub Vec<Pattern>);

impl View {
    /// Returns the view that holds every field.
    #[must_use]
    pub fn everything() -> Self {
        Self(vec![Pattern::new("**")])
    }

    /// Tells whether the endpoint can hold the field.
    #[must_use]
    pub fn holds(&self, pointer: &Pointer) -> bool {
        self.0.iter().any(|pattern| pattern.matches(pointer))
    }
}

/// What is known of an endpoint once it has been opened or scanned: a table's fields depend on its header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The kinds of records it holds.
    pub kinds: Vec<Kind>,
    /// Whether its keys outlive changes.
    pub keys: Keys,
    /// How much of a step happens at once.
    pub atomicity: Atomicity,
    /// The fields it can hold.
    pub view: View,
    /// Fields that change by themselves (PRODID, REV): never a reason to write or to push.
    pub volatile: View,
    /// The field that no two items may share, compared after NFC and case folding: a file's path.
    pub unique: Option<Pointer>,
}
