//! Values that must come back as they were.

use adapter::{Mode, Outcome};
use record::{Blob, Digest, Record};

use crate::content::{rewritten, text};
use crate::report::{Stop, ensure, fail, skip};
use crate::subject::Subject;
use crate::trial::{Chest, Trial, apply, perform, prepared, step, update, went};

/// Writes a text into an item and tells how it comes back: as shown by the answer and by the next scan, or refused.
fn written(subject: &dyn Subject, value: Option<&str>) -> Result<Option<Record>, Stop> {
    let trial = Trial::seeded(subject)?;
    let (mut adapter, found) = trial.opened()?;
    let item = found.at(0)?;
    let (record, pointer) = rewritten(subject, &item.record, value);
    match perform(adapter.as_mut(), step(1), update(1, item, &record, &[pointer]))? {
        Outcome::Put { key, record: answered, .. } => {
            let (_, now) = trial.opened()?;
            let shown = now.of(&key)?.record.clone();
            ensure(shown == answered, || "the answer is not what a scan shows".to_owned())?;
            Ok(Some(shown))
        }
        Outcome::Refused { .. } => Ok(None),
        other => fail(format!("writing was answered {other:?}")),
    }
}

/// Fails unless every text comes back exactly.
fn come_back(subject: &dyn Subject, texts: &[(&str, &str)]) -> Result<(), Stop> {
    for (what, value) in texts {
        match written(subject, Some(value))? {
            Some(shown) if text(subject, &shown) == Some(value) => {}
            Some(shown) => {
                let found: String = text(subject, &shown).unwrap_or("nothing").chars().take(80).collect();
                return fail(format!("{what}: it comes back as {found:?}"));
            }
            None => return fail(format!("{what}: it was refused")),
        }
    }
    Ok(())
}

pub(super) fn unicode(subject: &dyn Subject) -> Result<(), Stop> {
    come_back(
        subject,
        &[
            ("composed", "Zo\u{e9} \u{c5}ngstr\u{f6}m"),
            ("decomposed", "Zoe\u{301} A\u{30a}ngstro\u{308}m"),
            ("astral", "\u{1d11e} \u{20000} \u{1f600}"),
            ("right to left", "\u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{202b}\u{645}\u{631}\u{62d}\u{628}\u{627}\u{202c}"),
            ("joined", "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467} \u{1f1e9}\u{1f1ea} \u{e01}\u{e33}"),
            ("long without a space", &"\u{65e5}\u{672c}\u{8a9e}".repeat(60)),
        ],
    )
}

pub(super) fn newlines(subject: &dyn Subject) -> Result<(), Stop> {
    come_back(subject, &[("two lines", "first\nsecond"), ("an empty line", "first\n\nthird"), ("a last line break", "first\nsecond\n")])
}

pub(super) fn special_characters(subject: &dyn Subject) -> Result<(), Stop> {
    come_back(
        subject,
        &[
            ("separators", "a,b;c:d=e|f/g~h\tend"),
            ("quotes", "\"quoted\" 'single' \"\"\" end"),
            ("escapes", "back\\slash \\n \\, \\; \\\\ ^n ^' %0A &amp; =3D end"),
            ("like a property", "END:VCARD\nBEGIN:VEVENT\nX:1"),
        ],
    )
}

pub(super) fn empty_vs_absent(subject: &dyn Subject) -> Result<(), Stop> {
    match written(subject, None)? {
        Some(shown) if text(subject, &shown).is_none() => {}
        Some(shown) => return fail(format!("a field that was unset is shown as {:?}", text(subject, &shown))),
        None => return fail("unsetting an optional field was refused"),
    }
    match written(subject, Some(""))? {
        Some(shown) => ensure(matches!(text(subject, &shown), None | Some("")), || "an empty text is shown as another one".to_owned()),
        None => Ok(()),
    }
}

pub(super) fn nul(subject: &dyn Subject) -> Result<(), Stop> {
    const TEXT: &str = "before\0after";
    match written(subject, Some(TEXT))? {
        Some(shown) => ensure(text(subject, &shown) == Some(TEXT), || "a text was cut at its NUL".to_owned()),
        None => Ok(()),
    }
}

/// Returns a text of this many bytes in which no two places look alike.
fn long_text(length: usize) -> String {
    let mut text = String::with_capacity(length + 16);
    for number in 0_u32.. {
        if text.len() >= length {
            break;
        }
        text.push_str("word");
        text.push_str(&number.to_string());
        text.push(' ');
    }
    text.truncate(length - 1);
    text.push('.');
    text
}

