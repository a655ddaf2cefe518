//! ejabberd, which lets in anybody by any name.

use std::io;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::process::{Process, await_port, free_port};
use crate::setting::Setting;

/// A server for `localhost`.
pub(crate) struct Ejabberd {
    _folder: TempDir,
    /// For clients.
    pub(crate) port: u16,
    /// It runs.
    pub(crate) process: Process,
}

impl Ejabberd {
    /// Starts it.
    ///
    /// # Errors
    /// Where it is not there, or does not start.
    pub(crate) async fn start(setting: &Setting) -> io::Result<Self> {
        let folder = super::folder(&setting.folder)?;
        let port = free_port()?;
        // A backlog of 5, which is the default, costs a second for each sixth client that comes at once.
        let configuration = format!(
            "hosts: [localhost]\nloglevel: error\nlisten:\n  - {{port: {port}, ip: \"127.0.0.1\", module: ejabberd_c2s, \
             starttls: false, backlog: 1024, max_stanza_size: 262144, shaper: none, access: all}}\n\
             auth_method: anonymous\nanonymous_protocol: both\nallow_multiple_connections: true\n\
             disable_sasl_mechanisms: [x-oauth2]\nmodules:\n  mod_roster: {{versioning: false}}\n  mod_disco: {{}}\n  \
             mod_ping: {{}}\n"
        );
        let (file, spool) = (folder.path().join("ejabberd.yml"), folder.path().join("spool"));
        std::fs::write(&file, configuration)?;
        std::fs::create_dir(&spool)?;
        let mut command = Command::new("erl");
        command.args(["-noinput", "-pa"]).arg(libraries()?).args(["-mnesia", "dir"]);
        command.arg(format!("\"{}\"", spool.display())).args(["+Q", "20000", "+K", "true", "-s", "ejabberd"]);
        command.env("HOME", &spool).env("EJABBERD_CONFIG_PATH", file).env("SPOOL_DIR", &spool);
        command.env("EJABBERD_LOG_PATH", folder.path().join("ejabberd.log")).current_dir(&spool);
        let log = folder.path().join("log");
        let process = Process::start_peer(command, setting.core, &log)?;
        await_port(port).await.map_err(|error| super::with_log(&error, &log))?;
        Ok(Self { _folder: folder, port, process })
    }
}

/// Where Debian has put its code, whatever the architecture and the version.
fn libraries() -> io::Result<PathBuf> {
    let below =
        |folder: &str| std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    below("/usr/lib")
        .flat_map(|folder| below(&folder.display().to_string()).collect::<Vec<_>>())
        .find(|path| path.to_string_lossy().contains("/ejabberd-"))
        .map(|path| path.join("ebin"))
        .ok_or_else(|| io::Error::other("NOT RUN: ejabberd is not there"))
}
