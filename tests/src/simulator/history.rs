//! What users meant: who overwrote what knowingly, what was deleted, emptied, brought back or settled.

use std::collections::BTreeSet;

use super::token::Token;

/// What became of a value by users' hands.
#[derive(Clone, Debug, Default)]
struct Meaning {
    /// Values that someone wrote over it, having seen it.
    successors: Vec<Token>,
    /// How many people deleted a record that stood for it.
    deleted: u32,
    /// Someone emptied its field.
    emptied: bool,
    /// Someone settled a conflict against it.
    dismissed: bool,
    /// Someone put it back.
    revived: bool,
}

/// Everything that users did, as they meant it.
#[derive(Clone, Debug, Default)]
pub struct History {
    meanings: Vec<Meaning>,
    deletions: Vec<BTreeSet<Token>>,
}

impl History {
    fn at(&self, token: Token) -> Option<&Meaning> {
        self.meanings.get(token.0 as usize)
    }

    fn mark(&mut self, token: Token, mark: impl FnOnce(&mut Meaning)) {
        if let Some(meaning) = self.meanings.get_mut(token.0 as usize) {
            mark(meaning);
        }
    }

    /// Returns a value that nobody wrote before.
    pub(super) fn fresh(&mut self) -> Token {
        self.meanings.push(Meaning::default());
        Token(u32::try_from(self.meanings.len() - 1).unwrap_or(u32::MAX))
    }

    /// A user wrote one value over another.
    pub(super) fn overwrite(&mut self, old: Token, new: Token) {
        self.mark(old, |meaning| meaning.successors.push(new));
    }

    /// A user emptied a field.
    pub(super) fn empty(&mut self, old: Token) {
        self.mark(old, |meaning| meaning.emptied = true);
    }

    /// A user deleted a record that stood for `known`, and that had shown `past` over time.
    pub(super) fn delete(&mut self, known: &BTreeSet<Token>, past: &BTreeSet<Token>) {
        known.iter().for_each(|token| self.mark(*token, |meaning| meaning.deleted += 1));
        self.deletions.push(past.union(known).copied().collect());
    }

    /// A user took a deletion back before anyone else heard of it.
    pub(super) fn restore(&mut self, known: &BTreeSet<Token>, past: &BTreeSet<Token>) {
        let whole: BTreeSet<Token> = past.union(known).copied().collect();
        if let Some(at) = self.deletions.iter().rposition(|deleted| *deleted == whole) {
            self.deletions.remove(at);
            known.iter().for_each(|token| self.mark(*token, |meaning| meaning.deleted = meaning.deleted.saturating_sub(1)));
        }
    }

    /// A user settled a conflict against a value.
    pub(super) fn dismiss(&mut self, token: Token) {
        self.mark(token, |meaning| meaning.dismissed = true);
    }

    /// A user put a value back that may have been overwritten or deleted.
    pub(super) fn revive(&mut self, token: Token) {
        self.mark(token, |meaning| meaning.revived = true);
    }

    /// Iterates over every value.
    pub(super) fn tokens(&self) -> impl Iterator<Item = Token> + use<> {
        (0..u32::try_from(self.meanings.len()).unwrap_or(u32::MAX)).map(Token)
    }

    /// Tells whether nobody who saw a value did away with it.
    pub(super) fn stands(&self, token: Token) -> bool {
        let gone = |meaning: &Meaning| !meaning.successors.is_empty() || meaning.deleted > 0 || meaning.emptied || meaning.dismissed;
        self.at(token).is_some_and(|meaning| !gone(meaning))
    }

    /// Tells whether someone emptied a field that held the value, or settled against it.
    pub(super) fn done_away(&self, token: Token) -> bool {
        self.at(token).is_some_and(|meaning| meaning.emptied || meaning.dismissed)
    }

    /// Tells whether someone put the value back.
    pub(super) fn was_revived(&self, token: Token) -> bool {
        self.at(token).is_some_and(|meaning| meaning.revived)
    }

    /// Returns the values that were written knowingly over a value, over those, and so on.
    pub(super) fn descendants(&self, token: Token) -> BTreeSet<Token> {
        let mut found = BTreeSet::new();
        let mut open: Vec<Token> = self.at(token).map(|meaning| meaning.successors.clone()).unwrap_or_default();
        while let Some(next) = open.pop() {
            if found.insert(next) {
                open.extend(self.at(next).into_iter().flat_map(|meaning| meaning.successors.iter().copied()));
            }
        }
        found
    }

    /// Returns what the deletions that touched a record knew of it.
    pub(super) fn deletions_of<'a>(&'a self, tokens: &'a BTreeSet<Token>) -> impl Iterator<Item = &'a BTreeSet<Token>> {
        self.deletions.iter().filter(move |deleted| deleted.iter().any(|token| tokens.contains(token)))
    }
}
