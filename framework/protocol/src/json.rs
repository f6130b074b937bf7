//! Ids, names, words and times in JSON: ids as hexadecimal text, sequences as numbers, times as RFC 3339.

use std::borrow::Cow;
use std::fmt::{self, Display};
use std::marker::PhantomData;

use serde::de::{self, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ids::{
    BlobId, ChunkId, Code, Collection, DeviceId, Fence, Hash, LogId, Nonce, RecordDigest, Sequence, Signature, StoreId, Token,
    TransactionId,
};
use crate::state::{LeaseMode, Right};
use crate::timestamp::Timestamp;

fn write<S: Serializer>(value: &impl Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// Reads a whole number, however it is written: JSON knows no integers, so that `1.0` is one.
pub(crate) fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    struct Whole;

    impl de::Visitor<'_> for Whole {
        type Value = u64;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a whole number from 0")
        }

        fn visit_u64<E: de::Error>(self, number: u64) -> Result<u64, E> {
            Ok(number)
        }

        fn visit_i64<E: de::Error>(self, number: i64) -> Result<u64, E> {
            u64::try_from(number).map_err(|_| E::invalid_value(de::Unexpected::Signed(number), &self))
        }

        fn visit_f64<E: de::Error>(self, number: f64) -> Result<u64, E> {
            // Beyond 53 bits a float no longer says which whole number was meant.
            let text = if number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0 { format!("{number:.0}") } else { String::new() };
            text.parse().map_err(|_| E::invalid_value(de::Unexpected::Float(number), &self))
        }
    }

    deserializer.deserialize_any(Whole)
}

/// Reads a whole number that may be absent or null.
pub(crate) fn perhaps_whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    #[derive(Deserialize)]
    struct Wrapped(#[serde(deserialize_with = "whole")] u64);

    Option::<Wrapped>::deserialize(deserializer).map(|wrapped| wrapped.map(|Wrapped(number)| number))
}

/// Reads a message from an object: derived readers take arrays, too, which no schema allows.
pub(crate) fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct Object<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> de::Visitor<'de> for Object<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            T::deserialize(de::value::MapAccessDeserializer::new(map))
        }
    }

    deserializer.deserialize_map(Object(PhantomData))
}

/// A message that is read from an object alone.
#[derive(Deserialize)]
#[serde(bound = "T: Deserialize<'de>")]
pub struct FromObject<T>(#[serde(deserialize_with = "object")] pub T);

/// Reads a list of objects.
pub(crate) fn objects<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Vec::<FromObject<T>>::deserialize(deserializer).map(|list| list.into_iter().map(|FromObject(message)| message).collect())
}

/// Reads an object that may be absent or null.
pub(crate) fn perhaps_object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Option::<FromObject<T>>::deserialize(deserializer).map(|message| message.map(|FromObject(message)| message))
}

macro_rules! texts {
    ($($name:ident: $schema:expr;)+) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                write(self, serializer)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                $schema.into()
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::ToSchema for $name {}
    )+};
}

macro_rules! numbers {
    ($($name:ident)+) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_u64(self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                whole(deserializer).map(Self)
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                schema::number().into()
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::ToSchema for $name {}
    )+};
}

texts! {
    LogId: schema::hexadecimal(32);
    TransactionId: schema::hexadecimal(32);
    StoreId: schema::hexadecimal(32);
    Code: schema::hexadecimal(32);
    RecordDigest: schema::hexadecimal(32);
    DeviceId: schema::hexadecimal(64);
    Hash: schema::hexadecimal(64);
    BlobId: schema::hexadecimal(64);
    ChunkId: schema::hexadecimal(64);
    Nonce: schema::hexadecimal(64);
    Token: schema::hexadecimal(64);
    Signature: schema::hexadecimal(128);
    Collection: schema::collection();
    Timestamp: schema::timestamp();
    Right: schema::words(Right::ALL.iter().map(|(word, _)| *word));
    LeaseMode: schema::words(LeaseMode::ALL.iter().map(|(word, _)| *word));
}
numbers!(Sequence Fence);

#[cfg(feature = "openapi")]
mod schema {
    use utoipa::openapi::schema::{KnownFormat, Object, ObjectBuilder, SchemaFormat, Type};

    pub(super) fn hexadecimal(digits: usize) -> Object {
        ObjectBuilder::new().schema_type(Type::String).pattern(Some(format!("^[0-9a-f]{{{digits}}}$"))).build()
    }

    pub(super) fn collection() -> Object {
        let text = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(64));
        text.description(Some("Letters and digits of every script, `-`, `_` and `.`, and no dot in front.")).build()
    }

    pub(super) fn timestamp() -> Object {
        ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime))).build()
    }

    pub(super) fn words(words: impl Iterator<Item = &'static str>) -> Object {
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).build()
    }

    pub(super) fn number() -> Object {
        ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0_u64)).maximum(Some(u64::MAX)).build()
    }
}
