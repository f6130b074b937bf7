//! Linking, case by case.

use std::collections::BTreeSet;

use record::{Kind, Record, RecordId, Value};

use crate::link::{Candidate, Evidence, Links, Reason, link};

/// Reads a contact from `Name | e address | p number | b birthday | s street | o employer | u uid | n note`.
fn contact(text: &str) -> Record {
    let mut record = Record::new(Kind::CONTACT);
    for (at, field) in text.split('|').map(str::trim).enumerate().filter(|(_, field)| !field.is_empty()) {
        let Some((sort, value)) = field.split_once(' ').filter(|(sort, _)| at > 0 && sort.len() == 1) else {
            record = record.with("name/full", Value::text(field));
            continue;
        };
        record = match sort {
            "e" => record.with(&format!("emails/{at}/address"), Value::text(value)),
            "p" => record.with(&format!("phones/{at}/number"), Value::text(value)),
            "s" => record.with(&format!("addresses/{at}/street"), Value::text(value)),
            "o" => record.with(&format!("organizations/{at}/name"), Value::text(value)),
            "n" => record.with(&format!("notes/{at}/note"), Value::text(value)),
            "u" => record.with("uid", Value::text(value)),
            "b" => record
                .with(&format!("anniversaries/{at}/kind"), Value::text("birth"))
                .with(&format!("anniversaries/{at}/date"), Value::Date(value.to_owned())),
            _ => panic!("{field}"),
        };
    }
    record
}

fn newcomer(at: u8) -> RecordId {
    RecordId([at; 16])
}

fn resident(at: u8) -> RecordId {
    RecordId([at + 100; 16])
}

fn joined(newcomers: &[Record], residents: &[Record], apart: &BTreeSet<(RecordId, RecordId)>) -> Links {
    let side = |records: &[Record], id: fn(u8) -> RecordId| records.iter().zip(1..).map(|(_, at)| id(at)).collect::<Vec<_>>();
    let (new, old) = (side(newcomers, newcomer), side(residents, resident));
    let candidates = |ids: Vec<RecordId>, records| -> Vec<Candidate<'_>> {
        let records: &[Record] = records;
        ids.into_iter().zip(records).map(|(id, record)| Candidate { id, record }).collect()
    };
    link(&candidates(new, newcomers), &candidates(old, residents), apart)
}

/// Tells what was found, both sides counted from one: `1=1 Email`, `2?1,3 Several`.
fn told(links: &Links) -> String {
    let evidence = |evidence: &Evidence| format!("{evidence:?}").split('(').next().unwrap().to_owned();
    let certain = links.certain.iter().map(|l| format!("{}={} {}", l.newcomer.0[0], l.resident.0[0] - 100, evidence(&l.evidence)));
    let doubtful = links.doubtful.iter().map(|doubt| {
        let residents: Vec<_> = doubt.residents.iter().map(|id| (id.0[0] - 100).to_string()).collect();
        format!("{}?{} {:?}", doubt.newcomer.0[0], residents.join(","), doubt.reason)
    });
    certain.chain(doubtful).collect::<Vec<_>>().join("; ")
}

fn people(newcomers: &[&str], residents: &[&str]) -> String {
    let read = |side: &[&str]| side.iter().map(|text| contact(text)).collect::<Vec<_>>();
    told(&joined(&read(newcomers), &read(residents), &BTreeSet::new()))
}

