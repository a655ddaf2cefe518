//! A program of the author's that plays the foreign peer: one JSON object a line, both ways.

use std::process::Stdio;
use std::time::Duration;

use cpim_conformance::{PeerError, Said};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::time::timeout;

use super::process::Process;
use crate::failed;

/// For the program to say who it is, and to do what it is told.
const PATIENCE: Duration = Duration::from_secs(10);

/// The program, and what it has said that nobody has asked for yet.
pub(super) struct Program {
    process: Process,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    number: u64,
    said: std::collections::VecDeque<Value>,
}

impl Program {
    /// Starts it. The first line that it says is who it plays.
    pub(super) async fn start(line: &str) -> Result<(Self, Value), PeerError> {
        let mut process = Process::start("the peer", line, |command| {
            command.stdin(Stdio::piped());
        })?;
        let Some((input, output)) = process.streams() else {
            return Err(failed("a program without streams"));
        };
        let output = BufReader::new(output).lines();
        let mut program = Self { process, input, output, number: 0, said: std::collections::VecDeque::new() };
        let hello = timeout(PATIENCE, program.line()).await;
        match hello.unwrap_or_else(|_| Err(failed("it does not say whom it plays"))) {
            Ok(hello) => Ok((program, hello)),
            Err(error) => {
                let Said { ended, lines, .. } = program.process.said().await;
                let ended = ended.map(|how| format!(" ended with {how}")).unwrap_or_default();
                Err(failed(format!("`{line}`{ended}: {error}\n{}", lines.join("\n"))))
            }
        }
    }

    /// What the program has said to nobody, and how it ended.
    pub(super) async fn story(&mut self) -> Said {
        self.process.said().await
    }

    /// The next line. Cancelled, nothing is lost.
    async fn line(&mut self) -> Result<Value, PeerError> {
        let line = self.output.next_line().await?.ok_or_else(|| failed("the peer's program has ended"))?;
        serde_json::from_str(&line).map_err(|error| failed(format!("no JSON: {line}: {error}")))
    }

    /// What it sees or is told next. Cancelled, nothing is lost.
    pub(super) async fn next(&mut self) -> Result<Value, PeerError> {
        match self.said.pop_front() {
            Some(said) => Ok(said),
            None => self.line().await,
        }
    }

    /// Has it do something, and waits until that is done. What it says meanwhile is kept.
    ///
    /// # Errors
    /// [`PeerError::Unutterable`] where it says `cannot`, [`PeerError::Failed`] with why where it says `failed`.
    pub(super) async fn tell(&mut self, what: &str, mut with: Value) -> Result<Value, PeerError> {
        self.number += 1;
        let number = self.number;
        if let Some(object) = with.as_object_mut() {
            object.insert("do".to_owned(), json!(what));
            object.insert("n".to_owned(), json!(number));
        }
        self.input.write_all(format!("{with}\n").as_bytes()).await?;
        let done = async {
            loop {
                let line = self.line().await?;
                // What was told before, and given up since, is answered too.
                match line.get("n").and_then(Value::as_u64) {
                    Some(other) if other == number => return Ok::<Value, PeerError>(line),
                    Some(_) => {}
                    None => self.said.push_back(line),
                }
            }
        };
        let done =
            timeout(PATIENCE, done).await.map_err(|_| failed(format!("`{what}` takes too long")))??;
        match (done.get("cannot"), done.get("failed").and_then(Value::as_str)) {
            (Some(_), _) => Err(PeerError::Unutterable),
            (None, Some(why)) => Err(failed(why)),
            (None, None) => Ok(done),
        }
    }
}
