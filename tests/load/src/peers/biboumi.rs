//! biboumi between an XMPP server and an IRC server, with its throttle and its archive off, which are not what is measured.

use std::io;
use std::process::Command;
use std::time::Duration;

use rusqlite::{Connection, params};
use tempfile::TempDir;

use crate::process::Process;
use crate::setting::Setting;

/// The gateway that ours is held against, `biboumi.localhost`; the IRC server is `irc.test` in its addresses.
pub(crate) struct Biboumi {
    _folder: TempDir,
    /// It runs.
    pub(crate) process: Process,
}

/// What biboumi keeps of its users' wishes; it makes the other tables itself.
const TABLES: &str = "
CREATE TABLE globaloptions_ (id_ INTEGER PRIMARY KEY AUTOINCREMENT, owner_ TEXT, maxhistorylength_ INTEGER,
    recordhistory_ INTEGER, persistent_ INTEGER);
CREATE TABLE ircserveroptions_ (id_ INTEGER PRIMARY KEY AUTOINCREMENT, owner_ TEXT, server_ TEXT, pass_ TEXT,
    tlsports_ TEXT, ports_ TEXT, username_ TEXT, realname_ TEXT, verifycert_ INTEGER, trustedfingerprint_ TEXT,
    encodingout_ TEXT, encodingin_ TEXT, maxhistorylength_ INTEGER, address_ TEXT, nick_ TEXT, saslpassword_ TEXT,
    throttlelimit_ INTEGER);";

impl Biboumi {
    /// Starts it for so many users, `u0@localhost` and on.
    ///
    /// # Errors
    /// Where it is not there, or ends at once.
    pub(crate) async fn start(
        setting: &Setting,
        users: usize,
        (component_port, irc_port): (u16, u16),
    ) -> io::Result<Self> {
        let folder = super::folder(&setting.folder)?;
        let file = folder.path().join("biboumi.sqlite");
        options(&file, users, irc_port).map_err(io::Error::other)?;
        let log = folder.path().join("log");
        let configuration = format!(
            "hostname=biboumi.localhost\npassword=secret\nxmpp_server_ip=127.0.0.1\nport={component_port}\n\
             db_name={}\nidentd_port=0\nlog_level=2\nlog_file={}\nrealname_from_jid=false\n",
            file.display(),
            log.display()
        );
        let place = folder.path().join("biboumi.cfg");
        std::fs::write(&place, configuration)?;
        let mut command = Command::new("biboumi");
        command.arg(place);
        let said = folder.path().join("said");
        let process = Process::start_peer(command, setting.core, &said)?;
        // It says to nobody that it is ready; whoever joins before that is told so, and the run ends.
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok(Self { _folder: folder, process })
    }
}

fn options(file: &std::path::Path, users: usize, irc_port: u16) -> rusqlite::Result<()> {
    let mut database = Connection::open(file)?;
    let transaction = database.transaction()?;
    transaction.execute_batch(TABLES)?;
    for index in 0..users {
        let owner = format!("u{index}@localhost");
        transaction.execute(
            "INSERT INTO ircserveroptions_ (owner_, server_, tlsports_, ports_, address_, throttlelimit_)
             VALUES (?1, 'irc.test', '', ?2, '127.0.0.1', -1)",
            params![owner, irc_port.to_string()],
        )?;
        transaction
            .execute("INSERT INTO globaloptions_ (owner_, recordhistory_) VALUES (?1, 0)", params![owner])?;
    }
    transaction.commit()
}
