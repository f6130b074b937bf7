//! syncretic-record.
