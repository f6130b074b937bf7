//! Every route of a store on the network, once: its method, its path, and who may take it.

/// A method of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// GET.
    Get,
    /// POST.
    Post,
    /// PUT.
    Put,
    /// PATCH.
    Patch,
    /// DELETE.
    Delete,
}

impl Method {
    /// Returns the method's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// Who may take a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// Anybody.
    Open,
    /// Every enrolled device that is not revoked.
    Device,
    /// A device that may read the collection.
    Read,
    /// A device that may write the collection.
    Write,
    /// A device that may administer the collection.
    Admin,
    /// A device that administers the store.
    Administrator,
}

macro_rules! routes {
    ($($name:ident $method:ident $path:literal $access:ident;)+) => {
        /// A route.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "each is named after what it does, and the table says the rest")]
        pub enum Route {
            $($name),+
        }

        impl Route {
            /// All routes.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// Returns the method.
            #[must_use]
            pub fn method(self) -> Method {
                match self { $(Self::$name => Method::$method),+ }
            }

            /// Returns the path, with its parameters in braces.
            #[must_use]
            pub fn template(self) -> &'static str {
                match self { $(Self::$name => $path),+ }
            }

            /// Returns who may take it.
            #[must_use]
            pub fn access(self) -> Access {
                match self { $(Self::$name => Access::$access),+ }
            }

            /// Returns its name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),+ }
            }
        }
    };
}

routes! {
    Page              Get    "/"                                                      Open;
    OpenApi           Get    "/openapi.json"                                          Open;
    Healthz           Get    "/healthz"                                               Open;
    Readyz            Get    "/readyz"                                                Open;
    Metrics           Get    "/metrics"                                               Open;
    About             Get    "/v1"                                                    Open;
    Enroll            Post   "/v1/enroll"                                             Open;
    Challenge         Post   "/v1/challenge"                                          Open;
    Token             Post   "/v1/token"                                              Open;
    Me                Get    "/v1/me"                                                 Device;
    ListCollections   Get    "/v1/collections"                                        Device;
    CreateCollection  Put    "/v1/collections/{collection}"                           Administrator;
    CollectionState   Get    "/v1/collections/{collection}"                           Read;
    CollectionSettings Patch "/v1/collections/{collection}"                           Admin;
    Head              Get    "/v1/collections/{collection}/head"                      Read;
    Place             Get    "/v1/collections/{collection}/places/{sequence}"         Read;
    Read              Get    "/v1/collections/{collection}/entries"                   Read;
    Append            Post   "/v1/collections/{collection}/entries"                   Write;
    Find              Post   "/v1/collections/{collection}/transactions"              Read;
    Arrived           Put    "/v1/collections/{collection}/cursor"                    Read;
    Events            Get    "/v1/collections/{collection}/events"                    Read;
    GetSnapshot       Get    "/v1/collections/{collection}/snapshot"                  Read;
    PutSnapshot       Put    "/v1/collections/{collection}/snapshot"                  Write;
    MissingBlobs      Post   "/v1/collections/{collection}/blobs/missing"             Read;
    GetBlob           Get    "/v1/collections/{collection}/blobs/{blob}"              Read;
    PutBlob           Put    "/v1/collections/{collection}/blobs/{blob}"              Write;
    MissingChunks     Post   "/v1/collections/{collection}/chunks/missing"            Read;
    GetChunks         Post   "/v1/collections/{collection}/chunks/get"                Read;
    PutChunks         Post   "/v1/collections/{collection}/chunks"                    Write;
    GetRecipe         Get    "/v1/collections/{collection}/recipes/{blob}"            Read;
    PutRecipes        Post   "/v1/collections/{collection}/recipes"                   Write;
    ShowLease         Get    "/v1/collections/{collection}/lease"                     Read;
    AcquireLease      Post   "/v1/collections/{collection}/lease"                     Write;
    RenewLease        Put    "/v1/collections/{collection}/lease"                     Write;
    ReleaseLease      Delete "/v1/collections/{collection}/lease/{fence}"             Write;
    SetGrant          Put    "/v1/collections/{collection}/grants/{device}"           Admin;
    RemoveGrant       Delete "/v1/collections/{collection}/grants/{device}"           Admin;
    ListHeld          Get    "/v1/collections/{collection}/held"                      Admin;
    DecideHeld        Put    "/v1/collections/{collection}/held/{transaction}"        Admin;
    Compact           Post   "/v1/collections/{collection}/compact"                   Admin;
    ListDevices       Get    "/v1/devices"                                            Administrator;
    ShowDevice        Get    "/v1/devices/{device}"                                   Administrator;
    RenameDevice      Patch  "/v1/devices/{device}"                                   Administrator;
    RevokeDevice      Delete "/v1/devices/{device}"                                   Administrator;
    Invite            Post   "/v1/invitations"                                        Administrator;
    Audit             Get    "/v1/audit"                                              Administrator;
}

/// The header with the number of the lease that an append is made under.
pub const FENCE: &str = "syncretic-fence";

impl Route {
    /// Returns the path with its parameters filled in, in order, each percent-encoded (RFC 3986 §2.1).
    #[must_use]
    pub fn path(self, parameters: &[&str]) -> String {
        let mut parameters = parameters.iter();
        let segments = self.template().split('/').map(|segment| {
            if segment.starts_with('{') { parameters.next().map(|value| encoded(value)).unwrap_or_default() } else { segment.to_owned() }
        });
        segments.collect::<Vec<_>>().join("/")
    }
}

fn encoded(text: &str) -> String {
    let mut path = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_routes_are_alike() {
        let distinct: BTreeSet<_> = Route::ALL.iter().map(|route| (route.method(), route.template())).collect();
        assert_eq!(distinct.len(), Route::ALL.len());
    }

    #[test]
    fn parameters_are_filled_in_and_encoded() {
        assert_eq!(Route::GetBlob.path(&["Ünï", "ab"]), "/v1/collections/%C3%9Cn%C3%AF/blobs/ab");
        assert_eq!(Route::About.path(&[]), "/v1");
    }
}
