//! People: what they are reached by, and whether nothing speaks against it.

mod likeness;
mod number;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use record::Record;

use crate::link::join::{Join, LISTED, Pairs};
use crate::link::person::likeness::{Birthday, agrees_otherwise};
use crate::link::person::number::Number;
use crate::link::{Candidate, Evidence, Reason, is_person};
use crate::name::{Name, Relation};

/// Links people: by what they are reached by, the surest names first, then by all that they hold.
pub(super) fn link(join: &mut Join<'_>) {
    let (newcomers, residents) = join.open();
    let people = People { newcomers: profiles(&join.newcomers, &newcomers), residents: profiles(&join.residents, &residents) };
    let bonds = people.bonds();
    for relation in [Relation::Same, Relation::Agree, Relation::Unknown] {
        join.decide(only(&bonds, Bond::For(relation)));
    }
    let few = people.namesakes(LISTED);
    join.decide(few.iter().filter(|(pair, _)| people.agree_otherwise(**pair)).map(|(pair, _)| (*pair, Evidence::Content)).collect());
    for reason in [Reason::NamesContradict, Reason::BirthdaysContradict] {
        join.doubt(&only(&bonds, Bond::Against(reason)), reason);
    }
    let merely: Pairs = people.namesakes(usize::MAX).into_iter().filter(|(pair, _)| !bonds.contains_key(pair)).collect();
    join.doubt(&merely, Reason::NameOnly);
}

/// What an address or number that two people share says of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Bond {
    For(Relation),
    Against(Reason),
}

type Bonds = BTreeMap<(usize, usize), (Bond, Evidence)>;

fn only(bonds: &Bonds, wanted: Bond) -> Pairs {
    bonds.iter().filter(|(_, (bond, _))| *bond == wanted).map(|(pair, (_, evidence))| (*pair, evidence.clone())).collect()
}

/// What of a contact is compared.
struct Profile<'a> {
    record: &'a Record,
    name: Name,
    emails: BTreeSet<String>,
    numbers: BTreeSet<Number>,
    birthday: Option<Birthday>,
}

fn profiles<'a>(side: &[Candidate<'a>], open: &[usize]) -> BTreeMap<usize, Profile<'a>> {
    let people = open.iter().filter_map(|at| side.get(*at).map(|candidate| (*at, candidate.record)));
    people.filter(|(_, record)| is_person(record)).map(|(at, record)| (at, Profile::of(record))).collect()
}

impl<'a> Profile<'a> {
    fn of(record: &'a Record) -> Self {
        let texts = |stem: &'static str, end: &'static str| {
            record.below(stem).filter(move |(pointer, _)| pointer.as_str().ends_with(end)).filter_map(|(_, value)| value.as_text())
        };
        Self {
            record,
            name: Name::of(record),
            emails: texts("emails", "/address").filter_map(email).collect(),
            numbers: texts("phones", "/number").filter_map(Number::read).collect(),
            birthday: Birthday::of(record),
        }
    }
}

/// Returns an e-mail address in its normal form, unless it is none.
fn email(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let address = text.strip_prefix("mailto:").unwrap_or(&text);
    let (local, domain) = address.rsplit_once('@')?;
    (!local.is_empty() && !domain.is_empty()).then(|| address.to_owned())
}

/// Newcomers and residents under one key.
type Groups = BTreeMap<String, (Vec<usize>, Vec<usize>)>;

/// The people on both sides, by their places in the join.
struct People<'a> {
    newcomers: BTreeMap<usize, Profile<'a>>,
    residents: BTreeMap<usize, Profile<'a>>,
}

