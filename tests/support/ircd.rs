//! The real thing: ngIRCd and InspIRCd, IRC servers as Debian packages them.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part of it")]

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use tempfile::TempDir;

use super::gateway::{PATIENCE, breathe, free_port};

/// Which server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// ngIRCd: nicks of few octets where one wants, no MONITOR, no labels.
    Ngircd,
    /// InspIRCd: IRCv3 with MONITOR, labels, echoes and tags.
    Inspircd,
}

/// A server, in a folder of its own. It ends with this value.
pub struct Ircd {
    kind: Kind,
    /// Where it listens.
    pub port: u16,
    folder: TempDir,
    child: Option<Child>,
}

/// The network's name, as every server here calls itself.
pub const NETWORK: &str = "irc.test.example";

impl Ircd {
    /// Starts a server, with these lines of configuration behind what it always has.
    ///
    /// # Panics
    /// With `NOT RUN` where it is not installed: a test that cannot be run has not passed.
    pub fn start(kind: Kind, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut ircd = Self { kind, port: free_port(), folder, child: None };
        ircd.configure(more);
        ircd.resume();
        ircd
    }

    /// What is configured from the next start on.
    pub fn configure(&self, more: &str) {
        let port = self.port;
        let text = match self.kind {
            Kind::Ngircd => format!(
                "[Global]\nName = {NETWORK}\nInfo = a test\nListen = 127.0.0.1\nPorts = {port}\n\
                 MotdPhrase = hello\n[Limits]\nMaxConnectionsIP = 0\nMaxNickLength = 20\n\
                 [Options]\nDNS = no\nIdent = no\nPAM = no\n{more}\n"
            ),
            Kind::Inspircd => format!(
                "<server name=\"{NETWORK}\" description=\"a test\" network=\"Test\">\n\
                 <admin name=\"a\" nick=\"a\" email=\"a@a.example\">\n\
                 <bind address=\"127.0.0.1\" port=\"{port}\" type=\"clients\">\n\
                 <connect allow=\"*\" timeout=\"60\" recvq=\"16384\" localmax=\"2000\" globalmax=\"2000\" \
                 resolvehostnames=\"no\" useident=\"no\" threshold=\"20\" commandrate=\"1000\" fakelag=\"no\">\n\
                 <options prefixquit=\"\" syntaxhints=\"no\"><performance softlimit=\"2000\">\n\
                 <pid file=\"{pid}\">\n<log method=\"file\" type=\"* -USERINPUT -USEROUTPUT\" level=\"default\" \
                 target=\"{log}\">\n{modules}{more}\n",
                pid = self.folder.path().join("inspircd.pid").display(),
                log = self.folder.path().join("inspircd.log").display(),
                modules = [
                    "monitor",
                    "cap",
                    "ircv3",
                    "ircv3_accounttag",
                    "ircv3_batch",
                    "ircv3_echomessage",
                    "ircv3_labeledresponse",
                    "ircv3_msgid",
                    "ircv3_servertime",
                    "ircv3_ctctags",
                ]
                .map(|module| format!("<module name=\"{module}\">\n"))
                .concat(),
            ),
        };
        fs::write(self.file(), text).unwrap();
    }

    fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("ircd.conf")
    }

    /// Ends it at once, as a crash would.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Starts it again on the same port.
    pub fn resume(&mut self) {
        let (program, arguments): (&str, Vec<String>) = match self.kind {
            Kind::Ngircd => ("ngircd", vec!["-n".into(), "-f".into(), self.file().display().to_string()]),
            Kind::Inspircd => (
                "inspircd",
                vec![
                    "--nofork".into(),
                    "--runasroot".into(),
                    "--config".into(),
                    self.file().display().to_string(),
                ],
            ),
        };
        let path = std::env::var("PATH").unwrap_or_default();
        let child = Command::new(program)
            .args(arguments)
            .env("PATH", format!("{path}:/usr/sbin:/usr/local/sbin"))
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::from(fs::File::create(self.folder.path().join("said")).unwrap()))
            .stderr(Stdio::null())
            .spawn();
        self.child = Some(child.unwrap_or_else(|error| {
            panic!("NOT RUN: {program} cannot be started ({error}); on Debian: apt-get install {program}")
        }));
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            let ended = self.child.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < until, "{program} did not start:\n{}", self.said());
            breathe();
        }
    }

    /// What it has said, for who looks for a reason.
    pub fn said(&self) -> String {
        let read = |path: &Path| fs::read_to_string(path).unwrap_or_default();
        read(&self.folder.path().join("said")) + &read(&self.folder.path().join("inspircd.log"))
    }
}

impl Drop for Ircd {
    fn drop(&mut self) {
        self.stop();
        if std::thread::panicking() {
            eprintln!("--- the IRC server said:\n{}---", self.said());
        }
    }
}
