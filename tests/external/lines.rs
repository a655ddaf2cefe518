//! Somebody who talks LINES, the protocol of the guide's examples, as he would with `nc`.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use crate::support::gateway::PATIENCE;

/// A user of LINES.
pub(crate) struct Talker(BufReader<TcpStream>);

impl Talker {
    /// Somebody who has said who he is.
    pub(crate) fn called(name: &str, port: u16) -> Self {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut talker = Self(BufReader::new(stream));
        talker.says(&format!("I {name}"));
        assert_eq!(talker.hears(), format!("hello {}", name.to_lowercase()));
        talker
    }

    pub(crate) fn says(&mut self, line: &str) {
        self.0.get_mut().write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// The next line, which must come.
    pub(crate) fn hears(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }

    /// Whether nothing comes for a while.
    pub(crate) fn hears_nothing(&mut self) -> bool {
        self.0.get_ref().set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let nothing = self.0.fill_buf().is_err();
        self.0.get_ref().set_read_timeout(Some(PATIENCE)).unwrap();
        nothing
    }
}
