//! Laws of the codec: what is written is read, one record has one encoding, and no input panics.

use proptest::prelude::*;
use std::collections::BTreeSet;
use syncretic_record::codec::{Reader, Writer, decode_record, encode_record};
use syncretic_record::*;

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        ".*".prop_map(Value::Text),
        any::<i64>().prop_map(Value::Integer),
        any::<bool>().prop_map(Value::Boolean),
        "[0-9]{1,9}\\.[0-9]{1,9}".prop_map(Value::Decimal),
        "--[01][0-9]-[0-3][0-9]".prop_map(Value::Date),
        "2[0-9]{3}-01-01T00:00:00".prop_map(Value::LocalDateTime),
        "2[0-9]{3}-01-01T00:00:00Z".prop_map(Value::Instant),
        "P[0-9]D".prop_map(Value::Duration),
        "urn:[a-z]*".prop_map(Value::Uri),
        any::<Vec<u8>>().prop_map(Value::Bytes),
        (any::<[u8; 32]>(), any::<u64>()).prop_map(|(digest, length)| Value::Blob(Blob { digest: Digest(digest), length })),
    ]
}

fn fields() -> impl Strategy<Value = Fields> {
    prop::collection::btree_map("[a-z/]{0,12}".prop_map(Pointer::from), value(), 0..12).prop_map(Fields::from)
}

fn change() -> impl Strategy<Value = Change> {
    let life = prop_oneof![
        Just(None),
        Just(Some(Life::Born)),
        Just(Some(Life::Dead)),
        any::<[u8; 16]>().prop_map(|id| Some(Life::Linked(RecordId(id))))
    ];
    let unset = prop::collection::btree_set("[a-z/]{0,12}".prop_map(Pointer::from), 0..5);
    (any::<[u8; 16]>(), life, fields(), unset).prop_map(|(id, life, set, unset): (_, _, _, BTreeSet<Pointer>)| Change {
        id: RecordId(id),
        kind: Kind::CONTACT,
        life,
        set,
        unset,
    })
}

proptest! {
    #[test]
    fn a_record_is_read_as_it_was_written(fields in fields()) {
        let record = Record { kind: Kind::CONTACT, fields };
        let bytes = encode_record(&record);
        prop_assert_eq!(decode_record(&bytes).unwrap(), record);
    }

    #[test]
    fn changes_and_conflicts_are_read_as_they_were_written(change in change(), value in value(), base in prop::option::of(value())) {
        let conflict = Conflict { id: ConflictId([7; 16]), record: change.id, field: Pointer::new("a"), value, against: Against::Death, base, origin: "here".into() };
        let mut writer = Writer::default();
        writer.change(&change).conflict(&conflict);
        let bytes = writer.finish();
        let mut reader = Reader::new(&bytes);
        prop_assert_eq!(reader.change().unwrap(), change);
        prop_assert_eq!(reader.conflict().unwrap(), conflict);
        reader.finish().unwrap();
    }

    #[test]
    fn whatever_is_read_has_no_other_encoding(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(record) = decode_record(&bytes) {
            prop_assert_eq!(encode_record(&record), bytes);
        }
    }

    #[test]
    fn a_damaged_record_is_an_error_or_another_record(fields in fields(), at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let mut bytes = encode_record(&Record { kind: Kind::ROW, fields });
        let at = at.index(bytes.len());
        bytes[at] = to;
        if let Ok(record) = decode_record(&bytes) {
            prop_assert_eq!(encode_record(&record), bytes);
        }
    }
}

#[test]
fn keys_out_of_order_or_twice_are_refused() {
    // ["row", {"b": 1, "a": 1}] and ["row", {"a": 1, "a": 1}].
    for keys in [*b"ba", *b"aa"] {
        let bytes = [0x82, 0x63, b'r', b'o', b'w', 0xa2, 0x61, keys[0], 1, 0x61, keys[1], 1];
        assert!(matches!(decode_record(&bytes), Err(CodecError::Order { .. })), "{keys:?}");
    }
}

#[test]
fn a_claim_of_2_to_the_60_fields_is_refused_without_memory() {
    let bytes = [0x82, 0x63, b'r', b'o', b'w', 0xbb, 0x10, 0, 0, 0, 0, 0, 0, 0];
    assert!(matches!(decode_record(&bytes), Err(CodecError::Limit { .. })));
}

#[test]
fn the_golden_record_keeps_its_bytes() {
    let record = Record::new(Kind::CONTACT)
        .with("name/full", Value::text("Ada"))
        .with("phones/1/number", Value::text("+44"))
        .with("phones/1/pref", Value::Integer(1))
        .with("anniversaries/1/date", Value::Date("--12-10".into()));
    let hex: String = encode_record(&record).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, include_str!("fixtures/record-1.hex").trim());
}
