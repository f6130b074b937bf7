//! Where plugins lie once they were let in: a folder for each content, and nothing is found anywhere else.
//!
//! ```text
//! <state>/plugins/plugins.lock        which are let in, and their hashes
//! <state>/plugins/<id>/<hash>/        manifest, file and check.toml of one content
//! ```

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use record::Digest;

use super::installed::{Installed, writable_by_others};
use super::lock::{self, Pin};
use super::manifest::{self, Kind, Manifest};
use super::secrets::Vault;
use crate::failure::{Failure, Outcome};
use crate::state::Home;
use crate::terminal::shown;

/// The file that says how a plugin is checked.
pub(crate) const CHECK: &str = "check.toml";
/// The longest file of a plugin in bytes.
const LONGEST: u64 = 512 << 20;
/// How many digits of the hash name a folder.
const DIGITS: usize = 16;

/// The plugins of a state directory.
pub(crate) struct Shelf {
    root: PathBuf,
    vault: Vault,
}

/// A plugin that someone wants to let in: looked at, and nothing of it has run.
pub(crate) struct Offer {
    /// Its folder.
    folder: PathBuf,
    /// What it says it is.
    pub(crate) manifest: Manifest,
    /// Its file's content.
    content: Vec<u8>,
    /// SHA-256 of its file.
    pub(crate) sha256: String,
}

impl Offer {
    /// Looks at a plugin in a folder.
    pub(crate) fn of(folder: &Path) -> Outcome<Self> {
        let manifest = Manifest::read(folder)?;
        let file = folder.join(&manifest.file);
        let wrong = |reason: String| Failure::usage(format!("plugin `{}`: {reason}", manifest.description.id));
        let metadata = fs::metadata(&file).map_err(|error| {
            let failure = wrong(format!("`{}` cannot be read: {error}", file.display()));
            failure.help("build the plugin first, or correct [file] in its manifest")
        })?;
        if metadata.len() > LONGEST {
            return Err(wrong(format!("`{}` has {} bytes; at most {LONGEST} are let in", file.display(), metadata.len())));
        }
        for path in [folder, file.as_path()] {
            if writable_by_others(path) {
                let failure = wrong(format!("`{}` can be written by others than its owner", path.display()));
                return Err(failure.help(format!("type `chmod go-w {}`", path.display())));
            }
        }
        if manifest.kind == Kind::Library {
            adapter::host::check(&file).map_err(|reason| wrong(format!("`{}` {reason}", file.display())))?;
        }
        let content = fs::read(&file).map_err(|error| Failure::io("read", &file, &error))?;
        let sha256 = Digest::of(&content).to_string();
        if let Some(expected) = manifest.sha256.as_ref().filter(|expected| !expected.eq_ignore_ascii_case(&sha256)) {
            let failure = wrong(format!("`{}` has the hash {sha256}, and its manifest says {expected}", file.display()));
            return Err(failure.help("get the plugin again from where it is published"));
        }
        Ok(Self { folder: folder.to_owned(), manifest, content, sha256 })
    }
}

impl Shelf {
    /// Names the plugins of a state directory. Reads nothing.
    pub(crate) fn of(home: &Home) -> Self {
        Self { root: home.root().join("plugins"), vault: Vault::of(home) }
    }

    fn lock(&self) -> PathBuf {
        self.root.join("plugins.lock")
    }

    fn folder(&self, id: &str, pin: &Pin) -> PathBuf {
        self.root.join(id).join(pin.sha256.get(..DIGITS).unwrap_or(&pin.sha256))
    }

    /// Lets a plugin in; what was there under its id before makes room.
    pub(crate) fn add(&self, home: &Home, offer: &Offer) -> Outcome<()> {
        home.establish()?;
        let id = offer.manifest.description.id;
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| i64::try_from(time.as_secs()).unwrap_or_default());
        let pin = Pin {
            version: offer.manifest.version.clone(),
            sha256: offer.sha256.clone(),
            manifest: Digest::of(&offer.manifest.bytes).to_string(),
            added: seconds,
        };
        let folder = self.folder(id, &pin);
        let staged = self.root.join(id).join(format!(".new.{}", std::process::id()));
        let fails = |error: std::io::Error| Failure::io("make", &folder, &error);
        let _ = fs::remove_dir_all(&staged);
        fs::create_dir_all(&staged).map_err(fails)?;
        place(&staged.join(manifest::NAME), &offer.manifest.bytes, 0o444).map_err(fails)?;
        place(&staged.join(&offer.manifest.file), &offer.content, 0o555).map_err(fails)?;
        if let Ok(check) = fs::read(offer.folder.join(CHECK)) {
            place(&staged.join(CHECK), &check, 0o444).map_err(fails)?;
        }
        // A folder of this content may be there already, and then its manifest may be an older one.
        let _ = fs::remove_dir_all(&folder);
        fs::rename(&staged, &folder).map_err(fails)?;
        let mut pins = lock::read(&self.lock())?;
        pins.insert(id.to_owned(), pin);
        lock::write(&self.lock(), &pins)
    }

    /// Takes a plugin away, with its secrets.
    pub(crate) fn remove(&self, id: &str) -> Outcome<()> {
        let mut pins = lock::read(&self.lock())?;
        if pins.remove(id).is_none() {
            return Err(self.unknown(id));
        }
        lock::write(&self.lock(), &pins)?;
        self.vault.forget(id)?;
        let folder = self.root.join(id);
        fs::remove_dir_all(&folder).map_err(|error| Failure::io("remove", &folder, &error))
    }

    /// Returns the pins, by id.
    pub(crate) fn pins(&self) -> Outcome<std::collections::BTreeMap<String, Pin>> {
        lock::read(&self.lock())
    }

    /// Returns the plugin of this id, as its pinned manifest describes it; none if there is none.
    pub(crate) fn named(&self, id: &str) -> Outcome<Option<Installed>> {
        let Some(pin) = self.pins()?.remove(id) else { return Ok(None) };
        let folder = self.folder(id, &pin);
        let manifest = Manifest::read(&folder)?;
        Ok(Some(Installed { manifest, folder, pin: Some(pin), vault: self.vault.clone() }))
    }

    /// Returns the plugin of this id, or the one that lies in this folder.
    pub(crate) fn find(&self, plugin: &str) -> Outcome<Installed> {
        if let Some(installed) = self.named(plugin)? {
            return Ok(installed);
        }
        let folder = Path::new(plugin);
        if folder.join(manifest::NAME).is_file() {
            let folder = folder.canonicalize().map_err(|error| Failure::io("find", folder, &error))?;
            return Ok(Installed { manifest: Manifest::read(&folder)?, folder, pin: None, vault: self.vault.clone() });
        }
        Err(self.unknown(plugin))
    }

    fn unknown(&self, id: &str) -> Failure {
        let known = self.pins().unwrap_or_default().into_keys().collect::<Vec<_>>();
        let failure = Failure::usage(format!("no plugin is called `{}`, and no folder with an `adapter.toml` either", shown(id)));
        let known = if known.is_empty() { "no plugin was let in yet".to_owned() } else { format!("plugins: {}", known.join(", ")) };
        failure.note(known).help("let one in with `syncretic plugin add DIR`")
    }
}

fn place(path: &Path, content: &[u8], mode: u32) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, content)?;
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode))?;
    #[cfg(not(unix))]
    let _ = mode;
    fs::File::open(path)?.sync_all()
}
