//! A process of the author's: it ends with the kit, and what it says is kept for the report of a case that fails.

use std::collections::VecDeque;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use cpim_conformance::{PeerError, Said};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::{Duration, timeout};

/// Lines that are kept of what a process says: the last ones tell why it ended.
const LINES: usize = 40;

/// Octets of a line that are kept.
const LINE_OCTETS: u64 = 2_000;

/// For the last words of a process that has ended to be read.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// The last lines of a process, as they come.
type Lines = Arc<Mutex<VecDeque<String>>>;

/// A process.
pub(super) struct Process {
    who: &'static str,
    child: Child,
    lines: Lines,
    reading: Vec<tokio::task::JoinHandle<()>>,
}

impl Process {
    /// Starts what a command line says, as a shell understands it, with its standard error kept, and its standard output
    /// too where nobody else takes it.
    ///
    /// # Errors
    /// [`PeerError::NotRun`] where there is no shell.
    pub(super) fn start(
        who: &'static str,
        line: &str,
        prepare: impl FnOnce(&mut Command),
    ) -> Result<Self, PeerError> {
        let mut command = Command::new("sh");
        // So that the program itself is what is ended, and not only the shell in front of it.
        command.arg("-c").arg(format!("exec {line}")).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        prepare(&mut command);
        let mut child = command.spawn().map_err(|error| PeerError::NotRun(format!("{line}: {error}")))?;
        let lines = Lines::default();
        let reading = child.stderr.take().map(|output| keep(output, &lines)).into_iter().collect();
        Ok(Self { who, child, lines, reading })
    }

    /// What goes to it and comes from it, where that is piped.
    pub(super) fn streams(&mut self) -> Option<(ChildStdin, ChildStdout)> {
        Some((self.child.stdin.take()?, self.child.stdout.take()?))
    }

    /// Has what it says on standard output kept as well.
    pub(super) fn keep_output(mut self) -> Self {
        self.reading.extend(self.child.stdout.take().map(|output| keep(output, &self.lines)));
        self
    }

    /// How it ended, where it has.
    pub(super) fn ended(&mut self) -> Option<String> {
        self.child.try_wait().ok().flatten().map(in_words)
    }

    /// What it has said so far; of one that has ended, all of it.
    pub(super) async fn said(&mut self) -> Said {
        let ended = self.ended();
        if ended.is_some() {
            for reading in &mut self.reading {
                // What it started may go on, and have its streams.
                let _still_read = timeout(LAST_WORDS, reading).await;
            }
            self.reading.clear();
        }
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        Said { who: self.who.to_owned(), ended, lines: lines.iter().cloned().collect() }
    }
}

/// Keeps the last lines of a stream.
fn keep(output: impl AsyncRead + Unpin + Send + 'static, lines: &Lines) -> tokio::task::JoinHandle<()> {
    let lines = Arc::clone(lines);
    tokio::spawn(async move {
        let mut output = BufReader::new(output);
        loop {
            let mut line = Vec::new();
            match (&mut output).take(LINE_OCTETS).read_until(b'\n', &mut line).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            if lines.len() == LINES {
                lines.pop_front();
            }
            lines.push_back(line);
        }
    })
}

fn in_words(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "no exit code".to_owned(),
    }
}
