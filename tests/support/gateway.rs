//! A gateway as a process of its own, in a folder of its own: started, looked into, told by signals, killed.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part of it")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Longer than anything here takes on a busy machine: what is awaited for so long will not come.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What follows the keys without a section in every configuration here; `PORT` is the listener's.
const ALWAYS: &str = r#"
relay_domain = "gw.example"
[store]
path = "gateway.db"
[admin]
socket = "admin.sock"
[log]
level = "debug"
[dns]
enabled = false
[rules]
default = "allow"
[[cpim.listener]]
address = "127.0.0.1:PORT"
trust = [".example"]
"#;

/// A folder with a configuration, in which gateways run one after the other on the same store and port.
pub struct Site {
    folder: TempDir,
    /// Where the listener is.
    pub port: u16,
}

impl Site {
    /// The configuration of `config/demo.toml` in short, and these lines after it.
    pub fn new(more: &str) -> Self {
        let site = Self { folder: tempfile::tempdir().unwrap(), port: free_port() };
        site.configure(&format!("{ALWAYS}{more}"));
        site
    }

    /// Replaces the whole configuration.
    pub fn configure(&self, text: &str) {
        fs::write(self.path("gateway.toml"), text.replace("PORT", &self.port.to_string())).unwrap();
    }

    /// Edits the configuration: the first must be in it.
    pub fn edit(&self, from: &str, to: &str) {
        let text = fs::read_to_string(self.path("gateway.toml")).unwrap();
        assert!(text.contains(from), "{from:?} is not in the configuration");
        fs::write(self.path("gateway.toml"), text.replace(from, to)).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// How to start a gateway here, for whoever wants to add to it.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cpim-gateway"));
        command.args(["run", "--config", "gateway.toml"]).current_dir(self.folder.path());
        command
    }

    /// Starts a gateway, and waits until it is ready.
    pub fn start(&self) -> Gateway {
        self.start_by(self.command())
    }

    /// As [`Self::start`]; the first operation to come to this point is held there, and all that need its thread.
    ///
    /// # Panics
    /// With `NOT RUN` in a release, which has no such points.
    pub fn start_held(&self, point: &str) -> Gateway {
        if !cfg!(debug_assertions) {
            panic!("NOT RUN: no points to hold at without debug assertions");
        }
        let mut command = self.command();
        command.env("CPIM_FAULT_HOLD", point);
        self.start_by(command)
    }

    /// As [`Self::start`], by this command.
    pub fn start_by(&self, command: Command) -> Gateway {
        let gateway = Gateway::spawn(command, self.path("admin.sock"));
        gateway.wait_for(" ready ");
        gateway
    }

    /// Has a gateway try to start, which it cannot: how it ends, and what it says.
    pub fn fail(&self) -> (i32, String) {
        let mut gateway = Gateway::spawn(self.command(), self.path("admin.sock"));
        let status = gateway.wait();
        (status.code().expect("no signal ended it"), gateway.said())
    }
}

/// A gateway that runs. It is killed with this value.
pub struct Gateway {
    child: Child,
    admin: PathBuf,
    said: Arc<Said>,
}

/// What a process has said on standard error, while it goes on saying it.
#[derive(Default)]
struct Said {
    text: Mutex<(String, bool)>,
    more: Condvar,
}

impl Said {
    fn listen(self: &Arc<Self>, error: impl Read + Send + 'static) {
        let said = Arc::clone(self);
        std::thread::spawn(move || {
            for line in BufReader::new(error).lines().map_while(Result::ok) {
                said.text.lock().unwrap().0.push_str(&format!("{line}\n"));
                said.more.notify_all();
            }
            said.text.lock().unwrap().1 = true;
            said.more.notify_all();
        });
    }

