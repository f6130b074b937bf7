//! Which server a command is about, and how its refusals are told.

use client::{Address, Session};
use protocol::messages::Device;
use protocol::{Collection, DeviceId, Error};

use crate::arguments::server::Which;
use crate::cause;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::jobs;
use crate::prefix;
use crate::reach::Server;
use crate::terminal::shown;

/// Returns the server that is named, else the configuration's, else the only one that this device is enrolled at.
pub(crate) fn server(context: &Context, which: &Which) -> Outcome<Server> {
    if let Some(url) = &which.server {
        return Ok(Server::at(address(url)?));
    }
    if let Some(address) = configured(context)? {
        return Ok(Server::at(address));
    }
    let mut enrolled = context.home.servers().all()?;
    match (enrolled.pop(), enrolled.as_slice()) {
        (Some(only), []) => Ok(Server::at(only.address)),
        (None, _) => Err(Failure::new(Exit::Unauthorised, "this device is not enrolled at any server").help(
            "start one with `syncretic serve`, or get a code from somebody who has one; then type\nsyncretic device enroll URL --code CODE --name NAME",
        )),
        (Some(last), others) => {
            let all: Vec<&str> = others.iter().map(|one| one.address.as_str()).chain([last.address.as_str()]).collect();
            Err(Failure::usage("this device is enrolled at several servers").note(all.join("\n")).help("name one: `--server URL`"))
        }
    }
}

/// Reads a collection's name.
pub(crate) fn collection(name: &str) -> Outcome<Collection> {
    name.parse().map_err(|error: protocol::ids::NotACollection| Failure::usage(error.to_string()))
}

/// Reads an address.
pub(crate) fn address(url: &str) -> Outcome<Address> {
    url.parse().map_err(|error: client::address::NotAnAddress| Failure::usage(error.to_string()))
}

/// Returns the configuration's server; none if there is no configuration.
fn configured(context: &Context) -> Outcome<Option<Address>> {
    let config = match jobs::read(context.config.as_deref()) {
        Ok(config) => config,
        Err(failure) if context.config.is_some() => return Err(failure),
        Err(_) => return Ok(None),
    };
    let server = jobs::server(&config).map_err(|problem| Failure::from(config::Problems::from(*problem)))?;
    Ok(server.map(|server| server.address().clone()))
}

/// Says why a management plane refused.
pub(crate) fn refused(error: &Error) -> Failure {
    let failure = cause::management(error);
    match error {
        Error::NotAuthorised(_) => failure.help("this needs an administrator of the store"),
        _ => failure,
    }
}

/// Returns the device that is meant by a name, or by the first digits of its key.
pub(crate) fn device(session: &Session, typed: &str) -> Outcome<Device> {
    let devices = client::manage::devices(session).map_err(|error| refused(&error))?;
    if let Some(named) = devices.iter().find(|device| device.name == typed) {
        return Ok(named.clone());
    }
    let ids: Vec<String> = devices.iter().map(|device| device.device.to_string()).collect();
    let found = prefix::find(ids.iter().map(String::as_str), "", typed);
    let id = found.map_err(|unclear| unclear.failure("device", typed).help("`syncretic device list` shows them"))?;
    let device = devices.iter().find(|device| device.device.to_string() == *id).cloned();
    device.ok_or_else(|| Failure::usage(format!("there is no device `{}`", shown(typed))))
}

/// Returns the first digits of a device's key.
pub(crate) fn short(device: &DeviceId) -> String {
    device.to_string().chars().take(12).collect()
}
