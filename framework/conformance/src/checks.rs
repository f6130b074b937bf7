//! Every check, as a table.

mod apply;
mod concurrency;
mod damage;
mod fidelity;
mod fuzz;
mod killed;
mod manners;
mod names;
mod note;
mod open;
mod preconditions;
mod recovery;
mod scan;

pub use killed::act;

use crate::Check;

macro_rules! table {
    ($($group:literal { $($name:literal $law:literal $run:path),* $(,)? })*) => {
        &[$($(Check { name: $name, group: $group, law: $law, run: $run }),*),*]
    };
}

/// Every check, in order.
pub(crate) const ALL: &[Check] = table![
    "options" {
        "open-unknown-option" "An option that is not described is an error that names it." open::unknown_option,
        "open-wrong-type" "An option of the wrong type is an error that names it." open::wrong_type,
        "open-missing-path" "A place that is not there is a source error." open::missing_path,
        "open-does-not-create" "Opening makes no file, whether it succeeds or not." open::does_not_create,
    }
    "scan" {
        "scan-empty" "An empty place has no items." scan::empty,
        "scan-seeded-count" "Every item is shown once." scan::seeded_count,
        "scan-well-formed" "Keys and fingerprints are not empty, kinds and fields are declared." scan::well_formed,
        "scan-keys-unique" "No two items have one key." scan::keys_unique,
        "scan-twice-identical" "A second scan, by another instance, shows exactly the same." scan::twice_identical,
        "scan-known-unchanged" "What is known is unchanged and not read again." scan::known_unchanged,
        "scan-touched-unchanged" "A newer time alone is no change." scan::touched_unchanged,
        "scan-edit-with-old-time" "A changed content is seen even if the time was set back." scan::edit_with_old_time,
        "scan-one-broken-item" "A broken item is reported, and the others still come." scan::one_broken_item,
        "scan-zero-bytes" "A file of no bytes is torn: broken or an error, never items that are gone." scan::zero_bytes,
        "scan-damaged-bytes" "Whatever bytes the files hold, a scan ends, and says what it cannot read." damage::damaged_bytes,
        "scan-root-missing" "A place that went away is an error, never an empty scan." scan::root_missing,
        "scan-writes-nothing" "A scan changes no file." scan::writes_nothing,
        "scan-note-same" "A note says the same as long as nothing changed, and never after a change." note::same,
        "scan-note-garbage" "A note that no scan left is never the same." note::garbage,
    }
    "apply" {
        "apply-empty-batch" "A step without operations answers nothing and changes nothing." apply::empty_batch,
        "apply-create-roundtrip" "A new item shows everything that was asked." apply::create_roundtrip,
        "apply-update-one-field" "Changing one field changes its line and no other byte." apply::update_one_field,
        "apply-many-at-once" "All items changed in one step all show their own change." apply::many_at_once,
        "apply-delete" "A removed item is gone, and the others stay." apply::removal,
        "apply-answers-every-operation" "Every operation is answered once." apply::answers_every_operation,
        "apply-answer-equals-scan" "The answer is what the next scan shows." apply::answer_equals_scan,
        "apply-then-scan-is-noop" "After a step nothing has changed for a scan that knows its answers." apply::then_scan_is_noop,
        "apply-same-record-writes-nothing" "An item that shows the record already is not written." apply::same_record_writes_nothing,
        "apply-outside-view" "Fields that the endpoint cannot hold are passed over." apply::outside_view,
        "apply-keeps-mode-and-symlink" "Permissions and symlinks of the user's files are kept." apply::keeps_mode_and_symlink,
        "apply-batch-atomic" "A step that is stopped is done in full or not at all." apply::batch_atomic,
        "apply-no-temp-leftovers" "After the step is settled nothing but items lies there." apply::no_leftovers,
        "rehearse-writes-nothing" "Rehearsing changes no file." apply::rehearsal_writes_nothing,
        "rehearse-answers-like-perform" "Rehearsing answers what performing answers." apply::rehearsal_answers_like_performance,
        "apply-precondition-stale" "An item that was edited since is stale, and the editor's bytes stand." preconditions::update_stale,
        "apply-delete-stale" "An item that was edited since is not removed." preconditions::delete_stale,
        "apply-beside-an-edit" "What an editor saved in another item since the scan stands." preconditions::beside_an_edit,
        "apply-removed-meanwhile" "An item that is gone is not made again." preconditions::removed_meanwhile,
        "apply-create-exists" "An item that is there already is not made twice." preconditions::create_exists,
        "apply-result-per-op" "A stale operation among others is answered alone, and every answer is true." concurrency::result_per_op,
        "apply-twice-same-step-safe" "The same step again does no harm." preconditions::twice_same_step,
    }
    "fidelity" {
        "unknown-field-preserved" "What the adapter does not know stays in the file." fidelity::unknown_preserved,
        "unicode" "Text comes back as it was: composed, decomposed, astral, right to left, joined." fidelity::unicode,
        "newlines" "Line breaks in a text come back." fidelity::newlines,
        "special-characters" "Separators, quotes and escapes of any format come back." fidelity::special_characters,
        "empty-vs-absent" "A field that is not there is not shown as an empty one." fidelity::empty_vs_absent,
        "nul-kept-or-refused" "A NUL is kept or refused, never a place to cut." fidelity::nul,
        "large-value-1MiB" "A text of one MiB comes back." fidelity::large_value,
        "large-value-16MiB" "A text of 16 MiB comes back or is refused." fidelity::huge_value,
        "many-fields" "An item of hundreds of fields shows them all." fidelity::many_fields,
        "newlines-CR-LF-in-text" "A carriage return comes back, or is a line break, or is refused." fidelity::carriage_returns,
        "dates" "A date, whole or partial, comes back or is refused." fidelity::dates,
        "numbers" "A whole number comes back or is refused." fidelity::numbers,
        "native-bytes-preserved" "However an item is written, a change of one field changes its own line only." fidelity::native_bytes,
        "key-special-characters" "A name of any characters is made, changed and removed, or refused." names::special_keys,
        "keys-differ-only-in-case" "Two names that differ in case only are two items, or the second is refused." names::case,
        "keys-differ-only-in-normal-form" "Two names that differ in normal form only are two items, or the second is refused." names::normal_form,
        "blob-roundtrip" "A blob comes back byte for byte." fidelity::blob_roundtrip,
        "volatile-is-no-change" "A volatile field alone is no reason to write." fidelity::volatile,
    }
    "crash" {
        "same-second-same-size-edit" "An edit that keeps size and time is seen." concurrency::same_second_same_size,
        "editor-rename-replace" "A file that an editor replaced by another is a change, and is not overwritten." concurrency::rename_replace,
        "external-add-remove" "What others add or remove between two scans is seen, and nothing else." concurrency::add_remove,
        "external-edit-during-apply" "What an editor saves in the middle of a step stands." concurrency::edit_during_apply,
        "racing-edits" "What an editor saves while a step runs stands." concurrency::racing_edits,
        "two-instances-same-path" "A second instance undoes nothing that the first one wrote." concurrency::two_instances,
        "crash-during-apply" "After a crash every item is what it was or what was asked, and recovery says which." concurrency::crash_during_apply,
        "killed-at-write-points" "Killed before any change to a file, every item is what it was or what was asked, and recovery says which." killed::at_write_points,
        "recover-unknown-step-empty" "A step that was never begun has no fates." recovery::unknown_step,
        "recover-after-perform-says-done" "A finished step is done, for another instance too, until it is settled." recovery::after_perform,
        "recover-keeps-places" "Operations that were not done keep their places among the fates." recovery::keeps_places,
        "settle-twice" "Settling again, or what was never begun, does no harm." recovery::settle_twice,
        "cancel-honoured" "A host that says stop is obeyed, and nothing is written." recovery::cancel_honoured,
    }
    "manners" {
        "host-any-order" "Calls in an unusual order are answered or refused, and nothing is lost." manners::any_order,
        "host-odd-operations" "Operations on what is not there, or that make no sense, change nothing." manners::odd_operations,
        "host-without-blobs" "A blob that is not to be had is an error or a refusal, and nothing is written." manners::without_blobs,
        "progress-monotonic" "Progress never goes back, and never beyond its end." manners::progress,
        "secret-never-told" "A secret stays out of logs, errors and files." manners::secret,
        "nothing-left-open" "Once closed, no file of the place is open, and the working folder is what it was." manners::nothing_left_open,
    }
    "fuzz" {
        "fuzz-model" "Any row of steps, edits and crashes leaves what a simple model says." fuzz::model,
    }
];
