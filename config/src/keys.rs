//! Every legal key of `syncretic.toml`: one row drives what is read, what is allowed, and what an error shows.

/// The top level of the file.
pub(crate) const ROOT: &str = "";
/// The table of the store.
pub(crate) const STORE: &str = "[store]";
/// The table of a job.
pub(crate) const JOB: &str = "[job.NAME]";
/// The table of an endpoint, which holds the adapter's own options as well.
pub(crate) const ENDPOINT: &str = "[[job.NAME.endpoint]]";
/// The table of what becomes of conflicts.
pub(crate) const CONFLICT: &str = "[job.NAME.conflict]";
/// The table of the limit on deletions.
pub(crate) const GUARD: &str = "[job.NAME.guard]";
/// The table of how records are linked when an endpoint joins.
pub(crate) const LINK: &str = "[job.NAME.link]";

struct Row {
    table: &'static str,
    key: &'static str,
    example: &'static str,
}

const fn row(table: &'static str, key: &'static str, example: &'static str) -> Row {
    Row { table, key, example }
}

const KEYS: &[Row] = &[
    row(ROOT, "version", "version = 1"),
    row(ROOT, "store", "[store]"),
    row(ROOT, "job", "[job.contacts]"),
    row(STORE, "url", "url = \"https://sync.example.org\""),
    row(JOB, "collection", "collection = \"contacts\""),
    row(JOB, "kind", "kind = \"contact\""),
    row(JOB, "endpoint", "[[job.NAME.endpoint]]"),
    row(JOB, "conflict", "[job.NAME.conflict]"),
    row(JOB, "guard", "[job.NAME.guard]"),
    row(JOB, "link", "[job.NAME.link]"),
    row(ENDPOINT, "name", "name = \"sheet\""),
    row(ENDPOINT, "adapter", "adapter = \"csv\""),
    row(ENDPOINT, "path", "path = \"contacts.csv\""),
    row(CONFLICT, "same-field", "same-field = \"store\""),
    row(CONFLICT, "merge", "merge = \"text\""),
    row(GUARD, "max-delete", "max-delete = \"10%\""),
    row(GUARD, "min-delete", "min-delete = 5"),
    row(LINK, "auto", "auto = true"),
];

/// Returns the keys that a table may have, in the order they are documented in.
pub(crate) fn allowed(table: &str) -> impl Iterator<Item = &'static str> {
    KEYS.iter().filter(move |row| row.table == table).map(|row| row.key)
}

/// Returns what a line with this key looks like.
pub(crate) fn example(table: &str, key: &str) -> &'static str {
    KEYS.iter().find(|row| row.table == table && row.key == key).map_or("", |row| row.example)
}

/// Returns the first table below the top level in which `key` is legal.
pub(crate) fn home(key: &str) -> Option<&'static str> {
    KEYS.iter().find(|row| row.table != ROOT && row.key == key).map(|row| row.table)
}

#[cfg(test)]
mod tests {
    use super::KEYS;

    #[test]
    fn the_full_example_names_every_key() {
        let example = include_str!("../examples/full.toml");
        for row in KEYS {
            let named = example.contains(&format!("{} = ", row.key)) || example.contains(&format!("{}]", row.key)) || row.key == "job";
            assert!(named, "{} of {}", row.key, row.table);
        }
    }
}
