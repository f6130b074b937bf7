//! syncretic-contentline.
