//! A program in a terminal of its own, by tmux: keys in, the screen out.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Instant;

use crate::support::gateway::{PATIENCE, breathe};

/// A terminal with one program in it; both end with this value.
pub(crate) struct Terminal {
    socket: String,
}

impl Terminal {
    /// Runs a command line in a terminal of 100 by 40, in this folder.
    ///
    /// # Panics
    /// With `NOT RUN` where tmux or the program is not installed.
    pub(crate) fn run(folder: &Path, program: &str, arguments: &str) -> Self {
        for needed in ["tmux", program] {
            let there = Command::new("sh").args(["-c", &format!("command -v {needed}")]).output().unwrap();
            if !there.status.success() {
                panic!("NOT RUN: {needed} is not installed");
            }
        }
        let socket = folder.join("tmux.sock").display().to_string();
        let terminal = Self { socket };
        let line = format!("TERM=xterm LANG=C.UTF-8 {program} {arguments}");
        let started = terminal.tmux(&[
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-s",
            "it",
            "-x",
            "100",
            "-y",
            "40",
            "-c",
            &folder.display().to_string(),
            &line,
        ]);
        assert!(started.status.success(), "{started:?}");
        terminal
    }

    fn tmux(&self, arguments: &[&str]) -> Output {
        Command::new("tmux")
            .args(["-S", &self.socket])
            .args(arguments)
            .env("LANG", "C.UTF-8")
            .env_remove("TMUX")
            .output()
            .expect("tmux is there")
    }

    /// Types a line.
    pub(crate) fn type_line(&self, line: &str) {
        let typed = self.tmux(&["send-keys", "-t", "it", "-l", "--", line]);
        assert!(typed.status.success(), "{typed:?}");
        assert!(self.tmux(&["send-keys", "-t", "it", "Enter"]).status.success());
    }

    /// What is on the screen, with lines that were wrapped put together.
    pub(crate) fn screen(&self) -> String {
        String::from_utf8_lossy(&self.tmux(&["capture-pane", "-p", "-J", "-t", "it"]).stdout).into_owned()
    }

    /// Waits until this is on the screen.
    pub(crate) fn wait_for(&self, text: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            let screen = self.screen();
            if screen.contains(text) {
                return screen;
            }
            assert!(Instant::now() < until, "{text:?} never came; the screen:\n{screen}");
            breathe();
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}
