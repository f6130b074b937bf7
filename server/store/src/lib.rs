//! syncretic-store.
