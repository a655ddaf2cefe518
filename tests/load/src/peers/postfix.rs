//! Postfix that relays everything to smtp-sink, with a spool of its own.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::process::{await_port, free_port, is_there, tree_cpu_s};
use crate::setting::Setting;

/// A mail server.
pub(crate) struct Postfix {
    folder: TempDir,
    /// Where it takes mail.
    pub(crate) port: u16,
    master: u32,
}

impl Postfix {
    /// Starts it: what it takes goes to this port.
    ///
    /// # Errors
    /// Where it is not there, or does not start, as where we are not root.
    pub(crate) async fn start(setting: &Setting, sink: u16) -> io::Result<Self> {
        if !is_there("postfix") {
            return Err(io::Error::other("NOT RUN: postfix is not there"));
        }
        let folder = super::folder(&setting.folder)?;
        let port = free_port()?;
        let at = folder.path().display();
        for name in ["etc", "spool", "data"] {
            std::fs::create_dir(folder.path().join(name))?;
        }
        run(Command::new("chown").arg("postfix").arg(folder.path().join("data")))?;
        let main = format!(
            "compatibility_level = 3.6\nqueue_directory = {at}/spool\ndata_directory = {at}/data\n\
             daemon_directory = /usr/lib/postfix/sbin\ncommand_directory = /usr/sbin\nmail_owner = postfix\n\
             setgid_group = postdrop\nmyhostname = mx.test\nmydestination =\nmynetworks = 127.0.0.0/8\n\
             inet_interfaces = 127.0.0.1\ninet_protocols = ipv4\nsmtp_bind_address = 127.0.0.1\n\
             relayhost = [127.0.0.1]:{sink}\nsmtp_host_lookup = native\nsmtpd_peername_lookup = no\nalias_maps =\n\
             alias_database =\nmaillog_file = {at}/spool/maillog\nmaillog_file_prefixes = {at}\n\
             smtpd_client_connection_rate_limit = 0\nsmtpd_client_connection_count_limit = 0\n\
             default_process_limit = 100\ninitial_destination_concurrency = 20\n\
             default_destination_concurrency_limit = 20\nin_flow_delay = 0\nsmtpd_tls_security_level = none\n\
             smtp_tls_security_level = none\n"
        );
        let etc = folder.path().join("etc");
        std::fs::write(etc.join("main.cf"), main)?;
        std::fs::write(etc.join("master.cf"), services(port)?)?;
        let postfix =
            |word: &[&str]| -> io::Result<()> { run(Command::new("postfix").arg("-c").arg(&etc).args(word)) };
        postfix(&["set-permissions", "create-missing"])?;
        postfix(&["start"])?;
        // From here on it is stopped, whatever comes.
        let mut server = Self { folder, port, master: 0 };
        await_port(port).await?;
        let master = std::fs::read_to_string(server.folder.path().join("spool/pid/master.pid"))?;
        server.master = master.trim().parse().map_err(io::Error::other)?;
        Ok(server)
    }

    /// Seconds of processor time of all its processes.
    pub(crate) fn cpu_s(&self) -> f64 {
        tree_cpu_s(self.master)
    }

    /// Waits until nothing is in its queue.
    pub(crate) async fn drained(&self) {
        let queues =
            ["incoming", "active", "deferred"].map(|name| self.folder.path().join("spool").join(name));
        while queues.iter().any(|queue| holds_a_file(queue)) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        let etc = self.folder.path().join("etc");
        drop(run(Command::new("postfix").arg("-c").arg(etc).arg("stop")));
    }
}

/// The services as Debian has them, on our port and outside of any chroot.
fn services(port: u16) -> io::Result<String> {
    let text = std::fs::read_to_string("/usr/share/postfix/master.cf.dist")?;
    let mut lines = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let mut words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        if line.starts_with(char::is_whitespace) || words.len() < 8 {
            lines.push(line.to_owned());
            continue;
        }
        if let Some(chroot) = words.get_mut(4) {
            "n".clone_into(chroot);
        }
        if let [name, kind, ..] = &mut words[..]
            && name == "smtp"
            && kind == "inet"
        {
            *name = format!("127.0.0.1:{port}");
        }
        lines.push(words.join(" "));
    }
    if !lines.iter().any(|line| line.starts_with("postlog")) {
        lines.push("postlog unix-dgram n - n - 1 postlogd".to_owned());
    }
    Ok(lines.join("\n") + "\n")
}

fn holds_a_file(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.iter().any(|path| if path.is_dir() { holds_a_file(path) } else { path.is_file() })
}

/// Runs it to its end. What it says goes into a file and not a pipe: what it leaves running would hold a pipe open.
fn run(command: &mut Command) -> io::Result<()> {
    use std::io::{Read, Seek};
    let mut said = tempfile::tempfile()?;
    let status = command.stdin(Stdio::null()).stdout(said.try_clone()?).stderr(said.try_clone()?).status()?;
    if status.success() {
        return Ok(());
    }
    let mut text = String::new();
    said.rewind()?;
    said.read_to_string(&mut text)?;
    Err(io::Error::other(format!("{}: {text}", command.get_program().display())))
}
