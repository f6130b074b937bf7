//! Secrets of plugins: each in a private file of its own, told to the plugin that it was given to and to nobody else.
//!
//! ```text
//! <state>/secrets/<id>/<name>        mode 0600, the secret's bytes and nothing else
//! ```

use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use adapter::{Error, Fault, Host};

use crate::failure::{Failure, Outcome};
use crate::state::{Home, replace};
use crate::terminal::shown;

/// The longest secret in bytes.
const LONGEST: u64 = 64 << 10;
/// The longest name in bytes.
const LONGEST_NAME: usize = 64;

/// The secrets of a state directory.
#[derive(Clone, Debug)]
pub(crate) struct Vault {
    root: PathBuf,
}

impl Vault {
    /// Names the secrets of a state directory. Reads nothing.
    pub(crate) fn of(home: &Home) -> Self {
        Self { root: home.root().join("secrets") }
    }

    fn folder(&self, id: &str) -> PathBuf {
        self.root.join(id)
    }

    /// Gives a plugin a secret, in the place of the one of this name.
    pub(crate) fn set(&self, home: &Home, id: &str, name: &str, from: &mut dyn Read) -> Outcome<()> {
        if !sound(name) {
            let failure = Failure::usage(format!("`{}` cannot be the name of a secret", shown(name)));
            return Err(failure.help(format!("use at most {LONGEST_NAME} letters, digits, `-`, `_` and `.`, and no `.` first")));
        }
        let path = self.folder(id).join(name);
        let mut secret = String::new();
        match from.take(LONGEST + 1).read_to_string(&mut secret) {
            Ok(length) if length as u64 > LONGEST => {
                return Err(Failure::usage(format!("the secret has more than {LONGEST} bytes")).note("nothing was kept"));
            }
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                return Err(Failure::usage("the secret is no UTF-8 text").note("nothing was kept"));
            }
            Err(error) => return Err(Failure::usage(format!("the secret cannot be read: {error}")).note("nothing was kept")),
        }
        // What `echo` or a person's Return put behind it.
        let secret = secret.strip_suffix('\n').map_or(secret.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
        if secret.is_empty() {
            return Err(Failure::usage("the secret is empty").note("nothing was kept"));
        }
        home.establish()?;
        home.make(&self.root).and_then(|()| home.make(&self.folder(id)))?;
        replace(&path, secret.as_bytes(), 0o600).map_err(|error| Failure::io("write", &path, &error))
    }

    /// Returns the names of a plugin's secrets, in order.
    pub(crate) fn names(&self, id: &str) -> Outcome<Vec<String>> {
        let folder = self.folder(id);
        let fails = |error: &std::io::Error| Failure::io("read", &folder, error);
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(fails(&error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry.map_err(|error| fails(&error))?.file_name();
            names.extend(name.to_str().filter(|name| sound(name)).map(str::to_owned));
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Takes a secret away; false if there was none.
    pub(crate) fn remove(&self, id: &str, name: &str) -> Outcome<bool> {
        let path = self.folder(id).join(name);
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound || !sound(name) => Ok(false),
            Err(error) => Err(Failure::io("remove", &path, &error)),
        }
    }

    /// Takes all secrets of a plugin away.
    pub(crate) fn forget(&self, id: &str) -> Outcome<()> {
        let folder = self.folder(id);
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(Failure::io("remove", &folder, &error)),
            _ => Ok(()),
        }
    }

    /// Fails if others than its owner may read or write one of a plugin's secrets.
    pub(crate) fn verify(&self, id: &str) -> Result<(), Error> {
        let names = self.names(id).unwrap_or_default();
        let folder = self.folder(id);
        let open = names.iter().map(|name| folder.join(name)).find(|path| shared(path));
        open.map_or(Ok(()), |path| {
            let path = path.display();
            let reason = format!("others can read its secret {path}, so it is not run; type `chmod go-rwx {path}`, and change the secret");
            Err(Error::Plugin { plugin: id.to_owned(), fault: Fault::Untrusted, reason })
        })
    }

    fn get(&self, id: &str, name: &str) -> Option<String> {
        sound(name).then(|| fs::read_to_string(self.folder(id).join(name)).ok()).flatten()
    }
}

/// Tells whether a name can be one of a secret: so that it is a file's name everywhere, and leads nowhere else.
fn sound(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !name.is_empty() && name.len() <= LONGEST_NAME && !name.starts_with('.') && name.bytes().all(letter)
}

/// A host that tells a plugin its own secrets, and none to one whose manifest says nothing of them.
pub(super) struct Telling {
    pub(super) host: Box<dyn Host>,
    pub(super) vault: Vault,
    pub(super) id: &'static str,
    pub(super) capable: bool,
}

impl Host for Telling {
    fn log(&self, message: &str) {
        self.host.log(message);
    }

    fn progress(&self, done: u64, of: Option<u64>) {
        self.host.progress(done, of);
    }

    fn cancelled(&self) -> bool {
        self.host.cancelled()
    }

    fn secret(&self, name: &str) -> Option<String> {
        let id = self.id;
        if !self.capable {
            self.host.log(&format!("it asked for the secret `{}`, and its manifest has no capability `secrets`", shown(name)));
            return None;
        }
        let secret = self.vault.get(id, name);
        if secret.is_none() {
            self.host.log(&format!("it asked for the secret `{0}`; give it with `syncretic plugin secret {id} {0}`", shown(name)));
        }
        secret
    }
}

#[cfg(unix)]
fn shared(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

/// Elsewhere permissions are not told in this way.
#[cfg(not(unix))]
fn shared(_path: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_nowhere_else() {
        assert!(["password", "a.b-c_9"].into_iter().all(sound));
        let long = "x".repeat(LONGEST_NAME + 1);
        assert!(!["", ".", "..", "../x", "a/b", "a b", "ä", "a\0", long.as_str()].into_iter().any(sound));
    }

    #[test]
    fn a_secret_belongs_to_one_plugin() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path().join("state"));
        let vault = Vault::of(&home);
        vault.set(&home, "org.example.one", "password", &mut "hushed\r\n".as_bytes()).unwrap();
        assert_eq!(vault.get("org.example.one", "password").as_deref(), Some("hushed"));
        assert_eq!(vault.get("org.example.two", "password"), None);
        assert_eq!(vault.get("org.example.two", "../org.example.one/password"), None);
        assert_eq!(vault.names("org.example.one").unwrap(), ["password"]);
        vault.verify("org.example.one").unwrap();
        assert!(!vault.remove("org.example.two", "password").unwrap());
        assert!(vault.remove("org.example.one", "password").unwrap());
        assert!(vault.names("org.example.one").unwrap().is_empty());
    }

    #[test]
    fn what_is_no_secret_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path().join("state"));
        let vault = Vault::of(&home);
        let long = "x".repeat(1 + (64 << 10));
        for bytes in [b"".as_slice(), b"\n", b"\xff\xfe", long.as_bytes()] {
            assert!(vault.set(&home, "org.example.one", "password", &mut { bytes }).is_err());
        }
        assert!(vault.set(&home, "org.example.one", "../x", &mut "y".as_bytes()).is_err());
        assert!(!folder.path().join("state").exists());
    }
}
