//! syncretic-adapter.
