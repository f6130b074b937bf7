//! systemd: the message that a service is ready (sd_notify), and the unit of a user's own service.

use std::path::Path;

/// Tells systemd something about this service, `READY=1` for instance, if systemd started it.
#[cfg(unix)]
pub(crate) fn tell(message: &str) {
    #[cfg(target_os = "linux")]
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};
    let Some(name) = std::env::var_os("NOTIFY_SOCKET") else { return };
    // sd_notify(3): a name that begins with `@` is one of the abstract namespace.
    #[cfg(target_os = "linux")]
    let address = match name.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
        _ => SocketAddr::from_pathname(&name),
    };
    #[cfg(not(target_os = "linux"))]
    let address = SocketAddr::from_pathname(&name);
    // Whoever started us and does not listen misses nothing that we could mend.
    let _ = UnixDatagram::unbound().and_then(|socket| socket.send_to_addr(message.as_bytes(), &address?));
}

/// Where there is no systemd there is nobody to tell.
#[cfg(not(unix))]
pub(crate) fn tell(_message: &str) {}

/// Returns the unit of a user's service that watches with this program and this configuration.
pub(crate) fn unit(program: &Path, config: &Path, state: Option<&Path>) -> String {
    let environment = state.map(|state| format!("Environment={}\n", word(&format!("{}={}", crate::state::VARIABLE, state.display()))));
    format!(
        "[Unit]\n\
         Description=Syncretic keeps the same things the same\n\
         \n\
         [Service]\n\
         Type=notify\n\
         ExecStart={} -c {} watch\n\
         {}Restart=on-failure\n\
         RestartSec=30\n\
         # What only a person can mend: the configuration, an authorisation, damage.\n\
         RestartPreventExitStatus=2 7 8\n\
         TimeoutStopSec=30\n\
         NoNewPrivileges=yes\n\
         \n\
         [Install]\n\
         WantedBy=default.target\n",
        argument(&program.display().to_string()),
        argument(&config.display().to_string()),
        environment.unwrap_or_default(),
    )
}

/// Returns a word as a unit file reads it (systemd.syntax(7), systemd.unit(5): `%` begins a specifier).
fn word(text: &str) -> String {
    let plain = |character: char| character.is_alphanumeric() || "/._-=+:,".contains(character);
    if text.chars().all(plain) {
        return text.to_owned();
    }
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%");
    format!("\"{escaped}\"")
}

/// Returns a word as `ExecStart=` reads it, where `$` begins a variable (systemd.service(5)).
fn argument(text: &str) -> String {
    word(text).replace('$', "$$")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_names_program_configuration_and_state() {
        let unit = unit(Path::new("/usr/bin/syncretic"), Path::new("/home/ada/my \"50%\" files/s.toml"), Some(Path::new("/var/s")));
        assert!(unit.contains("ExecStart=/usr/bin/syncretic -c \"/home/ada/my \\\"50%%\\\" files/s.toml\" watch\n"), "{unit}");
        assert!(unit.contains("Environment=SYNCRETIC_STATE_HOME=/var/s\nRestart="), "{unit}");
    }

    #[test]
    fn the_packaged_unit_is_the_printed_one() {
        let packaged = include_str!("../../../packaging/syncretic.service");
        let printed = unit(Path::new("%h/.cargo/bin/syncretic"), Path::new("%h/.config/syncretic/syncretic.toml"), None);
        // Only the specifiers of the home folder stand where a path of this machine would.
        assert_eq!(
            packaged,
            printed.replace("\"%%h", "%h").replace("syncretic\" -c", "syncretic -c").replace("toml\" watch", "toml watch")
        );
    }
}
