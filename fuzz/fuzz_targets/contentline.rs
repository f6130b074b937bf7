//! Any bytes are split into lines and items, and every line is written again.
#![no_main]

#[path = "../../adapters/contentline/tests/any_bytes.rs"]
mod any_bytes;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| any_bytes::any_bytes(bytes));
