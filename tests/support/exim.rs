//! Exim as a second opinion on what a mail server expects: Debian's own, in a folder and on a port of its own. Debian lets
//! no two mail servers be installed side by side, so that `tests/run` unpacks this one into `target/peers/exim`.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part of it")]

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use tempfile::TempDir;

use super::gateway::{PATIENCE, breathe, free_port};

/// The user whom Debian's Exim is built to run as.
const USER: &str = "Debian-exim";

/// A running Exim, which keeps the mailboxes of `mail.example`. It ends with this value.
pub struct Exim {
    folder: TempDir,
    child: Child,
    /// Where it takes mail.
    pub port: u16,
}

impl Exim {
    /// Starts one that knows the mailboxes `bob` and `carol` of `mail.example`, and passes mail for `gw.example` on to
    /// this port.
    ///
    /// # Panics
    /// With `NOT RUN` where it is not there, or we are not root: a test that cannot be run has not passed.
    pub fn start(gateway: u16) -> Self {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/exim/usr/sbin/exim4");
        let user = id("-u").unwrap_or_else(|| panic!("NOT RUN: no user {USER}; tests/run makes it"));
        let group = id("-g").unwrap_or(user);
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        for name in ["spool", "log", "mail"] {
            let path = folder.path().join(name);
            fs::create_dir(&path).unwrap();
            chown(&path, Some(user), Some(group))
                .unwrap_or_else(|_| panic!("NOT RUN: Exim wants to be started by root"));
        }
        let configuration = folder.path().join("exim.conf");
        let at = folder.path().display();
        fs::write(&configuration, configured(&at.to_string(), &program, port, gateway)).unwrap();
        let child = Command::new(&program)
            .arg("-C")
            .arg(&configuration)
            .args(["-bdf", "-q1s"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let child = child.unwrap_or_else(|e| {
            panic!(
                "NOT RUN: Exim cannot be started ({e}); tests/run unpacks it from Debian's exim4-daemon-light"
            )
        });
        let exim = Self { folder, child, port };
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(Instant::now() < until, "Exim does not listen:\n{}", exim.log());
            breathe();
        }
        exim
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What it wrote of itself.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log/mainlog")).unwrap_or_default()
    }

    /// Waits until there is a mail in a mailbox: all that are there.
    pub fn wait_mails(&self, name: &str, count: usize) -> Vec<String> {
        let until = Instant::now() + PATIENCE;
        loop {
            let found = fs::read_dir(self.path("mail").join(name).join("new")).into_iter().flatten();
            let mails: Vec<String> =
                found.map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap()).collect();
            if mails.len() >= count {
                return mails;
            }
            assert!(Instant::now() < until, "{name} has {} of {count} mails:\n{}", mails.len(), self.log());
            breathe();
        }
    }
}

impl Drop for Exim {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        if std::thread::panicking() {
            eprintln!("--- Exim said:\n{}---", self.log());
        }
    }
}

fn id(which: &str) -> Option<u32> {
    let id = Command::new("id").args([which, USER]).output().ok()?;
    String::from_utf8(id.stdout).ok()?.trim().parse().ok()
}

fn configured(at: &str, program: &Path, port: u16, gateway: u16) -> String {
    let program = program.display();
    format!(
        r"
primary_hostname = mail.example
exim_user = {USER}
exim_group = {USER}
exim_path = {program}
spool_directory = {at}/spool
log_file_path = {at}/log/%slog
pid_file_path = {at}/exim.pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
dsn_advertise_hosts = *
tls_advertise_hosts =
keep_environment =
acl_smtp_rcpt = all
begin acl
all:
  accept
begin routers
gateway:
  driver = manualroute
  domains = gw.example
  route_list = * 127.0.0.1
  self = send
  transport = out
local:
  driver = accept
  domains = mail.example
  local_parts = bob : carol
  transport = maildir
begin transports
out:
  driver = smtp
  port = {gateway}
  hosts_try_dane =
maildir:
  driver = appendfile
  directory = {at}/mail/$local_part_data
  maildir_format
  create_directory
  user = {USER}
begin retry
* * F,1h,1s
"
    )
}
