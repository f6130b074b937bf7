//! Where a server is: its URL, taken apart once and never guessed at again.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ureq::http::Uri;
use ureq::http::uri::Scheme;

/// The address of a server: scheme, host, port, and the path that it lives under.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(String);

/// A text that is no address of a server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no address of a server: {reason}")]
pub struct NotAnAddress {
    /// What was written.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl Address {
    /// Returns the whole URL of a path on this server; `path` begins with `/`.
    #[must_use]
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// Returns the host with its port, for people.
    #[must_use]
    pub fn host(&self) -> &str {
        let rest = self.0.split_once("://").map_or(self.0.as_str(), |(_, rest)| rest);
        rest.split('/').next().unwrap_or(rest)
    }

    /// Returns the address as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether nobody on the way can read along: TLS, or no way at all because it is this machine.
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.0.starts_with("https://") || self.is_loopback()
    }

    /// Tells whether the server is on this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let host = self.host();
        let name = match host.strip_prefix('[') {
            Some(six) => six.split(']').next().unwrap_or(six),
            None => host.rsplit_once(':').map_or(host, |(name, _)| name),
        };
        name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl FromStr for Address {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let wrong = |reason| NotAnAddress { text: text.to_owned(), reason };
        if text.contains('#') {
            return Err(wrong("it must not hold a `#`"));
        }
        let uri: Uri = text.trim().parse().map_err(|_| wrong("it looks like `https://sync.example.org`"))?;
        let scheme = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS => scheme,
            _ => return Err(wrong("it begins with `https://`, or with `http://` on this machine")),
        };
        let authority = uri.authority().ok_or_else(|| wrong("it names no host"))?;
        if authority.as_str().contains('@') {
            return Err(wrong("it must not hold a name or a password; a device shows who it is by its key"));
        }
        if uri.query().is_some() {
            return Err(wrong("it must not hold a `?`"));
        }
        let host = authority.as_str().to_ascii_lowercase();
        let default = if *scheme == Scheme::HTTPS { ":443" } else { ":80" };
        let host = host.strip_suffix(default).unwrap_or(&host);
        Ok(Self(format!("{scheme}://{host}{}", uri.path().trim_end_matches('/'))))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_one_form() {
        for (written, meant) in [
            ("https://Sync.Example.org/", "https://sync.example.org"),
            ("https://sync.example.org:443", "https://sync.example.org"),
            ("http://127.0.0.1:7171", "http://127.0.0.1:7171"),
            ("https://example.org/sync/", "https://example.org/sync"),
            ("http://[::1]:7171/", "http://[::1]:7171"),
        ] {
            assert_eq!(address(written).as_str(), meant);
        }
        assert_eq!(address("https://example.org/sync").join("/v1/x"), "https://example.org/sync/v1/x");
        assert_eq!(address("https://example.org:8443/sync").host(), "example.org:8443");
    }

    #[test]
    fn what_is_no_address_says_why() {
        for (text, reason) in [
            ("sync.example.org", "begins with"),
            ("ftp://example.org", "begins with"),
            ("https://", "looks like"),
            ("https://ada:secret@example.org", "password"),
            ("https://example.org/?x=1", "`?`"),
            ("https://example.org/#x", "`#`"),
            ("http://exa mple.org", "looks like"),
        ] {
            let error = text.parse::<Address>().unwrap_err();
            assert!(error.to_string().contains(reason), "{error}");
        }
    }

    #[test]
    fn only_tls_and_this_machine_are_private() {
        for (text, private) in [
            ("https://example.org", true),
            ("http://example.org", false),
            ("http://localhost:7171", true),
            ("http://127.9.9.9", true),
            ("http://[::1]:7171", true),
            ("http://127.0.0.1.example.org", false),
            ("http://localhost.example.org", false),
            ("http://192.168.1.5:7171", false),
        ] {
            assert_eq!(address(text).is_private(), private, "{text}");
        }
    }
}
