//! The adapter that `boundary` measures, as a library.

#[path = "../src/boundary/sample.rs"]
mod sample;

adapter::export!(sample::Sample);