    /// Waits until this is true of the text and of whether that is all; `false`: it never was.
    fn until(&self, is_true: impl Fn(&str, bool) -> bool) -> bool {
        let text = self.text.lock().unwrap();
        let waited =
            self.more.wait_timeout_while(text, PATIENCE, |(text, over)| !*over && !is_true(text, *over));
        let (text, over) = &*waited.unwrap().0;
        is_true(text, *over)
    }
}

impl Gateway {
    fn spawn(mut command: Command, admin: PathBuf) -> Self {
        let mut child = command
            .env("PEER_SECRET", "between gateways")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the gateway is there");
        let said = Arc::new(Said::default());
        said.listen(child.stderr.take().unwrap());
        Self { child, admin, said }
    }

    /// What it has said on standard error.
    pub fn said(&self) -> String {
        self.said.text.lock().unwrap().0.clone()
    }

    /// Waits until it says this.
    pub fn wait_for(&self, what: &str) {
        assert!(
            self.said.until(|text, _| text.contains(what)),
            "it never said {what:?}, but:\n{}",
            self.said()
        );
    }

    /// Waits until it has said this so many times.
    pub fn wait_for_times(&self, what: &str, times: usize) {
        let enough = |text: &str, _| text.matches(what).count() >= times;
        assert!(self.said.until(enough), "it did not say {what:?} {times} times, but:\n{}", self.said());
    }

    /// Waits until an operation is held at a point.
    pub fn wait_held(&self, point: &str) {
        self.wait_for(&format!("held at {point}"));
    }

    /// Its memory that is in use, in KiB.
    pub fn resident_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a process");
        line.trim_end_matches(" kB").trim().parse().unwrap()
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM.
    pub fn terminate(&self) {
        self.signal("TERM");
    }

    /// SIGHUP.
    pub fn hang_up(&self) {
        self.signal("HUP");
    }

    fn signal(&self, name: &str) {
        let id = self.child.id();
        let told = Command::new("sh").args(["-c", &format!("kill -{name} {id}")]).status().unwrap();
        assert!(told.success(), "no process {id} to be told");
    }

    /// Waits until it has ended by itself, and said all it has to say.
    pub fn wait(&mut self) -> ExitStatus {
        assert!(self.said.until(|_, over| over), "it goes on and on:\n{}", self.said());
        self.child.wait().unwrap()
    }

    /// Asks the admin interface: the status, and the answer.
    pub fn ask(&self, path: &str) -> (u16, String) {
        ask(&self.admin, path)
    }

    /// Waits until the admin interface answers so.
    pub fn wait_answer(&self, path: &str, is_right: impl Fn(u16, &str) -> bool) {
        let until = Instant::now() + PATIENCE;
        loop {
            let (status, answer) = self.ask(path);
            if is_right(status, &answer) {
                return;
            }
            assert!(Instant::now() < until, "{path} stays {status}: {answer}\n{}", self.said());
            breathe();
        }
    }

    /// Waits until it is ready for operations.
    pub fn wait_ready(&self) {
        self.wait_answer("/ready", |status, _| status == 200);
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have ended.
        drop(self.child.kill());
        drop(self.child.wait());
        if std::thread::panicking() {
            eprintln!("--- the gateway said:\n{}---", self.said());
        }
    }
}

/// For others to go on, before something is looked at again.
pub fn breathe() {
    std::thread::park_timeout(Duration::from_millis(5));
}

fn ask(admin: &Path, path: &str) -> (u16, String) {
    let mut stream = UnixStream::connect(admin).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.take(1 << 24).read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// A port that is free, and below those that systems give to whoever connects: nobody takes it while a gateway
/// that was killed is started again.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    const FIRST: u16 = 15_000;
    const PORTS: u16 = 15_000;
    let begin = u16::try_from(std::process::id() % u32::from(PORTS)).unwrap();
    for _ in 0..PORTS {
        let nth = NEXT.fetch_add(7, Ordering::Relaxed);
        let port = FIRST + begin.wrapping_mul(31).wrapping_add(nth) % PORTS;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("every port is taken");
}
