//! Names of people: whether two may be one person's.

use record::Record;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The most words of a name that are compared.
const WORDS: usize = 32;
/// The most characters of a name that are read.
const CHARACTERS: usize = 1024;

/// Words before a name that do not belong to it.
const TITLES: &[&str] =
    &["dipl", "dr", "frau", "herr", "herrn", "ing", "md", "miss", "mlle", "mme", "mr", "mrs", "ms", "phd", "prof", "professor", "sir"];
/// Words that tell generations apart, and what they mean.
const GENERATIONS: &[(&str, &str)] = &[
    ("ii", "jr"),
    ("iii", "iii"),
    ("iv", "iv"),
    ("jr", "jr"),
    ("jun", "jr"),
    ("junior", "jr"),
    ("sen", "sr"),
    ("senior", "sr"),
    ("sr", "sr"),
];
/// Words that join two people in one name.
const JOINTS: &[&str] = &["and", "et", "und"];

/// What two names say of their bearers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Relation {
    /// Every word is the same.
    Same,
    /// One has no word that the other contradicts.
    Agree,
    /// One of them, or nothing in them, says who it is.
    Unknown,
    /// They are two people's.
    Contradict,
}

/// A name, as it is compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Name {
    /// Its words in order of the alphabet, without titles and generation.
    words: Vec<Word>,
    /// Its words as written, run together.
    joined: String,
    generation: Option<&'static str>,
    joint: bool,
}

/// A word without case and marks; `ü` is both `u` and `ue`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Word {
    plain: String,
    german: String,
}

impl Word {
    fn is(&self, other: &Self) -> bool {
        self.plain == other.plain || self.german == other.plain || self.plain == other.german || self.german == other.german
    }

    fn is_initial(&self) -> bool {
        self.plain.chars().nth(1).is_none()
    }

    fn may_be(&self, other: &Self) -> bool {
        (self.is_initial() && other.plain.starts_with(&self.plain)) || (other.is_initial() && self.plain.starts_with(&other.plain))
    }
}

impl Name {
    /// Reads the name of a contact: the full one, else its components, else the organisation's.
    pub(crate) fn of(record: &Record) -> Self {
        let full = record.text("name/full").map(Self::read).filter(|name| !name.words.is_empty());
        full.unwrap_or_else(|| {
            let components = ["name/given", "name/given2", "name/surname", "name/generation"];
            let text: Vec<&str> = components.into_iter().filter_map(|field| record.text(field)).collect();
            let name = Self::read(&text.join(" "));
            if name.words.is_empty() { Self::of_organization(record) } else { name }
        })
    }

    fn of_organization(record: &Record) -> Self {
        let names = record.below("organizations").filter(|(pointer, _)| pointer.as_str().ends_with("/name"));
        names.filter_map(|(_, name)| name.as_text()).map(Self::read).min_by(|a, b| a.words.cmp(&b.words)).unwrap_or_default()
    }

    fn read(text: &str) -> Self {
        let text: String = text.chars().take(CHARACTERS).filter(|c| !matches!(c, '\'' | '’' | '`')).collect();
        let text = text.replace(['&', '+'], " and ");
        let words = || text.split(|c: char| !c.is_alphanumeric() && !is_combining_mark(c)).filter(|word| !word.is_empty()).take(WORDS);
        let mut name = Self::default();
        for text in words() {
            let word = Word { plain: plain(text), german: german(text) };
            let generation = GENERATIONS.iter().find(|(text, _)| *text == word.plain);
            match generation {
                Some((_, generation)) => name.generation = Some(generation),
                None if JOINTS.contains(&word.plain.as_str()) => name.joint = true,
                None if word.plain.is_empty() || TITLES.contains(&word.plain.as_str()) => {}
                None => name.words.push(word),
            }
        }
        // A name of nothing but titles is a name all the same.
        if name.words.is_empty() {
            name.words = words().map(|text| Word { plain: plain(text), german: german(text) }).filter(|w| !w.plain.is_empty()).collect();
            name.generation = None;
        }
        name.joined = name.words.iter().map(|word| word.plain.as_str()).collect();
        name.words.sort_unstable();
        name
    }

    /// Returns what names that are the same have in common: any one of these texts.
    pub(crate) fn keys(&self) -> Vec<String> {
        let key = |form: fn(&Word) -> &str| {
            let mut words: Vec<&str> = self.words.iter().map(form).collect();
            words.sort_unstable();
            words.join(" ")
        };
        let mut keys = vec![key(|word| &word.plain), key(|word| &word.german)];
        keys.dedup();
        keys.retain(|key| !key.is_empty());
        keys
    }

    /// Tells whether exactly one says of which generation it is.
    pub(crate) fn leaves_generation_open(&self, other: &Self) -> bool {
        self.generation.is_some() != other.generation.is_some()
    }

