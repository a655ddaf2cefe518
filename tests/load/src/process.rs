//! A process under measurement: what it takes of processor and memory, by `/proc`. It ends with its value here.

use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// A process that was started here.
pub(crate) struct Process {
    child: Child,
    name: String,
}

impl Process {
    /// Starts it; where `core` is given, on that core alone.
    ///
    /// # Errors
    /// Where it cannot be started; the name of the program stands in the error.
    pub(crate) fn start(mut command: Command, core: Option<u32>) -> io::Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        command = on_core(command, core);
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let child = child.map_err(|error| io::Error::new(error.kind(), format!("{name}: {error}")))?;
        Ok(Self { child, name })
    }

    /// Starts it with all that it says going into this file, which is quoted where it does not do what it should.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub(crate) fn start_peer(mut command: Command, core: Option<u32>, log: &Path) -> io::Result<Self> {
        let file = std::fs::File::create(log)?;
        let name = command.get_program().to_string_lossy().into_owned();
        if !is_there(&name) {
            return Err(io::Error::other(format!("NOT RUN: {name} is not there")));
        }
        command.stderr(file.try_clone()?);
        let mut command = on_core(command, core);
        let child = command.stdin(Stdio::null()).stdout(file).spawn();
        let child = child.map_err(|error| io::Error::new(error.kind(), format!("{name}: {error}")))?;
        Ok(Self { child, name })
    }

    /// Whether it has ended.
    ///
    /// # Errors
    /// Where that cannot be known.
    pub(crate) fn is_done(&mut self) -> io::Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// Waits until it has ended by itself, and well.
    ///
    /// # Errors
    /// Where it ends in another way.
    pub(crate) async fn finished(mut self) -> io::Result<()> {
        loop {
            if let Some(status) = self.child.try_wait()? {
                let bad = || io::Error::other(format!("{}: {status}", self.name));
                return if status.success() { Ok(()) } else { Err(bad()) };
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its standard output, the first time that it is asked for.
    pub(crate) fn output(&mut self) -> Option<BufReader<ChildStdout>> {
        self.child.stdout.take().map(BufReader::new)
    }

    /// The first line that it says on standard output.
    ///
    /// # Errors
    /// Where it ends without one.
    pub(crate) fn first_line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if let Some(mut output) = self.output() {
            output.read_line(&mut line)?;
            // The rest is of no interest, but whoever writes it must not be held up.
            std::thread::spawn(move || io::copy(&mut output, &mut io::sink()));
        }
        if line.is_empty() { Err(io::Error::other(format!("{} said nothing", self.name))) } else { Ok(line) }
    }

    /// Seconds of processor time that its threads have taken, those that have ended left out.
    pub(crate) fn cpu_s(&self) -> f64 {
        threads_cpu_s(self.id())
    }

    /// Octets of memory that are its own and resident (`Pss`).
    pub(crate) fn memory(&self) -> f64 {
        let rollup = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", self.id())).unwrap_or_default();
        let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
        let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
        kib.unwrap_or(f64::NAN) * 1024.0
    }

    /// Kills it as a crash would, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The same command on this core alone.
fn on_core(mut command: Command, core: Option<u32>) -> Command {
    if let Some(core) = core {
        let mut pinned = Command::new("taskset");
        pinned.args(["-c", &core.to_string()]).arg(command.get_program()).args(command.get_args());
        if let Some(folder) = command.get_current_dir() {
            pinned.current_dir(folder);
        }
        for (name, value) in command.get_envs() {
            if let Some(value) = value {
                pinned.env(name, value);
            }
        }
        command = pinned;
    }
    command
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Seconds of processor time of the living threads of a process, from the scheduler's own count of nanoseconds.
pub(crate) fn threads_cpu_s(process: u32) -> f64 {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let nanoseconds = threads.filter_map(|thread| {
        let text = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<f64>().ok()
    });
    nanoseconds.sum::<f64>() / 1e9
}

/// Seconds of processor time of a process and all below it, ended children included.
pub(crate) fn tree_cpu_s(root: u32) -> f64 {
    // Ticks of 10 ms, which is what Linux tells every program.
    const TICK_S: f64 = 0.01;
    let mut all = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let Ok(text) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        // Behind the name, which is in brackets: state, parent, and from the twelfth word on the four times.
        let Some((_, rest)) = text.rsplit_once(") ") else { continue };
        let words: Vec<f64> = rest.split(' ').map(|word| word.parse().unwrap_or(0.0)).collect();
        let Some(parent) = rest.split(' ').nth(1).and_then(|word| word.parse::<u32>().ok()) else { continue };
        all.push((id, parent, words.get(11..15).unwrap_or_default().iter().sum::<f64>() * TICK_S));
    }
    let (mut below, mut sum) = (vec![root], 0.0);
    while let Some(one) = below.pop() {
        for (id, parent, time) in &all {
            if *id == one {
                sum += time;
            }
            if *parent == one {
                below.push(*id);
            }
        }
    }
    sum
}

/// Waits until somebody listens on this port of loopback.
///
/// # Errors
/// Where nobody does within 15 s.
pub(crate) async fn await_port(port: u16) -> io::Result<()> {
    let until = Instant::now() + Duration::from_secs(15);
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        if Instant::now() > until {
            return Err(io::Error::other(format!("nobody listens on port {port}")));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// A port of loopback that nobody listens on.
///
/// # Errors
/// Where none can be had.
pub(crate) fn free_port() -> io::Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Whether a program can be found.
pub(crate) fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    places.map(|folder| folder.join(program)).any(|file| Path::new(&file).is_file())
}
