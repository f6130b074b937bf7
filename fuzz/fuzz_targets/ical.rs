//! A file of any bytes is read, one field is edited and written, and everything else reads back as it was.
#![no_main]

use adapter::Options;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| conformance::mutation::survives(adapter_ical::format(), &Options::new(), "file.ics", bytes));
