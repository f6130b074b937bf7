//! Linking: who is the same person, where an endpoint joins with records of its own.
//!
//! What is certain is linked; what speaks for a link without proving it is a doubt, for a person to decide.
//! Two different people must never become one, so whatever is not one to one is a doubt.

mod join;
mod person;
mod things;

use std::collections::BTreeSet;
use std::fmt;

use record::{Kind, Record, RecordId};

use crate::link::join::Join;

/// A record that may be another one.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// Its id.
    pub id: RecordId,
    /// What it holds.
    pub record: &'a Record,
}

/// What speaks for a link, the strongest first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Evidence {
    /// Both have one UID, or one has the UID that the other's id gives.
    Uid,
    /// Both have this e-mail address.
    Email(String),
    /// Both have this telephone number.
    Phone(String),
    /// All that both hold is equal.
    Content,
    /// Both have this name.
    Name(String),
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uid => f.write_str("the same UID"),
            Self::Email(address) => write!(f, "the e-mail address {address}"),
            Self::Phone(number) => write!(f, "the phone number {number}"),
            Self::Content => f.write_str("equal content"),
            Self::Name(name) => write!(f, "the name {name}"),
        }
    }
}

/// Why evidence does not suffice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Reason {
    /// It speaks for several records, or several records claim one.
    Several,
    /// The names are of two people.
    NamesContradict,
    /// The birthdays are of two people.
    BirthdaysContradict,
    /// Nothing but the name is the same.
    NameOnly,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Several => "more than one record fits",
            Self::NamesContradict => "the names differ",
            Self::BirthdaysContradict => "the birthdays differ",
            Self::NameOnly => "nothing but the name is the same",
        })
    }
}

/// Two records that certainly are one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    /// The record that joins.
    pub newcomer: RecordId,
    /// The record that was there.
    pub resident: RecordId,
    /// What proves it.
    pub evidence: Evidence,
}

/// Records that may be one, for a person to decide.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Doubt {
    /// The record that joins.
    pub newcomer: RecordId,
    /// Whom it may be, in order of id; of very many, some.
    pub residents: Vec<RecordId>,
    /// What speaks for it.
    pub evidence: Evidence,
    /// Why it is not certain.
    pub reason: Reason,
}

/// What [`link`] found, in order of newcomer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// Certain links: no newcomer and no resident stands in two.
    pub certain: Vec<Link>,
    /// Doubts; whoever stands in a certain link stands in none.
    pub doubtful: Vec<Doubt>,
}

/// Returns which `newcomers` are which `residents`, and which may be; pairs in `apart`, either way round, are neither.
///
/// Certain is one UID; one e-mail address or telephone number if the names do not contradict; and, for contacts,
/// one name with nothing else that differs and something telling that is equal (a birthday, a street, a note): a
/// name alone, or a name and an employer, may be two people's. For what is no contact, equal content is certain,
/// as many times as both sides have it. Better evidence comes first (the very same name before one that merely
/// does not contradict), and each step must be one to one in both directions. Records of one side are never
/// linked. Near-linear; the order of the arguments does not matter.
#[must_use]
pub fn link(newcomers: &[Candidate<'_>], residents: &[Candidate<'_>], apart: &BTreeSet<(RecordId, RecordId)>) -> Links {
    let mut join = Join::new(newcomers, residents, apart);
    join.by_uid();
    person::link(&mut join);
    things::link(&mut join);
    join.finish()
}

/// Tells whether records of a kind are people and organisations rather than things.
fn is_person(record: &Record) -> bool {
    record.kind == Kind::CONTACT
}

/// Tells whether a field says something of the item rather than of whom it describes.
fn is_bookkeeping(pointer: &str) -> bool {
    matches!(pointer, "uid" | "prodId" | "created" | "updated" | "sequence" | "stamp" | "modified")
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
