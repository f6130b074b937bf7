//! syncretic-vcard.
