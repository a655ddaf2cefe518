//! The real thing: ngIRCd and InspIRCd, IRC servers as Debian packages them.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part of it")]

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
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

    /// Which server it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// A file of its folder.
    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// Has it speak TLS on another port from the next start on; gives back the port and the certificate that it shows
    /// there, which is its own authority.
    pub fn speak_tls(&self) -> (u16, String) {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        fs::write(self.path("tls.pem"), made.cert.pem()).unwrap();
        fs::write(self.path("tls.key"), made.signing_key.serialize_pem()).unwrap();
        let (port, [cert, key]) = (free_port(), ["tls.pem", "tls.key"].map(|name| self.path(name)));
        let (cert, key) = (cert.display(), key.display());
        self.append(&match self.kind {
            Kind::Ngircd => format!("[SSL]\nCertFile = {cert}\nKeyFile = {key}\nPorts = {port}\n"),
            Kind::Inspircd => format!(
                "<module name=\"sslinfo\"><module name=\"ssl_gnutls\">\n\
                 <sslprofile name=\"own\" provider=\"gnutls\" certfile=\"{cert}\" keyfile=\"{key}\" \
                 requestclientcert=\"yes\" hash=\"sha256\">\n\
                 <bind address=\"127.0.0.1\" port=\"{port}\" type=\"clients\" sslprofile=\"own\">\n"
            ),
        });
        (port, made.cert.pem())
    }

    /// Another name of the server from the next start on, for a second one on the network.
    pub fn rename(&self, name: &str) {
        let text = fs::read_to_string(self.file()).unwrap();
        fs::write(self.file(), text.replacen(NETWORK, name, 1)).unwrap();
    }

    /// More configuration, which holds from the next start on.
    pub fn append(&self, more: &str) {
        let text = fs::read_to_string(self.file()).unwrap();
        fs::write(self.file(), text + more).unwrap();
    }

    /// What is configured from the next start on.
    pub fn configure(&self, more: &str) {
        let port = self.port;
        let text = match self.kind {
            Kind::Ngircd => format!(
                "[Global]\nName = {NETWORK}\nInfo = a test\nListen = 127.0.0.1\nPorts = {port}\n\
                 MotdPhrase = hello\n[Limits]\nMaxConnectionsIP = 0\nMaxNickLength = 20\nConnectRetry = 5\n\
                 [Options]\nDNS = no\nIdent = no\nPAM = no\n[Operator]\nName = op\nPassword = op\n{more}\n"
            ),
            Kind::Inspircd => format!(
                "<server name=\"{NETWORK}\" description=\"a test\" network=\"Test\">\n\
                 <admin name=\"a\" nick=\"a\" email=\"a@a.example\">\n\
                 <bind address=\"127.0.0.1\" port=\"{port}\" type=\"clients\">\n\
                 <connect allow=\"*\" timeout=\"60\" recvq=\"16384\" localmax=\"2000\" globalmax=\"2000\" \
                 resolvehostnames=\"no\" useident=\"no\" threshold=\"100000\" commandrate=\"1000\" fakelag=\"no\">\n\
                 <options prefixquit=\"\" syntaxhints=\"no\"><performance softlimit=\"2000\">\n\
                 <class name=\"all\" commands=\"*\" privs=\"*\" usermodes=\"*\" chanmodes=\"*\" snomasks=\"*\">\n\
                 <type name=\"op\" classes=\"all\"><oper name=\"op\" password=\"op\" host=\"*@*\" type=\"op\">\n\
                 <insane hostmasks=\"yes\" trigger=\"100\">\n\
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

    /// From the next start on, InspIRCd throws out whoever is so many commands ahead, at one a second.
    pub fn limit(&self, threshold: u32) {
        let text = fs::read_to_string(self.file()).unwrap();
        assert!(text.contains("threshold=\"100000\""), "InspIRCd only");
        fs::write(self.file(), text.replace("threshold=\"100000\"", &format!("threshold=\"{threshold}\"")))
            .unwrap();
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
        let mut child = self.child.take().unwrap();
        wait_for(self.port, &mut child, || self.said());
        self.child = Some(child);
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

/// Waits until somebody listens.
fn wait_for(port: u16, child: &mut Child, said: impl Fn() -> String) {
    let until = Instant::now() + PATIENCE;
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        let ended = child.try_wait().unwrap();
        assert!(ended.is_none() && Instant::now() < until, "it did not start:\n{}", said());
        breathe();
    }
}

/// The user `nobody`, by its number on every Debian.
const NOBODY: u32 = 65_534;

/// ZNC, a bouncer: it is the user `gw` on a network, for whoever logs in as `gw/test:s3cret`.
pub struct Znc {
    /// Where it listens.
    pub port: u16,
    folder: TempDir,
    child: Child,
}

impl Znc {
    /// Starts a bouncer before the server at this port.
    ///
    /// # Panics
    /// With `NOT RUN` where it is not installed: a test that cannot be run has not passed.
    pub fn start(server: u16) -> Self {
        let (port, folder) = (free_port(), tempfile::tempdir().unwrap());
        let configs = folder.path().join("configs");
        fs::create_dir(&configs).unwrap();
        let text = format!(
            "Version = 1.8.2\n<Listener l>\nPort = {port}\nHost = 127.0.0.1\nIPv4 = true\nIPv6 = false\nSSL = false\n\
             </Listener>\n<User gw>\nPass = plain#s3cret\nNick = relay\nAltNick = relay_\nIdent = relay\n\
             RealName = a bouncer\n<Network test>\nServer = 127.0.0.1 {server}\n</Network>\n</User>\n"
        );
        fs::write(configs.join("znc.conf"), text).unwrap();
        let mut command = Command::new("znc");
        if fs::metadata(folder.path()).unwrap().uid() == 0 {
            // To root it says for half a minute that it should not be.
            for path in [folder.path(), &configs, &configs.join("znc.conf")] {
                chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
            }
            command.uid(NOBODY).gid(NOBODY);
        }
        let child = command
            .args(["--foreground", "--datadir"])
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::from(fs::File::create(folder.path().join("said")).unwrap()))
            .stderr(Stdio::null())
            .spawn();
        let mut child = child.unwrap_or_else(|error| {
            panic!("NOT RUN: znc cannot be started ({error}); on Debian: apt-get install znc")
        });
        wait_for(port, &mut child, || fs::read_to_string(folder.path().join("said")).unwrap_or_default());
        Self { port, folder, child }
    }
}

impl Drop for Znc {
    fn drop(&mut self) {
        // It may have ended.
        drop(self.child.kill());
        drop(self.child.wait());
        if std::thread::panicking() {
            let said = fs::read_to_string(self.folder.path().join("said")).unwrap_or_default();
            eprintln!("--- znc said:\n{said}---");
        }
    }
}
