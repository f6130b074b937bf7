//! The servers that this device is enrolled at, and the devices that were seen there.
//!
//! ```text
//! servers/<host>-<digest>/server     where it is, and who this device is there
//! servers/<host>-<digest>/devices    the devices whose keys were seen there, pinned
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use client::{Address, Names};
use protocol::StoreId;
use record::Digest;
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::state::{make_private, replace};

/// The folder of servers.
#[derive(Clone, Debug)]
pub(crate) struct Servers {
    folder: PathBuf,
}

/// A server that this device is enrolled at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Enrolled {
    /// Where it is.
    pub(crate) address: Address,
    /// Which store it is, whatever answers at that address later.
    pub(crate) store: StoreId,
    /// What this device was called there when it was enrolled.
    pub(crate) name: String,
    /// The only certificates that are trusted (PEM); none: those that everybody trusts.
    pub(crate) authority: Option<String>,
}

impl Servers {
    pub(crate) fn in_folder(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Returns what is known of a server; none if this device was never enrolled there.
    pub(crate) fn find(&self, address: &Address) -> Outcome<Option<Enrolled>> {
        self.read(&self.place(address).join("server"))
    }

    /// Returns all servers that this device is enrolled at.
    pub(crate) fn all(&self) -> Outcome<Vec<Enrolled>> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Failure::io("read", &self.folder, &error)),
        };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path().join("server")).collect();
        paths.sort();
        paths.iter().filter_map(|path| self.read(path).transpose()).collect()
    }

    fn read(&self, path: &Path) -> Outcome<Option<Enrolled>> {
        let Some(content) = content(path)? else { return Ok(None) };
        let text = |name: &str| content.get(name).and_then(Value::as_str).map(str::to_owned);
        let address = text("url").and_then(|url| url.parse().ok());
        let store = text("store").and_then(|store| store.parse().ok());
        let (Some(address), Some(store), Some(name)) = (address, store, text("name")) else {
            return Err(damaged(path, "put it back from a backup, or remove it and enroll the device again"));
        };
        Ok(Some(Enrolled { address, store, name, authority: text("authority") }))
    }

    /// Keeps that this device is enrolled at a server.
    pub(crate) fn keep(&self, enrolled: &Enrolled) -> Outcome<()> {
        let folder = self.place(&enrolled.address);
        make_private(&folder).map_err(|error| Failure::io("make the folder", &folder, &error))?;
        let Enrolled { address, store, name, authority } = enrolled;
        let content = json!({ "version": 1, "url": address.as_str(), "store": store.to_string(), "name": name, "authority": authority });
        write(&folder.join("server"), &content)
    }

    /// Returns the devices that are pinned at a server.
    pub(crate) fn pins(&self, address: &Address) -> Outcome<Names> {
        let path = self.place(address).join("devices");
        let Some(content) = content(&path)? else { return Ok(Names::new()) };
        let pin = |(id, name): (&String, &Value)| Some((id.parse().ok()?, name.as_str()?.to_owned()));
        let pins = content.get("devices").and_then(Value::as_object).and_then(|devices| devices.iter().map(pin).collect());
        pins.ok_or_else(|| damaged(&path, "put it back from a backup, or remove it: the devices are pinned anew"))
    }

    /// Pins devices.
    pub(crate) fn pin(&self, address: &Address, pins: &Names) -> Outcome<()> {
        let devices: BTreeMap<String, &String> = pins.iter().map(|(device, name)| (device.to_string(), name)).collect();
        write(&self.place(address).join("devices"), &json!({ "version": 1, "devices": devices }))
    }

    fn place(&self, address: &Address) -> PathBuf {
        let plain = |character: char| if character.is_ascii_alphanumeric() || ".-".contains(character) { character } else { '_' };
        let host: String = address.host().chars().take(64).map(plain).collect();
        let digest = Digest::of_parts(&[address.as_str().as_bytes()]).to_string();
        self.folder.join(format!("{host}-{}", digest.get(..16).unwrap_or_default()))
    }
}

fn content(path: &Path) -> Outcome<Option<Value>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::io("read", path, &error)),
    };
    let content: Option<Value> = serde_json::from_slice(&bytes).ok();
    match content.as_ref().and_then(|content| content.get("version")).and_then(Value::as_u64) {
        Some(1) => Ok(content),
        Some(version) => {
            Err(Failure::new(Exit::Integrity, format!("`{}` has version {version}, and this program knows version 1", path.display()))
                .note("nothing was read or written")
                .help("use the program that wrote it"))
        }
        None => Err(damaged(path, "put it back from a backup, or remove it and enroll the device again")),
    }
}

fn damaged(path: &Path, help: &str) -> Failure {
    Failure::new(Exit::Integrity, format!("`{}` is damaged", path.display())).note("nothing was read or written").help(help)
}

fn write(path: &Path, content: &Value) -> Outcome<()> {
    replace(path, content.to_string().as_bytes(), 0o600).map_err(|error| Failure::io("write", path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enrolled(url: &str) -> Enrolled {
        Enrolled { address: url.parse().unwrap(), store: StoreId([7; 16]), name: "laptop".to_owned(), authority: None }
    }

    #[test]
    fn a_server_and_its_devices_are_found_again_by_the_address() {
        let folder = tempfile::tempdir().unwrap();
        let servers = Servers::in_folder(folder.path().join("servers"));
        let (one, other) = (enrolled("http://127.0.0.1:7171"), enrolled("https://sync.example.org/ada"));
        assert_eq!((servers.find(&one.address).unwrap(), servers.all().unwrap()), (None, Vec::new()));
        servers.keep(&one).unwrap();
        let renamed = Enrolled { name: "desk".to_owned(), ..one.clone() };
        servers.keep(&renamed).unwrap();
        servers.keep(&other).unwrap();
        assert_eq!(servers.find(&one.address).unwrap(), Some(renamed.clone()));
        assert_eq!(servers.all().unwrap(), [renamed, other]);
        let pins = Names::from([(protocol::DeviceId([9; 32]), "desktop".to_owned())]);
        servers.pin(&one.address, &pins).unwrap();
        assert_eq!(servers.pins(&one.address).unwrap(), pins);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let file = servers.place(&one.address).join("server");
            assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn what_is_damaged_or_newer_is_said_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let servers = Servers::in_folder(folder.path().to_owned());
        let server = enrolled("http://127.0.0.1:7171");
        servers.keep(&server).unwrap();
        for content in ["", "{}", "{\"version\":1}", "{\"version\":1,\"url\":\"x\",\"name\":\"y\"}", "{\"version\":2}"] {
            fs::write(servers.place(&server.address).join("server"), content).unwrap();
            assert_eq!(servers.find(&server.address).unwrap_err().exit, Exit::Integrity, "{content}");
            fs::write(servers.place(&server.address).join("devices"), content).unwrap();
            assert_eq!(servers.pins(&server.address).unwrap_err().exit, Exit::Integrity, "{content}");
        }
    }
}