#[test]
fn people_are_linked_by_what_is_certain_and_by_nothing_else() {
    let cases: &[(&[&str], &[&str], &str)] = &[
        // One person.
        (&["Ada Lovelace | e ada@x.org"], &["Lovelace, Ada | e ADA@X.org"], "1=1 Email"),
        (&["Ada Lovelace | p +49 30 1234567"], &["A. Lovelace | p 0049 (0)30 1234567"], "1=1 Phone"),
        (&["Jürgen Müller | p 0171 1234567"], &["Juergen Mueller | p +49 171 1234567"], "1=1 Phone"),
        (&["Ada Augusta Lovelace | e ada@x.org"], &["Ada Lovelace | e ada@x.org | e al@y.org"], "1=1 Email"),
        (&["| e ada@x.org"], &["Ada Lovelace | e ada@x.org"], "1=1 Email"),
        (&["Ada Lovelace | u one | e ada@x.org"], &["Ada Lovelace | u two | e ada@x.org"], "1=1 Email"),
        (&["Ada Lovelace | u one"], &["Countess King | u one"], "1=1 Uid"),
        (&["| o ACME | e info@acme.com"], &["ACME | e info@acme.com"], "1=1 Email"),
        (&["Ada Lovelace | b 1815-12-10"], &["Ada Lovelace | b 1815-12-10 | e ada@x.org"], "1=1 Content"),
        (&["Ada Lovelace | s Ring 1 | o ACME"], &["Ada Lovelace | s ring 1 "], "1=1 Content"),
        // A couple with one address.
        (&["Ada Lovelace | e home@x.org"], &["William King | e home@x.org"], "1?1 NamesContradict"),
        (
            &["Ada Lovelace | e home@x.org", "William Lovelace | e home@x.org"],
            &["William Lovelace | e home@x.org", "Ada Lovelace | e home@x.org"],
            "1=2 Email; 2=1 Email",
        ),
        (&["Ada Lovelace | e home@x.org", "Will King | e home@x.org"], &["Ada Lovelace | e home@x.org"], "1=1 Email"),
        (&["Ada & Will King | e home@x.org"], &["Will King | e home@x.org"], "1?1 NamesContradict"),
        (&["King | e home@x.org"], &["Ada King | e home@x.org", "Will King | e home@x.org"], "1?1,2 Several"),
        (&["| e home@x.org"], &["Ada King | e home@x.org", "Will King | e home@x.org"], "1?1,2 Several"),
        (&["| o ACME | e info@acme.com"], &["Ada King | o ACME | e info@acme.com"], "1?1 NamesContradict"),
        // Two people with one name.
        (&["Maria Schmidt | e maria1@x.org"], &["Maria Schmidt | e maria2@x.org"], "1?1 NameOnly"),
        (&["Maria Schmidt"], &["Maria Schmidt"], "1?1 NameOnly"),
        (&["Maria Schmidt | o ACME"], &["Maria Schmidt | o ACME"], "1?1 NameOnly"),
        (&["Maria Schmidt | b 1980-01-01"], &["Maria Schmidt | b 1990-01-01"], "1?1 NameOnly"),
        (&["Maria Schmidt | n tall"], &["Maria Schmidt | n small"], "1?1 NameOnly"),
        (&["Maria Schmidt"], &["Maria Schmidt | e 1@x.org", "Maria Schmidt | e 2@x.org"], "1?1,2 NameOnly"),
        (
            &["Maria Schmidt | e 2@x.org", "Maria Schmidt | e 3@x.org"],
            &["Maria Schmidt | e 1@x.org", "Maria Schmidt | e 2@x.org"],
            "1=2 Email; 2?1 NameOnly",
        ),
        // Father and son.
        (&["Hans Müller sen. | p 030 1234567"], &["Hans Müller jun. | p 030 1234567"], "1?1 NamesContradict"),
        (&["Hans Müller | p 030 1234567"], &["Hans Müller jun. | p 030 1234567"], "1?1 NamesContradict"),
        (&["Hans Müller | p 030 1234567 | b 1950-01-01"], &["Hans Müller | p 030 1234567 | b 1980-01-01"], "1?1 BirthdaysContradict"),
        (
            &["Hans Müller | p 030 1234567", "Hans Müller jun. | p 030 1234567"],
            &["Hans Müller jun. | p 030 1234567", "Hans Müller | p 030 1234567"],
            "1=2 Phone; 2=1 Phone",
        ),
        (&["Hans Müller | p 030 1234567"], &["Hans Müller | p 030 1234567", "Hans Müller | p 030 1234567"], "1?1,2 Several"),
        (&["Hans Müller | p 030 1234567", "Hans Müller | p 030 1234567"], &["Hans Müller | p 030 1234567"], "1?1 Several; 2?1 Several"),
        // Colleagues.
        (&["Ada King | p +49 30 1234-0 x 12"], &["Will Smith | p +49 30 1234-0 x 13"], ""),
        (&["Ada King | p 0171 1234567"], &["Will Smith | p +49 171 1234567"], ""),
        (&["| p 0171 1234567"], &["Will Smith | p +49 171 1234567"], ""),
        (&["Ada King | p 110 | e none"], &["Will Smith | p 110 | e none"], ""),
        (&["Ada King | p 000 000 000"], &["Ada | p 000 000 000"], ""),
        (&["Ada"], &["Will"], ""),
    ];
    for (newcomers, residents, found) in cases {
        assert_eq!(people(newcomers, residents), *found, "{newcomers:?} and {residents:?}");
    }
}

