//! Any bytes are read as chunks and recipes, and what is read is written again.
#![no_main]

#[path = "../../framework/protocol/tests/any_chunks.rs"]
mod any_chunks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| any_chunks::any_chunks(bytes));