pub(super) fn large_value(subject: &dyn Subject) -> Result<(), Stop> {
    come_back(subject, &[("one MiB", &long_text(1 << 20))])
}

pub(super) fn huge_value(subject: &dyn Subject) -> Result<(), Stop> {
    let huge = long_text(1 << 24);
    match written(subject, Some(&huge))? {
        Some(shown) => {
            let found = text(subject, &shown);
            ensure(found == Some(&huge), || format!("16 MiB come back as {} bytes, or others", found.map_or(0, str::len)))
        }
        None => Ok(()),
    }
}

pub(super) fn carriage_returns(subject: &dyn Subject) -> Result<(), Stop> {
    for value in ["first\r\nsecond", "first\rsecond", "first\r\n\r\nthird\n", "\r"] {
        let Some(shown) = written(subject, Some(value))? else { continue };
        let found = text(subject, &shown).unwrap_or_default();
        let broken = value.replace("\r\n", "\n");
        let same = [value.to_owned(), broken.clone(), broken.replace('\r', "\n")].iter().any(|form| form == found);
        ensure(same, || format!("{value:?} comes back as {found:?}"))?;
    }
    Ok(())
}

/// Writes a value into a field that the subject names and fails unless it comes back or is refused.
fn comes_back_or_is_refused(subject: &dyn Subject, field: &str, value: &record::Value) -> Result<(), Stop> {
    let trial = Trial::seeded(subject)?;
    let (mut adapter, _) = trial.opened()?;
    let sample = subject.sample(1000);
    let pointer = crate::content::located(&sample, field);
    let Some(pointer) = pointer else { return fail(format!("the subject's sample has no {field}")) };
    let record = sample.with(pointer.as_str(), value.clone());
    match perform(adapter.as_mut(), step(1), crate::trial::create(1, &record))? {
        Outcome::Put { key, .. } => {
            let (_, now) = trial.opened()?;
            let shown = &now.of(&key)?.record;
            let found = crate::content::located(shown, field).and_then(|pointer| shown.field(pointer.as_str()).cloned());
            ensure(found.as_ref() == Some(value), || format!("{value:?} comes back as {found:?}"))
        }
        Outcome::Refused { .. } => Ok(()),
        other => fail(format!("{value:?} was answered {other:?}")),
    }
}

pub(super) fn dates(subject: &dyn Subject) -> Result<(), Stop> {
    let Some(field) = subject.date() else { return skip("the format holds no dates") };
    for date in ["2024-02-29", "0001-01-01", "9999-12-31", "--02-29", "1999-12", "1999", "--12", "---31"] {
        comes_back_or_is_refused(subject, field, &record::Value::Date(date.to_owned()))?;
    }
    Ok(())
}

pub(super) fn numbers(subject: &dyn Subject) -> Result<(), Stop> {
    let Some(field) = subject.number() else { return skip("the format holds no numbers") };
    for number in [0, 1, -1, i64::from(u32::MAX) + 1, 9_007_199_254_740_993, i64::MAX, i64::MIN] {
        comes_back_or_is_refused(subject, field, &record::Value::Integer(number))?;
    }
    Ok(())
}

pub(super) fn many_fields(subject: &dyn Subject) -> Result<(), Stop> {
    const MANY: usize = 500;
    let Some((stem, _, rest)) = record::vocabulary::split(subject.field()).filter(|_| subject.repeats()) else {
        return skip("the subject's field stands once in an item");
    };
    let trial = Trial::seeded(subject)?;
    let (mut adapter, found) = trial.opened()?;
    let mut record = found.at(0)?.record.clone();
    let word = |number: usize| format!("one of many: {number}");
    for number in 0..MANY {
        record = record.with(&format!("{stem}/many{number}/{rest}"), record::Value::Text(word(number)));
    }
    let Outcome::Put { key, .. } = perform(adapter.as_mut(), step(1), update(1, found.at(0)?, &record, &[]))? else {
        return fail("an item of many fields was not put");
    };
    let (_, now) = trial.opened()?;
    let shown = &now.of(&key)?.record;
    match crate::content::missing(&record, shown) {
        Some(pointer) => fail(format!("of {MANY} fields {pointer:?} is not shown")),
        None => ensure(shown.fields.len() == record.fields.len(), || {
            format!("{} fields are shown, not {}", shown.fields.len(), record.fields.len())
        }),
    }
}

