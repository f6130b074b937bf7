//! The folder as an endpoint.
