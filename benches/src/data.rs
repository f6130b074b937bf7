//! The data: folders of cards, a single file of cards, a sheet; and the edits that people make.

use std::fs::{self, File, FileTimes};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::time::SystemTime;

use crate::error::Error;
use crate::people::{HEADER, Person};

/// How much data there is.
#[derive(Clone, Copy)]
pub(crate) struct Sizes {
    /// Contacts in folders and sheets.
    pub(crate) cards: usize,
    /// Contacts in the single file.
    pub(crate) single: usize,
    /// Small files in a tree.
    pub(crate) files: usize,
    /// Documents of 100 KB in a tree.
    pub(crate) documents: usize,
}

/// Makes a folder of one card a file.
pub(crate) fn folder(path: &Path, cards: usize) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(|error| Error::io(path, error))?;
    for person in (0..cards).map(Person::new) {
        let file = path.join(person.file_name());
        fs::write(&file, person.card()).map_err(|error| Error::io(&file, error))?;
    }
    Ok(())
}

/// Makes a single file of many cards.
pub(crate) fn single(path: &Path, cards: usize) -> Result<(), Error> {
    lines(path, "", (0..cards).map(|number| Person::new(number).card()))
}

/// Makes a sheet of the same people.
pub(crate) fn sheet(path: &Path, cards: usize) -> Result<(), Error> {
    lines(path, HEADER, (0..cards).map(|number| Person::new(number).row()))
}

fn lines(path: &Path, first: &str, rest: impl Iterator<Item = String>) -> Result<(), Error> {
    let fails = |error| Error::io(path, error);
    let mut file = BufWriter::new(File::create(path).map_err(fails)?);
    file.write_all(first.as_bytes()).map_err(fails)?;
    for text in rest {
        file.write_all(text.as_bytes()).map_err(fails)?;
    }
    file.flush().map_err(fails)
}

/// Returns the number that a contact gets in this round of edits.
pub(crate) fn new_number(number: usize, round: usize) -> String {
    format!("+44 7{round:02} {:07}", number * 997 % 10_000_000)
}

/// Edits the mobile number of one contact in a hundred, as an editor that replaces the file does.
pub(crate) fn edit(folder: &Path, cards: usize, round: usize) -> Result<(), Error> {
    for number in (0..cards).step_by(100) {
        let file = folder.join(Person::new(number).file_name());
        let fails = |error| Error::io(&file, error);
        let card = fs::read_to_string(&file).map_err(fails)?;
        let change = |line: &str| match line.strip_prefix("TEL;TYPE=cell:") {
            Some(_) => format!("TEL;TYPE=cell:{}\r\n", new_number(number, round)),
            None => line.to_owned(),
        };
        let edited: String = card.split_inclusive('\n').map(change).collect();
        let staged = file.with_extension("new");
        fs::write(&staged, edited).map_err(fails)?;
        fs::rename(&staged, &file).map_err(fails)?;
    }
    Ok(())
}

/// Gives a file a newer time without changing its content.
pub(crate) fn touch(path: &Path) -> Result<(), Error> {
    let fails = |error| Error::io(path, error);
    let file = File::options().write(true).open(path).map_err(fails)?;
    file.set_times(FileTimes::new().set_modified(SystemTime::now())).map_err(fails)
}

/// Moves a file or folder out of the way, if it is there: where many files were just removed, some file systems make
/// new ones much more slowly.
pub(crate) fn aside(path: &Path) -> Result<(), Error> {
    let free = (1..).map(|number: usize| path.with_extension(format!("old{number}"))).find(|free| !free.exists());
    match free.map_or(Ok(()), |free| fs::rename(path, free)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io(path, error)),
        _ => Ok(()),
    }
}
