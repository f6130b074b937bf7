//! syncretic-conformance.