#[test]
fn a_uid_that_an_id_gave_leads_back_to_it() {
    let at = |id: RecordId| contact("Ada").with("uid", Value::text(&id.urn()));
    assert_eq!(told(&joined(&[at(resident(2))], &[contact("Bob"), contact("Carl")], &BTreeSet::new())), "1=2 Uid");
    assert_eq!(told(&joined(&[contact("Bob")], &[at(newcomer(1))], &BTreeSet::new())), "1=1 Uid");
}

#[test]
fn a_pair_that_was_set_apart_is_never_proposed() {
    let one = [contact("Ada Lovelace | e ada@x.org | u same")];
    for pair in [(newcomer(1), resident(1)), (resident(1), newcomer(1))] {
        assert_eq!(joined(&one, &one, &BTreeSet::from([pair])), Links::default());
    }
}

#[test]
fn given_and_family_name_are_as_good_as_a_full_one() {
    let parts = Record::new(Kind::CONTACT).with("name/given", Value::text("Ada")).with("name/surname", Value::text("Lovelace"));
    let parts = parts.with("emails/1/address", Value::text("ada@x.org"));
    assert_eq!(told(&joined(&[parts], &[contact("Lovelace, Ada | e ada@x.org")], &BTreeSet::new())), "1=1 Email");
}

#[test]
fn the_same_hundred_people_are_a_hundred() {
    let side = |id: &str| -> Vec<Record> {
        (0..100_u8)
            .map(|at| {
                contact(&format!("Person{at} Name{} | e p{at}@x.org | p +49 30 {} | u {id}-{at}", at / 2, 1_000_000 + usize::from(at)))
            })
            .collect()
    };
    let mut residents = side("b");
    residents.reverse();
    let links = joined(&side("a"), &residents, &BTreeSet::new());
    assert_eq!((links.certain.len(), links.doubtful.len()), (100, 0));
    assert!(links.certain.iter().all(|link| link.newcomer.0[0] + link.resident.0[0] - 100 == 101));
}

#[test]
fn things_with_equal_content_are_linked_as_often_as_both_have_them() {
    let row = |text: &str| Record::new(Kind::ROW).with("cells/1", Value::text(text));
    let (new, old) = ([row("a"), row("a"), row("b"), row("a")], [row("c"), row("a"), row("a")]);
    assert_eq!(told(&joined(&new, &old, &BTreeSet::new())), "1=2 Content; 2=3 Content");
    let task = Record::new(Kind::TASK).with("cells/1", Value::text("a"));
    assert_eq!(joined(&[row("a"), Record::new(Kind::ROW)], &[task, Record::new(Kind::ROW)], &BTreeSet::new()), Links::default());
    assert_eq!(told(&joined(&new, &old, &BTreeSet::from([(newcomer(1), resident(2))]))), "1=3 Content; 2=2 Content");
}

#[test]
fn doubts_say_what_speaks_for_and_against_them() {
    let links = joined(&[contact("Ada King | e Home@x.org")], &[contact("Will King | e home@x.org")], &BTreeSet::new());
    assert_eq!(links.doubtful[0].evidence.to_string(), "the e-mail address home@x.org");
    assert_eq!(Reason::NamesContradict.to_string(), "the names differ");
}

#[test]
fn thousands_of_namesakes_and_colleagues_end_soon() {
    let crowd = |name: fn(usize) -> String| -> Vec<Record> {
        (0..5000).map(|at| contact(&format!("{} | e info@x.org | p 030 1234567", name(at)))).collect()
    };
    let id = |at: usize| RecordId(u128::try_from(at).unwrap().to_be_bytes());
    for (name, certain) in [((|at| format!("Name{at}")) as fn(usize) -> String, 5000), (|_| "Max Mustermann".to_owned(), 0)] {
        let people = crowd(name);
        let side =
            |offset| -> Vec<Candidate<'_>> { people.iter().zip(offset..).map(|(record, at)| Candidate { id: id(at), record }).collect() };
        assert_eq!(link(&side(0), &side(10_000), &BTreeSet::new()).certain.len(), certain);
    }
}
