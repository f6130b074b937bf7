//! syncretic-delta.