    /// Returns what two names say of their bearers.
    pub(crate) fn relation(&self, other: &Self) -> Relation {
        if self.words.is_empty() || other.words.is_empty() {
            return Relation::Unknown;
        }
        if self.joint != other.joint || self.generation.zip(other.generation).is_some_and(|(a, b)| a != b) {
            return Relation::Contradict;
        }
        let (shorter, longer) = if self.words.len() <= other.words.len() { (self, other) } else { (other, self) };
        let mut theirs: Vec<&Word> = longer.words.iter().collect();
        let mut take = |word: &Word, fits: fn(&Word, &Word) -> bool| {
            let place = theirs.iter().position(|their| fits(word, their));
            place.map(|place| theirs.swap_remove(place)).is_some()
        };
        let left: Vec<&Word> = shorter.words.iter().filter(|word| !take(word, Word::is)).collect();
        let found = shorter.words.len() - left.len();
        let contained = left.iter().all(|word| take(word, Word::may_be));
        let whole = left.is_empty() && shorter.words.len() == longer.words.len();
        if (whole || self.joined == other.joined) && self.generation == other.generation {
            Relation::Same
        } else if !contained && self.joined != other.joined {
            Relation::Contradict
        } else if found == 0 && self.joined != other.joined {
            Relation::Unknown
        } else {
            Relation::Agree
        }
    }
}

/// Returns a word without case and marks.
fn plain(word: &str) -> String {
    let letters = word.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase);
    // What looks like a letter with a mark but is a letter of its own has no decomposition.
    letters.flat_map(|c| spelled(c).map_or_else(|| vec![c], |text| text.chars().collect())).collect()
}

/// Returns a word as it is written without umlauts in German.
fn german(word: &str) -> String {
    let mut text = String::new();
    for letter in word.nfc().flat_map(char::to_lowercase) {
        match letter {
            'ä' => text.push_str("ae"),
            'ö' | 'ø' => text.push_str("oe"),
            'ü' => text.push_str("ue"),
            'å' => text.push_str("aa"),
            letter => text.push(letter),
        }
    }
    plain(&text)
}

fn spelled(letter: char) -> Option<&'static str> {
    Some(match letter {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'þ' => "th",
        'ı' => "i",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_of_their_bearers_what_a_reader_would() {
        for (a, b, relation) in [
            ("Ada Lovelace", "Lovelace, Ada", Relation::Same),
            ("ADA LOVELACE", "ada  lovelace", Relation::Same),
            ("Dr. Ada Lovelace", "Ms Ada Lovelace, PhD", Relation::Same),
            ("José Núñez", "Jose Nunez", Relation::Same),
            ("Jürgen Müller", "Juergen Mueller", Relation::Same),
            ("Jürgen Müller", "Jurgen Muller", Relation::Same),
            ("Ju\u{308}rgen", "Jürgen", Relation::Same),
            ("Søren Straße", "Soeren Strasse", Relation::Same),
            ("O’Brien, Conan", "Conan OBrien", Relation::Same),
            ("Anna-Lena Groß", "Annalena Gross", Relation::Same),
            ("山田 太郎", "山田太郎", Relation::Same),
            ("Hans Müller sen.", "Hans Müller Sr", Relation::Same),
            ("Ada Lovelace", "Ada King Lovelace", Relation::Agree),
            ("Ada Lovelace", "A. Lovelace", Relation::Agree),
            ("J. R. R. Tolkien", "John Tolkien", Relation::Agree),
            ("Ada", "Ada Lovelace", Relation::Agree),
            ("Hans Müller", "Hans Müller jun.", Relation::Agree),
            ("A. L.", "Ada Lovelace", Relation::Unknown),
            ("", "Ada Lovelace", Relation::Unknown),
            ("...", "Ada Lovelace", Relation::Unknown),
            ("Ada Lovelace", "William Lovelace", Relation::Contradict),
            ("W. Lovelace", "Ada Lovelace", Relation::Contradict),
            ("Bill Gates", "William Gates", Relation::Contradict),
            ("Mueller", "Muller", Relation::Contradict),
            ("Hans Müller jun.", "Hans Müller sen.", Relation::Contradict),
            ("Ada & William Lovelace", "Ada Lovelace", Relation::Contradict),
            ("Hans und Anna Müller", "Anna + Hans Müller", Relation::Same),
            ("ACME GmbH", "Ada Lovelace", Relation::Contradict),
            ("Dr", "Ada", Relation::Contradict),
        ] {
            let (one, other) = (Name::read(a), Name::read(b));
            assert_eq!((one.relation(&other), other.relation(&one)), (relation, relation), "{a} and {b}");
        }
    }

    #[test]
    fn same_names_have_a_key_in_common() {
        for (a, b) in [("Jürgen Müller", "Mueller, Juergen"), ("Jürgen Müller", "Jurgen Muller"), ("Dr. Ada Lovelace", "Lovelace Ada")]
        {
            let other = Name::read(b).keys();
            assert!(Name::read(a).keys().iter().any(|key| other.contains(key)), "{a} and {b}");
        }
    }
}
