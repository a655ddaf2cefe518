//! Prosody, as the XMPP server that biboumi is a component of.

use std::fmt::Write as _;
use std::io;
use std::process::Command;

use tempfile::TempDir;

use crate::process::{Process, await_port, free_port};
use crate::setting::Setting;

/// A server for `localhost`.
pub(crate) struct Prosody {
    _folder: TempDir,
    /// For clients.
    pub(crate) port: u16,
    /// For components, whose secret is `secret`.
    pub(crate) component_port: u16,
    _process: Process,
}

impl Prosody {
    /// Starts it with so many accounts, `u0` and on, whose password is `pw`.
    ///
    /// # Errors
    /// Where it is not there, or does not start.
    pub(crate) async fn start(setting: &Setting, accounts: usize) -> io::Result<Self> {
        let folder = super::folder(&setting.folder)?;
        let (port, component_port) = (free_port()?, free_port()?);
        let at = folder.path().display();
        let users = folder.path().join("data/localhost/accounts");
        std::fs::create_dir_all(&users)?;
        for index in 0..accounts {
            std::fs::write(users.join(format!("u{index}.dat")), "return { [\"password\"] = \"pw\" };\n")?;
        }
        let mut configuration = String::new();
        let written = write!(
            configuration,
            "run_as_root = true\npidfile = \"{at}/pid\"\ndata_path = \"{at}/data\"\n\
             log = {{ warn = \"{at}/prosody.log\" }}\n\
             modules_enabled = {{ \"roster\", \"saslauth\", \"disco\", \"ping\", \"presence\", \"message\", \"iq\" }}\n\
             modules_disabled = {{ \"s2s\", \"offline\" }}\ninterfaces = {{ \"127.0.0.1\" }}\n\
             c2s_ports = {{ {port} }}\nc2s_require_encryption = false\nallow_unencrypted_plain_auth = true\n\
             authentication = \"internal_plain\"\nstorage = \"internal\"\ncomponent_ports = {{ {component_port} }}\n\
             component_interfaces = {{ \"127.0.0.1\" }}\nnetwork_settings = {{ tcp_backlog = 512; nodelay = true }}\n\
             VirtualHost \"localhost\"\nComponent \"biboumi.localhost\"\n  component_secret = \"secret\"\n"
        );
        written.map_err(io::Error::other)?;
        let file = folder.path().join("prosody.cfg.lua");
        std::fs::write(&file, configuration)?;
        let mut command = Command::new("prosody");
        command.args(["-F", "--config"]).arg(file);
        let log = folder.path().join("log");
        let process = Process::start_peer(command, setting.core, &log)?;
        for port in [port, component_port] {
            await_port(port).await.map_err(|error| super::with_log(&error, &log))?;
        }
        Ok(Self { _folder: folder, port, component_port, _process: process })
    }
}
