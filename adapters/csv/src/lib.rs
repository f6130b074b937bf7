//! syncretic-csv.
