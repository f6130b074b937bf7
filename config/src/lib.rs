//! syncretic-config.