pub(super) fn native_bytes(subject: &dyn Subject) -> Result<(), Stop> {
    const WORD: &str = "conformance";
    let trial = Trial::without(subject)?;
    if !prepared(subject.make_oddly(&trial.path))? {
        return skip("the subject writes its items in one way only");
    }
    let (mut adapter, found) = trial.opened()?;
    ensure(!found.items.is_empty() && found.broken.is_empty(), || "items that are written oddly are not read".to_owned())?;
    let keys: Vec<_> = found.items.iter().map(|item| item.key.clone()).collect();
    for (number, key) in (1..).zip(keys) {
        let before = trial.files()?;
        let now = crate::trial::scan(adapter.as_mut(), &crate::trial::Memory::default())?;
        let item = now.of(&key)?;
        let (record, pointer) = rewritten(subject, &item.record, Some(WORD));
        match perform(adapter.as_mut(), step(number), update(number, item, &record, &[pointer]))? {
            Outcome::Put { .. } => {}
            other => return fail(format!("changing {key} was answered {other:?}")),
        }
        went(adapter.settle(step(number)), "settling")?;
        super::apply::one_edit(&trial, &before)?;
    }
    Ok(())
}

pub(super) fn unknown_preserved(subject: &dyn Subject) -> Result<(), Stop> {
    let trial = Trial::seeded(subject)?;
    let (_, found) = trial.opened()?;
    let Some(marker) = prepared(subject.add_unknown(&trial.path, found.at(0)?))? else {
        return skip("the format has nothing that the adapter does not know");
    };
    let holds = |trial: &Trial<'_>| -> Result<bool, Stop> {
        Ok(trial.files()?.values().any(|file| file.content.windows(marker.len().max(1)).any(|window| window == marker)))
    };
    ensure(holds(&trial)?, || "the subject did not write what it says".to_owned())?;
    let (mut adapter, found) = trial.opened()?;
    for (number, item) in (1..).zip(&found.items) {
        let (record, pointer) = rewritten(subject, &item.record, Some("known"));
        // Each change moves the fingerprints of one file's other items nowhere, so all items can be changed in turn.
        match perform(adapter.as_mut(), step(number), update(number, item, &record, &[pointer]))? {
            Outcome::Put { .. } => {}
            other => return fail(format!("changing {} was answered {other:?}", item.key)),
        }
        went(adapter.settle(step(number)), "settling")?;
    }
    ensure(holds(&trial)?, || "what the adapter does not know is gone after an edit".to_owned())
}

pub(super) fn blob_roundtrip(subject: &dyn Subject) -> Result<(), Stop> {
    const LENGTH: u32 = 100_000;
    let bytes: Vec<u8> = (0..LENGTH).flat_map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()).collect();
    let blob = Blob { digest: Digest::of(&bytes), length: bytes.len() as u64 };
    let trial = Trial::seeded(subject)?;
    let (mut adapter, found) = trial.opened()?;
    let item = found.at(0)?;
    let Some(record) = subject.with_blob(&item.record, blob) else {
        return skip("the format holds no blobs");
    };
    let chest = Chest([(blob.digest, bytes.clone())].into());
    let answers = apply(adapter.as_mut(), step(1), &[update(1, item, &record, &[])], Mode::Perform, &chest)?;
    let [Outcome::Put { key, record: shown, .. }] = answers.as_slice() else {
        return fail(format!("a blob was answered {answers:?}"));
    };
    ensure(shown.blobs().any(|found| found == blob), || "the answer does not show the blob".to_owned())?;
    let (mut other, now) = trial.opened()?;
    ensure(now.of(key)?.record.blobs().any(|found| found == blob), || "the next scan does not show the blob".to_owned())?;
    let mut streamed = Vec::new();
    went(other.blob(key, blob.digest, &mut streamed), "streaming the blob")?;
    ensure(streamed == bytes, || format!("of {} bytes {} come back, or others", bytes.len(), streamed.len()))?;
    let stranger = other.blob(key, Digest::of(b"another"), &mut Vec::new());
    ensure(stranger.is_err(), || "a blob that is not there was streamed".to_owned())
}

pub(super) fn volatile(subject: &dyn Subject) -> Result<(), Stop> {
    let trial = Trial::seeded(subject)?;
    let (mut adapter, found) = trial.opened()?;
    if adapter.profile().volatile.0.is_empty() {
        return skip("no field of this endpoint changes by itself");
    }
    let Some((field, value)) = subject.volatile() else {
        return fail("the profile declares volatile fields and the subject names none");
    };
    let item = found.at(0)?;
    let record = item.record.clone().with(field, value);
    let before = trial.files()?;
    match perform(adapter.as_mut(), step(1), update(1, item, &record, &[]))? {
        Outcome::Put { bytes: 0, .. } => {}
        other => return fail(format!("a volatile field alone was answered {other:?}")),
    }
    went(adapter.settle(step(1)), "settling")?;
    trial.unchanged_since(&before, "a volatile field alone")
}
