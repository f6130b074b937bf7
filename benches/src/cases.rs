//! The cases: what is prepared, and who races.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::bench::{Bench, at_rest, nothing, walk};
use crate::contestant::{Contestant, Score};
use crate::data;
use crate::error::Error;
use crate::peers::{self, Peer};
use crate::trees;

type Case = fn(&Bench) -> Result<Vec<Score>, Error>;

/// All cases by title.
pub(crate) const ALL: &[(&str, Case)] = &[
    ("nothing changed, folder and folder", unchanged_folders),
    ("nothing changed, sheet and folder", unchanged_sheet),
    ("1 % changed, folder and folder", changed),
    ("first sync, folder to new folder", first),
    ("single file touched, not changed", touched),
    ("files, nothing changed", trees::unchanged),
    ("files, first sync of documents", trees::first),
    ("files, 1 % of documents changed", trees::changed),
];

fn configure(home: &Path, endpoints: &[(&str, &str)]) -> Result<(), Error> {
    let endpoint = |(adapter, path): &(&str, &str)| {
        let create = if *path == "b" { "create = true\n" } else { "" };
        format!("[[job.contacts.endpoint]]\nadapter = \"{adapter}\"\npath = \"{path}\"\n{create}")
    };
    let text: String = std::iter::once("[job.contacts]\n".to_owned()).chain(endpoints.iter().map(endpoint)).collect();
    let path = home.join("syncretic.toml");
    fs::create_dir_all(home).and_then(|()| fs::write(&path, text)).map_err(|error| Error::io(&path, error))
}

/// Makes a job of two folders that are in sync and at rest.
pub(crate) fn two_folders(bench: &Bench, home: &Path) -> Result<(), Error> {
    configure(home, &[("vcard", "a"), ("vcard", "b")])?;
    data::folder(&home.join("a"), bench.sizes.cards)?;
    at_rest(bench, || bench.field.sync(home))
}

fn peer_at_rest(bench: &Bench, peer: Peer, home: &Path) -> Result<(), Error> {
    data::folder(&home.join("a"), bench.sizes.cards)?;
    peer.configure(home)?;
    if let Some(discover) = peer.discover(home) {
        bench.field.settle(discover)?;
    }
    bench.field.settle(peer.first(home))?;
    at_rest(bench, || peer.sync(home))
}

fn unchanged_folders(bench: &Bench) -> Result<Vec<Score>, Error> {
    let home = bench.field.root.join("unchanged");
    two_folders(bench, &home)?;
    let folders = vec![home.join("a"), home.join("b")];
    let mut contestants = vec![
        Contestant { name: "syncretic".to_owned(), before: nothing(), command: Box::new(|| bench.field.sync(&home)) },
        walk(bench, "walk + stat of both folders", folders),
    ];
    for peer in peers::installed() {
        let home = bench.field.root.join(format!("unchanged-{}", peer.program()));
        peer_at_rest(bench, peer, &home)?;
        contestants.push(Contestant { name: peer.title().to_owned(), before: nothing(), command: Box::new(move || peer.sync(&home)) });
    }
    bench.field.race(&contestants)
}

fn unchanged_sheet(bench: &Bench) -> Result<Vec<Score>, Error> {
    let home = bench.field.root.join("sheet");
    configure(&home, &[("csv", "contacts.csv"), ("vcard", "a")])?;
    data::sheet(&home.join("contacts.csv"), bench.sizes.cards)?;
    data::folder(&home.join("a"), bench.sizes.cards)?;
    at_rest(bench, || bench.field.sync(&home))?;
    let contestants = [
        Contestant { name: "syncretic".to_owned(), before: nothing(), command: Box::new(|| bench.field.sync(&home)) },
        walk(bench, "walk + stat of the folder", vec![home.join("a")]),
    ];
    bench.field.race(&contestants)
}

fn changed(bench: &Bench) -> Result<Vec<Score>, Error> {
    let home = bench.field.root.join("changed");
    two_folders(bench, &home)?;
    let edit = |home: PathBuf| move |run: usize| data::edit(&home.join("a"), bench.sizes.cards, run + 1);
    let mut contestants = vec![Contestant {
        name: "syncretic".to_owned(),
        before: Box::new(edit(home.clone())),
        command: Box::new(|| bench.field.sync(&home)),
    }];
    for peer in peers::installed() {
        let home = bench.field.root.join(format!("changed-{}", peer.program()));
        peer_at_rest(bench, peer, &home)?;
        let before = Box::new(edit(home.clone()));
        contestants.push(Contestant { name: peer.title().to_owned(), before, command: Box::new(move || peer.sync(&home)) });
    }
    bench.field.race(&contestants)
}

fn first(bench: &Bench) -> Result<Vec<Score>, Error> {
    let home = bench.field.root.join("first");
    configure(&home, &[("vcard", "a"), ("vcard", "b")])?;
    data::folder(&home.join("a"), bench.sizes.cards)?;
    let (from, to) = (home.join("a"), home.join("copy"));
    let forget = |home: PathBuf| move |_: usize| data::aside(&home.join("state")).and_then(|()| data::aside(&home.join("b")));
    let mut contestants = vec![
        Contestant { name: "syncretic".to_owned(), before: Box::new(forget(home.clone())), command: Box::new(|| bench.field.sync(&home)) },
        Contestant {
            name: "create, rename, sync once".to_owned(),
            before: Box::new(|_| data::aside(&to)),
            command: Box::new(|| bench.field.bare(&["copy".as_ref(), from.as_os_str(), to.as_os_str()])),
        },
    ];
    for peer in peers::installed() {
        let home = bench.field.root.join(format!("first-{}", peer.program()));
        data::folder(&home.join("a"), bench.sizes.cards)?;
        let (clear, at) = (forget(home.clone()), home.clone());
        let before = move |run: usize| {
            clear(run)?;
            peer.configure(&at)?;
            peer.discover(&at).map_or(Ok(()), |discover| bench.field.settle(discover))
        };
        contestants.push(Contestant {
            name: peer.title().to_owned(),
            before: Box::new(before),
            command: Box::new(move || peer.first(&home)),
        });
    }
    bench.field.race(&contestants)
}

fn touched(bench: &Bench) -> Result<Vec<Score>, Error> {
    let home = bench.field.root.join("single");
    configure(&home, &[("vcard", "one.vcf"), ("vcard", "other.vcf")])?;
    let (one, other) = (home.join("one.vcf"), home.join("other.vcf"));
    data::single(&one, bench.sizes.single)?;
    fs::copy(&one, &other).map_err(|error| Error::io(&other, error))?;
    at_rest(bench, || bench.field.sync(&home))?;
    let sum = || {
        let mut command = Command::new("sha256sum");
        command.arg(&one);
        command
    };
    let contestants = [
        Contestant { name: "syncretic".to_owned(), before: Box::new(|_| data::touch(&one)), command: Box::new(|| bench.field.sync(&home)) },
        Contestant { name: "sha256sum of the file".to_owned(), before: nothing(), command: Box::new(sum) },
        Contestant { name: "syncretic, not even touched".to_owned(), before: nothing(), command: Box::new(|| bench.field.sync(&home)) },
    ];
    bench.field.race(&contestants)
}
