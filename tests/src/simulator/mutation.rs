//! Wrong designs outside the engine: each must be caught, or an oracle is blind.

/// A door that lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// The store appends whatever the head is.
    NoCompareAndSwap,
    /// The store keeps an envelope that it already has once more.
    DoubleEntries,
    /// The store answers that it kept an envelope, and now and then did not.
    LostAcknowledged,
    /// The adapter writes and deletes whatever the item is now.
    BlindWrites,
    /// The adapter remembers nothing of a step that was cut off.
    ForgetsSteps,
    /// The adapter claims that a step that was cut off was done.
    ClaimsSteps,
    /// The adapter answers with the record as it was asked for, not as a scan shows it.
    AnswersAsAsked,
    /// The adapter's scan leaves out what it cannot read.
    DropsBroken,
    /// The adapter shows nothing where its root is missing.
    EmptyWhenMissing,
    /// The guard lets everything pass.
    NoGuard,
    /// The object store forgets the step of writing.
    ForgetsIntents,
    /// The store compares cursors by their sequence alone.
    KnowsCursorsBySequence,
    /// The object store forgets what the collection was when the store loses it.
    ForgetsRemote,
    /// The object store syncs what was committed before, and not the commit that asks for it.
    SyncsLate,
    /// The adapter takes a file under a new name for a new file.
    ForgetsMoves,
}

impl Mutation {
    /// Every wrong design with the name that the command line knows it by.
    pub const ALL: &'static [(Self, &'static str)] = &[
        (Self::NoCompareAndSwap, "no-compare-and-swap"),
        (Self::DoubleEntries, "double-entries"),
        (Self::LostAcknowledged, "lost-acknowledged"),
        (Self::BlindWrites, "blind-writes"),
        (Self::ForgetsSteps, "forgets-steps"),
        (Self::ClaimsSteps, "claims-steps"),
        (Self::AnswersAsAsked, "answers-as-asked"),
        (Self::DropsBroken, "drops-broken"),
        (Self::EmptyWhenMissing, "empty-when-missing"),
        (Self::NoGuard, "no-guard"),
        (Self::ForgetsIntents, "forgets-intents"),
        (Self::KnowsCursorsBySequence, "knows-cursors-by-sequence"),
        (Self::ForgetsRemote, "forgets-remote"),
        (Self::SyncsLate, "syncs-late"),
    ];

    /// Those that worlds of files must catch.
    pub const FILES: &'static [(Self, &'static str)] = &[
        (Self::NoCompareAndSwap, "no-compare-and-swap"),
        (Self::BlindWrites, "blind-writes"),
        (Self::ForgetsSteps, "forgets-steps"),
        (Self::ClaimsSteps, "claims-steps"),
        (Self::EmptyWhenMissing, "empty-when-missing"),
        (Self::ForgetsIntents, "forgets-intents"),
        (Self::SyncsLate, "syncs-late"),
        (Self::ForgetsMoves, "forgets-moves"),
    ];

    /// Finds a wrong design by its name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().chain(Self::FILES).find(|(_, known)| *known == name).map(|(mutation, _)| *mutation)
    }
}
