//! syncretic-tests.
