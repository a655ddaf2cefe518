//! A person who has mail: his server takes what comes for him, and sends what he writes.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

use crate::support::gateway::PATIENCE;

/// The mail server of everybody in a scene who has mail.
#[derive(Clone)]
pub(crate) struct MailServer {
    pub(crate) port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    boxes: Mutex<Boxes>,
    more: Condvar,
}

#[derive(Default)]
struct Boxes {
    mails: HashMap<String, Vec<Mail>>,
    /// What whoever has mail for these is answered.
    refused: HashMap<String, String>,
}

/// A mail as it came.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    /// The reverse-path; empty for a report.
    pub(crate) reverse_path: String,
    pub(crate) text: String,
}

impl Mail {
    /// The value of a header field.
    pub(crate) fn field(&self, name: &str) -> String {
        let head =
            self.text.split("\n\n").next().unwrap_or_default().replace("\n ", " ").replace("\n\t", " ");
        let prefix = format!("{}:", name.to_lowercase());
        let line = head.lines().find(|line| line.to_lowercase().starts_with(&prefix));
        line.map_or_else(String::new, |line| line[prefix.len()..].trim().to_owned())
    }

    /// What a reader sees: the body, or the first part of it.
    pub(crate) fn shown(&self) -> String {
        let (mut head, mut body) = self.text.split_once("\n\n").unwrap_or_default();
        if let Some((_, rest)) = head.split_once("boundary=") {
            let boundary = rest.split(['\n', ';']).next().unwrap_or_default().trim_matches('"');
            let line = format!("--{boundary}");
            let mut parts = body.split(line.as_str());
            (head, body) =
                parts.nth(1).and_then(|part| part.trim_start().split_once("\n\n")).unwrap_or_default();
        }
        match head.to_lowercase().contains("quoted-printable") {
            true => unquoted(body),
            false => body.trim_end().to_owned(),
        }
    }
}

fn unquoted(body: &str) -> String {
    let (mut octets, mut rest) = (Vec::new(), body.as_bytes());
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        match (first, behind) {
            (b'=', [b'\n', behind @ ..]) => rest = behind,
            (b'=', [high, low, behind @ ..]) => {
                let hex = String::from_utf8_lossy(&[*high, *low]).into_owned();
                octets.push(u8::from_str_radix(&hex, 16).unwrap_or(b'?'));
                rest = behind;
            }
            (other, _) => octets.push(*other),
        }
    }
    String::from_utf8_lossy(&octets).trim_end().to_owned()
}

impl MailServer {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let server = Self { port: listener.local_addr().unwrap().port(), shared: Arc::default() };
        let shared = Arc::clone(&server.shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || serve(stream, &shared));
            }
        });
        server
    }

    /// Whoever has mail for somebody is answered so from now on.
    pub(crate) fn refuses(&self, to: &str, answer: &str) {
        self.shared.boxes.lock().unwrap().refused.insert(to.to_owned(), answer.to_owned());
    }

    /// The next mail of somebody, which must come.
    pub(crate) fn next(&self, to: &str) -> Option<Mail> {
        let boxes = self.shared.boxes.lock().unwrap();
        let is_empty = |boxes: &mut Boxes| boxes.mails.get(to).is_none_or(Vec::is_empty);
        let (mut boxes, _) = self.shared.more.wait_timeout_while(boxes, PATIENCE, is_empty).unwrap();
        let mails = boxes.mails.get_mut(to)?;
        (!mails.is_empty()).then(|| mails.remove(0))
    }

    /// Whether somebody has mail that he has not seen.
    pub(crate) fn has_mail(&self, to: &str) -> bool {
        self.shared.boxes.lock().unwrap().mails.get(to).is_some_and(|mails| !mails.is_empty())
    }
}

/// The server's side of one connection (RFC 5321).
fn serve(stream: TcpStream, shared: &Shared) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    let (mut from, mut to) = (String::new(), Vec::new());
    let mut say = |text: &str| writer.write_all(format!("{text}\r\n").as_bytes()).is_ok();
    let mut going = say("220 mail.example");
    while going {
        let mut line = String::new();
        if !reader.read_line(&mut line).is_ok_and(|octets| octets > 0) {
            return;
        }
        let upper = line.to_uppercase();
        let path = || {
            line.split_once('<').and_then(|(_, rest)| rest.split('>').next()).unwrap_or_default().to_owned()
        };
        going = match upper.get(..4).unwrap_or_default() {
            "EHLO" => say("250-mail.example") && say("250-8BITMIME") && say("250-DSN") && say("250 SMTPUTF8"),
            "MAIL" => {
                (from, to) = (path(), Vec::new());
                say("250 ok")
            }
            "RCPT" => match shared.boxes.lock().unwrap().refused.get(&path()).cloned() {
                Some(answer) => say(&answer),
                None => {
                    to.push(path());
                    say("250 ok")
                }
            },
            "DATA" => {
                let going = say("354 go on");
                let mut text = String::new();
                loop {
                    let mut line = String::new();
                    if !reader.read_line(&mut line).is_ok_and(|octets| octets > 0) {
                        return;
                    }
                    if line == ".\r\n" {
                        break;
                    }
                    text.push_str(line.strip_prefix('.').unwrap_or(&line).trim_end_matches(['\r', '\n']));
                    text.push('\n');
                }
                let mut boxes = shared.boxes.lock().unwrap();
                for to in to.drain(..) {
                    let mail = Mail { reverse_path: from.clone(), text: text.clone() };
                    boxes.mails.entry(to).or_default().push(mail);
                }
                shared.more.notify_all();
                going && say("250 ok")
            }
            "QUIT" => {
                say("221 bye");
                return;
            }
            _ => say("250 ok"),
        };
    }
}

/// Sends one mail to the gateway, as a mail server does; its answer: the first that is not yes, or the last.
pub(crate) fn send(port: u16, reverse_path: &str, to: &str, mail: &str) -> String {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("the gateway takes mail");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    let mut answer = || {
        let mut line = String::new();
        loop {
            line.clear();
            reader.read_line(&mut line).expect("an answer");
            if line.as_bytes().get(3) != Some(&b'-') {
                return line.trim_end().to_owned();
            }
        }
    };
    answer();
    let mut dotted = String::new();
    for line in mail.lines() {
        dotted.push_str(if line.starts_with('.') { "." } else { "" });
        dotted.push_str(line);
        dotted.push_str("\r\n");
    }
    let commands = [
        "EHLO mail.example\r\n".to_owned(),
        format!("MAIL FROM:<{reverse_path}>\r\n"),
        format!("RCPT TO:<{to}>\r\n"),
        "DATA\r\n".to_owned(),
        format!("{dotted}.\r\n"),
    ];
    let mut last = String::new();
    for command in commands {
        writer.write_all(command.as_bytes()).unwrap();
        last = answer();
        if !last.starts_with(['2', '3']) {
            break;
        }
    }
    // The gateway has said what there is to say.
    drop(writer.write_all(b"QUIT\r\n"));
    last
}

/// A report that a mail could not be delivered (RFC 3464).
pub(crate) fn report(mail: &Mail, to: &str, why: &str) -> String {
    let status = why.split(' ').next().unwrap_or_default();
    format!(
        "From: postmaster@mail.example\nTo: {}\nSubject: Undelivered\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\n\n\
         --b\nContent-Type: text/plain\n\nIt could not be delivered: {why}\n\
         --b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mail.example\n\n\
         Final-Recipient: rfc822; {to}\nAction: failed\nStatus: {status}\nDiagnostic-Code: smtp; 550 {why}\n\
         --b--\n",
        mail.reverse_path
    )
}
