//! Atheme: the services of a network, where people have accounts, as Debian packages it.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::support::gateway::free_port;
use crate::support::ircd::{Ircd, NETWORK};

/// The user `nobody`, by its number on every Debian: as root it does not run.
const NOBODY: u32 = 65_534;

const NAME: &str = "services.test.example";

/// Services, linked with a server. They end with this value.
pub(crate) struct Services {
    folder: TempDir,
    child: Option<Child>,
}

impl Services {
    /// Services for an InspIRCd, which takes their link from its next start on; not running yet.
    pub(crate) fn of(ircd: &Ircd) -> Self {
        let (port, folder) = (free_port(), tempfile::tempdir().unwrap());
        ircd.append(&format!(
            "<module name=\"services_account\"><module name=\"spanningtree\"><module name=\"sasl\">\n\
             <sasl target=\"{NAME}\"><uline server=\"{NAME}\" silent=\"yes\">\n\
             <bind address=\"127.0.0.1\" port=\"{port}\" type=\"servers\">\n\
             <link name=\"{NAME}\" ipaddr=\"127.0.0.1\" port=\"{port}\" allowmask=\"127.0.0.0/8\" \
             sendpass=\"linked\" recvpass=\"linked\">\n"
        ));
        let modules = [
            "protocol/inspircd",
            "backend/opensex",
            "crypto/rawsha1",
            "nickserv/main",
            "nickserv/register",
            "nickserv/cert",
            "saslserv/main",
            "saslserv/plain",
            "saslserv/external",
        ]
        .map(|module| format!("loadmodule \"modules/{module}\";\n"))
        .concat();
        let text = format!(
            "{modules}crypto {{ }};\nserverinfo {{ name = \"{NAME}\"; desc = \"services\"; numeric = \"00A\"; \
             recontime = 1; netname = \"Test\"; hidehostsuffix = \"users.test.example\"; adminname = \"a\"; \
             adminemail = \"a@a.example\"; registeremail = \"a@a.example\"; mta = \"/bin/true\"; loglevel = {{ error; }}; \
             maxlogins = 50; maxusers = 0; mdlimit = 30; emaillimit = 100; emailtime = 300; auth = none; \
             commit_interval = 5; casemapping = rfc1459; }};\n\
             uplink \"{NETWORK}\" {{ host = \"127.0.0.1\"; password = \"linked\"; port = {port}; }};\n\
             nickserv {{ nick = \"NickServ\"; user = \"ns\"; host = \"{NAME}\"; real = \"NickServ\"; }};\n\
             saslserv {{ nick = \"SaslServ\"; user = \"ss\"; host = \"{NAME}\"; real = \"SaslServ\"; }};\n"
        );
        fs::write(folder.path().join("atheme.conf"), text).unwrap();
        Self { folder, child: None }
    }

    /// Starts them.
    ///
    /// # Panics
    /// With `NOT RUN` where they are not installed: a test that cannot be run has not passed.
    pub(crate) fn start(&mut self) {
        let path = |name: &str| self.folder.path().join(name);
        let mut command = Command::new("atheme-services");
        if fs::metadata("/proc/self").is_ok_and(|of| std::os::unix::fs::MetadataExt::uid(&of) == 0) {
            for file in [self.folder.path(), &path("atheme.conf")] {
                chown(file, Some(NOBODY), Some(NOBODY)).unwrap();
            }
            command.uid(NOBODY).gid(NOBODY);
        }
        for (option, file) in [("-c", "atheme.conf"), ("-l", "log"), ("-p", "pid")] {
            command.arg(option).arg(path(file));
        }
        let said = fs::File::create(path("said")).unwrap();
        let child = command
            .arg("-n")
            .arg("-D")
            .arg(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::from(said))
            .stderr(Stdio::null())
            .spawn();
        self.child = Some(child.unwrap_or_else(|error| {
            panic!(
                "NOT RUN: atheme-services cannot be started ({error}); on Debian: apt-get install atheme-services"
            )
        }));
    }

    /// Ends them; who has an account, they write down before.
    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let told =
                Command::new("sh").args(["-c", &format!("kill -TERM {}", child.id())]).status().unwrap();
            assert!(told.success(), "the services have ended");
            child.wait().unwrap();
        }
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // They may have ended.
            drop(child.kill());
            drop(child.wait());
        }
        if std::thread::panicking() {
            let said = fs::read_to_string(self.folder.path().join("said")).unwrap_or_default();
            eprintln!("--- the services said:\n{said}---");
        }
    }
}