impl<'a> People<'a> {
    fn group(&self, keys: impl Fn(&Profile<'a>) -> Vec<String>) -> Groups {
        let mut groups = Groups::new();
        for (at, profile) in &self.newcomers {
            keys(profile).into_iter().for_each(|key| groups.entry(key).or_default().0.push(*at));
        }
        for (at, profile) in &self.residents {
            keys(profile).into_iter().for_each(|key| groups.entry(key).or_default().1.push(*at));
        }
        groups.retain(|_, (newcomers, residents)| !newcomers.is_empty() && !residents.is_empty());
        groups
    }

    /// Returns what speaks for and against pairs that share an address or a number.
    fn bonds(&self) -> Bonds {
        let mut bonds = Bonds::new();
        let mut note = |pair, bond: Option<Bond>, evidence: Evidence| {
            let Some(bond) = bond.map(|bond| (bond, evidence)) else { return };
            bonds.entry(pair).and_modify(|best| *best = bond.clone().min(best.clone())).or_insert(bond);
        };
        for (address, group) in self.group(|profile| profile.emails.iter().cloned().collect()) {
            self.pairs(&group, |pair| note(pair, self.by_email(pair), Evidence::Email(address.clone())));
        }
        for (number, group) in self.group(|profile| profile.numbers.iter().map(Number::to_string).collect()) {
            self.pairs(&group, |pair| note(pair, self.by_number(pair), Evidence::Phone(number.clone())));
        }
        for (number, group) in self.group(|profile| profile.numbers.iter().filter_map(Number::tail).collect()) {
            self.pairs(&group, |pair| note(pair, self.by_tail(pair, &number), Evidence::Phone(format!("…{number}"))));
        }
        bonds
    }

    /// Visits the pairs of a group.
    ///
    /// What very many share belongs to an office rather than to a person: there it counts between the same names only.
    fn pairs(&self, (newcomers, residents): &(Vec<usize>, Vec<usize>), mut visit: impl FnMut((usize, usize))) {
        if newcomers.len() <= LISTED && residents.len() <= LISTED {
            newcomers.iter().for_each(|new| residents.iter().for_each(|old| visit((*new, *old))));
            return;
        }
        let mut named: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, profile) in residents.iter().filter_map(|at| self.residents.get(at).map(|profile| (at, profile))) {
            profile.name.keys().into_iter().for_each(|key| named.entry(key).or_default().push(*at));
        }
        for (at, profile) in newcomers.iter().filter_map(|at| self.newcomers.get(at).map(|profile| (at, profile))) {
            for key in profile.name.keys() {
                named.get(&key).into_iter().flat_map(|same| same.iter().take(LISTED)).for_each(|old| visit((*at, *old)));
            }
        }
    }

    fn profiles(&self, (newcomer, resident): (usize, usize)) -> Option<(&Profile<'a>, &Profile<'a>)> {
        self.newcomers.get(&newcomer).zip(self.residents.get(&resident))
    }

    /// An e-mail address is one person's, but for couples.
    fn by_email(&self, pair: (usize, usize)) -> Option<Bond> {
        let (new, old) = self.profiles(pair)?;
        Some(match new.name.relation(&old.name) {
            Relation::Contradict => Bond::Against(Reason::NamesContradict),
            relation => Bond::For(relation),
        })
    }

    /// A telephone number is a household's: there, father and son may have one name.
    fn by_number(&self, pair: (usize, usize)) -> Option<Bond> {
        let (new, old) = self.profiles(pair)?;
        let birthdays = new.birthday.zip(old.birthday);
        Some(match new.name.relation(&old.name) {
            Relation::Contradict => Bond::Against(Reason::NamesContradict),
            _ if new.name.leaves_generation_open(&old.name) => Bond::Against(Reason::NamesContradict),
            _ if birthdays.is_some_and(|(a, b)| a.contradicts(b)) => Bond::Against(Reason::BirthdaysContradict),
            relation => Bond::For(relation),
        })
    }

    /// The end of a number is evidence between a national and an international one, and only if the names agree.
    fn by_tail(&self, pair: (usize, usize), tail: &str) -> Option<Bond> {
        let (new, old) = self.profiles(pair)?;
        let here = |profile: &Profile<'a>, international: bool| {
            profile.numbers.iter().any(|number| number.international == international && number.tail().as_deref() == Some(tail))
        };
        let two_ways = (here(new, true) && here(old, false)) || (here(new, false) && here(old, true));
        let agree = new.name.relation(&old.name) <= Relation::Agree;
        if two_ways && agree { self.by_number(pair) } else { None }
    }

    /// Returns the pairs with the same name, of names that at most `most` residents have.
    fn namesakes(&self, most: usize) -> Pairs {
        let mut pairs = Pairs::new();
        let groups = self.group(|profile| profile.name.keys()).into_values();
        for (newcomers, residents) in groups.filter(|(_, residents)| residents.len() <= most) {
            for (new, old) in newcomers.iter().flat_map(|new| residents.iter().take(LISTED).map(move |old| (*new, *old))) {
                if let Some((newcomer, resident)) = self.profiles((new, old))
                    && newcomer.name.relation(&resident.name) <= Relation::Agree
                {
                    pairs.insert((new, old), Evidence::Name(newcomer.record.title()));
                }
            }
        }
        pairs
    }

    fn agree_otherwise(&self, pair: (usize, usize)) -> bool {
        self.profiles(pair)
            .is_some_and(|(new, old)| new.name.relation(&old.name) == Relation::Same && agrees_otherwise(new.record, old.record))
    }
}
