//! ngIRCd, with everything off that would hold up who writes fast.

use std::io;
use std::process::Command;

use tempfile::TempDir;

use crate::process::{Process, await_port, free_port};
use crate::setting::Setting;

/// A server of a network.
pub(crate) struct Ngircd {
    folder: TempDir,
    core: Option<u32>,
    /// Where it listens.
    pub(crate) port: u16,
    /// While it runs.
    pub(crate) process: Option<Process>,
}

impl Ngircd {
    /// Starts it.
    ///
    /// # Errors
    /// Where it is not there, or does not start.
    pub(crate) async fn start(setting: &Setting) -> io::Result<Self> {
        let folder = super::folder(&setting.folder)?;
        let port = free_port()?;
        let configuration = format!(
            "[Global]\nName = irc.test\nInfo = load\nAdminInfo1 = load\nListen = 127.0.0.1\nPorts = {port}\n\
             ServerUID = irc\nServerGID = irc\nMotdPhrase = load\n\
             [Limits]\nMaxConnections = 0\nMaxConnectionsIP = 0\nMaxJoins = 0\nMaxNickLength = 30\n\
             MaxPenaltyTime = 0\nPingTimeout = 3600\nPongTimeout = 60\n\
             [Options]\nDNS = no\nIdent = no\nPAM = no\nCloakHost = load\nSyslogFacility = local1\n"
        );
        std::fs::write(folder.path().join("ngircd.conf"), configuration)?;
        let mut ngircd = Self { folder, core: setting.core, port, process: None };
        ngircd.restart().await?;
        Ok(ngircd)
    }

    /// Kills it where it runs, and starts it again on the same port.
    ///
    /// # Errors
    /// Where it does not start.
    pub(crate) async fn restart(&mut self) -> io::Result<()> {
        self.process = None;
        let mut command = Command::new("ngircd");
        command.arg("-n").arg("-f").arg(self.folder.path().join("ngircd.conf"));
        let log = self.folder.path().join("log");
        self.process = Some(Process::start_peer(command, self.core, &log)?);
        await_port(self.port).await.map_err(|error| super::with_log(&error, &log))
    }
}
