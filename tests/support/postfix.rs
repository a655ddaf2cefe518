//! The real thing: Postfix, as Debian packages it, in a folder and on a port of its own. It keeps the mailboxes of
//! `mail.example`, and passes what is for a gateway on to that.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part of it")]

use std::fs;
use std::io::Write;
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use tempfile::TempDir;

use super::gateway::{PATIENCE, breathe, free_port};

const NOT_RUN: &str = "on Debian, as root: apt-get install postfix";

/// A running Postfix. It is stopped with this value.
pub struct Postfix {
    folder: TempDir,
    /// Where it takes mail.
    pub port: u16,
}

impl Postfix {
    /// Starts one that knows the mailboxes `bob` and `carol` of `mail.example`. Mail for `gw.example` goes to this port,
    /// that of the gateway. Whoever else is written to at `mail.example` is found unknown only after the mail was taken,
    /// so that there are bounces. `more`: lines of `main.cf`.
    ///
    /// # Panics
    /// With `NOT RUN` where it is not installed, or we are not root: a test that cannot be run has not passed.
    pub fn start(gateway: u16, more: &str) -> Self {
        let postfix = Self { folder: tempfile::tempdir().unwrap(), port: free_port() };
        let user = user("postfix").unwrap_or_else(|| panic!("NOT RUN: no user postfix; {NOT_RUN}"));
        // Its daemons are nobody in particular, and must get there.
        fs::set_permissions(postfix.path(""), fs::Permissions::from_mode(0o755)).unwrap();
        for folder in ["etc", "spool", "data", "mail"] {
            fs::create_dir(postfix.path(folder)).unwrap();
        }
        for folder in ["data", "mail"] {
            chown(postfix.path(folder), Some(user), None).unwrap_or_else(|_| panic!("NOT RUN: {NOT_RUN}"));
        }
        fs::write(postfix.path("etc/main.cf"), postfix.main_cf(gateway, user, more)).unwrap();
        fs::write(postfix.path("etc/master.cf"), master_cf(postfix.port)).unwrap();
        postfix.must(&["set-permissions", "create-missing"]);
        postfix.must(&["start"]);
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, postfix.port)).is_err() {
            assert!(Instant::now() < until, "Postfix does not listen:\n{}", postfix.log());
            breathe();
        }
        postfix
    }

    fn main_cf(&self, gateway: u16, user: u32, more: &str) -> String {
        let folder = self.path("");
        let folder = folder.display();
        format!(
            "compatibility_level = 3.6\n\
             queue_directory = {folder}/spool\n\
             data_directory = {folder}/data\n\
             daemon_directory = /usr/lib/postfix/sbin\n\
             command_directory = /usr/sbin\n\
             mail_owner = postfix\n\
             setgid_group = postdrop\n\
             maillog_file = {folder}/spool/maillog\n\
             maillog_file_prefixes = {folder}\n\
             myhostname = mx.mail.example\n\
             mydestination =\n\
             mynetworks = 127.0.0.0/8\n\
             inet_interfaces = 127.0.0.1\n\
             inet_protocols = ipv4\n\
             smtp_bind_address = 127.0.0.1\n\
             smtp_host_lookup = native\n\
             smtpd_peername_lookup = no\n\
             alias_maps =\n\
             alias_database =\n\
             biff = no\n\
             virtual_mailbox_domains = mail.example\n\
             virtual_mailbox_maps = inline:{{ {{ bob@mail.example = bob/ }} {{ carol@mail.example = carol/ }} }}\n\
             virtual_mailbox_base = {folder}/mail\n\
             virtual_uid_maps = static:{user}\n\
             virtual_gid_maps = static:{user}\n\
             virtual_minimum_uid = 1\n\
             smtpd_reject_unlisted_recipient = no\n\
             transport_maps = inline:{{ {{ gw.example = smtp:[127.0.0.1]:{gateway} }} }}\n\
             default_transport = error:5.4.4 nobody else is known here\n\
             {more}\n"
        )
    }

    /// Where a file of it is.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What it has written into its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("spool/maillog")).unwrap_or_default()
    }

    /// The mails in a mailbox, oldest first, as they stand on disk: with the line ends of this system.
    pub fn mailbox(&self, name: &str) -> Vec<String> {
        let Ok(found) = fs::read_dir(self.path("mail").join(name).join("new")) else { return Vec::new() };
        let mut mails: Vec<_> = found.map(|entry| entry.unwrap().path()).collect();
        mails.sort_by_key(|path| fs::metadata(path).and_then(|about| about.modified()).unwrap());
        mails.into_iter().map(|path| fs::read_to_string(path).unwrap()).collect()
    }

    /// Waits until there are so many mails in a mailbox.
    pub fn wait_mails(&self, name: &str, count: usize) -> Vec<String> {
        let until = Instant::now() + PATIENCE;
        loop {
            let mails = self.mailbox(name);
            if mails.len() >= count {
                return mails;
            }
            assert!(Instant::now() < until, "{name} has {} of {count} mails:\n{}", mails.len(), self.log());
            breathe();
        }
    }

    /// Has it send a mail, as a mail program of this machine does.
    pub fn send(&self, from: &str, to: &str, mail: &str) {
        let mut sendmail = Command::new("/usr/sbin/sendmail");
        sendmail.arg("-C").arg(self.path("etc")).args(["-i", "-f", from, to]);
        let mut sendmail = sendmail.stdin(Stdio::piped()).spawn().unwrap();
        sendmail.stdin.take().unwrap().write_all(mail.as_bytes()).unwrap();
        assert!(sendmail.wait().unwrap().success(), "{}", self.log());
    }

    fn postfix(&self, arguments: &[&str]) -> std::io::Result<Output> {
        let etc = self.path("etc");
        // Without a terminal it must not read ours.
        Command::new("/usr/sbin/postfix").arg("-c").arg(etc).args(arguments).stdin(Stdio::null()).output()
    }

    fn must(&self, arguments: &[&str]) {
        let ran = self
            .postfix(arguments)
            .unwrap_or_else(|e| panic!("NOT RUN: Postfix cannot be started ({e}); {NOT_RUN}"));
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "postfix {arguments:?}: {said}\n{}", self.log());
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        self.postfix(&["stop"]).ok();
        if std::thread::panicking() {
            eprintln!("--- Postfix said:\n{}---", self.log());
        }
    }
}

/// Its services as they are shipped, at another port, and none of them locked into a folder that we have not furnished.
fn master_cf(port: u16) -> String {
    let shipped = Path::new("/usr/share/postfix/master.cf.dist");
    let shipped =
        fs::read_to_string(shipped).unwrap_or_else(|e| panic!("NOT RUN: no Postfix ({e}); {NOT_RUN}"));
    let services = shipped.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["smtp", "inet", ..] => format!("127.0.0.1:{port} inet n - n - - smtpd"),
            [name, kind, private, unprivileged, _, rest @ ..] if !line.starts_with(' ') => {
                format!("{name} {kind} {private} {unprivileged} n {}", rest.join(" "))
            }
            _ => line.to_owned(),
        }
    });
    services.collect::<Vec<_>>().join("\n") + "\n"
}

fn user(name: &str) -> Option<u32> {
    let id = Command::new("id").args(["-u", name]).output().ok()?;
    String::from_utf8(id.stdout).ok()?.trim().parse().ok()
}
