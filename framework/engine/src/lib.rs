//! syncretic-engine.
