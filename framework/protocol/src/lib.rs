//! syncretic-protocol.
