//! People: what they do and see, each in his own protocol, over a real socket of the gateway.

use std::time::Duration;

use crate::mail::{self, Mail, MailServer};
use crate::scene::Address;
use crate::support::gateway::PATIENCE;
use crate::support::irc::Irc;
use crate::support::native::{Client, Frame, Open};

/// The network of everybody who is on IRC.
pub(crate) const NETWORK: &str = "irc.demo.example";

/// Long enough for what should not come.
const A_WHILE: Duration = Duration::from_millis(300);

/// Where the gateway is reached.
#[derive(Clone)]
pub(crate) struct Ports {
    pub(crate) native: u16,
    pub(crate) irc: u16,
    pub(crate) smtp: u16,
    pub(crate) mail: MailServer,
}

/// Somebody in a scene.
pub(crate) struct Person {
    address: Address,
    ports: Ports,
    at: At,
    /// How often he has written: a name for each message.
    written: u32,
    /// Frames that came and were not looked for yet.
    early: Vec<Frame>,
    /// The last mail that he saw.
    last_mail: Option<Mail>,
    /// What his last mail was answered.
    last_answer: Option<String>,
}

enum At {
    Irc(Box<Irc>),
    Native(Client),
    Nowhere,
}

/// What somebody saw instead.
pub(crate) type Seen = Result<(), String>;

impl Person {
    pub(crate) fn new(address: Address, ports: Ports) -> Self {
        let (at, early) = (At::Nowhere, Vec::new());
        Self { address, ports, at, written: 0, early, last_mail: None, last_answer: None }
    }

    pub(crate) fn joins(&mut self) {
        self.at = match &self.address {
            Address::Irc(nick) => At::Irc(Box::new(Irc::join(self.ports.irc, nick))),
            Address::Native(uri) => {
                let serves = format!("{uri} {}", uri.replacen("im:", "pres:", 1));
                At::Native(Client::open(self.ports.native, Open { serves: &serves, ..Open::default() }))
            }
            Address::Mail(_) => At::Nowhere,
        };
    }

    pub(crate) fn leaves(&mut self) {
        if let At::Irc(irc) = &mut self.at {
            irc.send("QUIT :bye");
            irc.expect_end();
        }
        if let At::Native(mut client) = std::mem::replace(&mut self.at, At::Nowhere) {
            // In order, so that the gateway knows of it before the next step.
            client.try_send("", "<close/>", b"").expect("the gateway is there");
            client.rest();
        }
    }

    pub(crate) fn writes(&mut self, to: &str, text: &str) -> Seen {
        self.written += 1;
        let trans_id = format!("m{}", self.written);
        match (&self.address, &mut self.at) {
            (Address::Native(uri), At::Native(client)) => {
                let xml = format!("<message source='{uri}' destination='{to}' transID='{trans_id}'/>");
                let content =
                    format!("Content-Type: text/plain; charset=utf-8\r\n\r\n{}", text.replace('\n', "\r\n"));
                client.try_send("", &xml, content.as_bytes()).map_err(|error| error.to_string())
            }
            (Address::Irc(_), At::Irc(irc)) => {
                let to = to.strip_prefix("im:").unwrap_or(to);
                text.split('\n').for_each(|line| irc.send(&format!("PRIVMSG {to} :{line}")));
                Ok(())
            }
            (Address::Mail(address), _) => {
                let to = mailbox_of(to);
                let mail = format!(
                    "From: {address}\nTo: {to}\nMessage-ID: <{trans_id}@mail.example>\nMIME-Version: 1.0\n\
                     Date: Wed, 25 Nov 2026 12:00:00 +0000\n\
                     Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{text}\n"
                );
                self.last_answer = Some(mail::send(self.ports.smtp, address, &to, &mail));
                Ok(())
            }
            _ => Err("is not there; `joins` comes first".to_owned()),
        }
    }

    /// Sees the next message, and takes it, or refuses it where he can.
    pub(crate) fn sees(&mut self, from: &str, text: &str, takes: bool) -> Seen {
        match &self.address {
            Address::Native(_) => {
                let frame = self.frame("message")?;
                same("from", &frame.attribute("source").unwrap_or_default(), from)?;
                same("text", &shown(std::str::from_utf8(&frame.content).unwrap_or_default()), text)?;
                let At::Native(client) = &mut self.at else { return Ok(()) };
                let (status, words) = if takes { ("success", "") } else { ("failure", "refused: not today") };
                client.respond(&frame, status, words);
                Ok(())
            }
            Address::Irc(_) => {
                let At::Irc(irc) = &mut self.at else { return Err("is not there".to_owned()) };
                for line in text.split('\n') {
                    // What no person wrote comes as a notice.
                    let mut seen = String::new();
                    while !seen.contains(" PRIVMSG ") && !seen.contains(" NOTICE ") {
                        seen = irc.line().ok_or("the connection ended")?;
                    }
                    let (prefix, rest) = seen.split_once(' ').unwrap_or_default();
                    let (_, said) = rest.split_once(" :").unwrap_or_default();
                    let mask = mask_of(from);
                    if !prefix.ends_with(&mask) {
                        return Err(format!("from {prefix}, not from ...{mask}"));
                    }
                    same("text", said, line)?;
                }
                // What is asked behind the lines is answered: so the sender knows that they came.
                irc.until_quiet();
                Ok(())
            }
            Address::Mail(address) => {
                let mail = self.ports.mail.next(address).ok_or("no mail came")?;
                let author = mail.field("From");
                let mailbox = mailbox_of(from);
                if !author.contains(&mailbox) {
                    return Err(format!("from {author}, not from {mailbox}"));
                }
                same("text", &mail.shown(), text)?;
                self.last_mail = Some(mail);
                Ok(())
            }
        }
    }

    pub(crate) fn sees_nothing(&mut self) -> Seen {
        match (&self.address, &mut self.at) {
            (Address::Mail(address), _) => {
                std::thread::park_timeout(A_WHILE);
                match self.ports.mail.has_mail(address) {
                    true => Err(format!("saw {:?}", self.ports.mail.next(address))),
                    false => Ok(()),
                }
            }
            (_, At::Native(client)) => match client.next(A_WHILE) {
                Ok(frame) => Err(format!("saw {frame:?}")),
                Err(_) => Ok(()),
            },
            (_, At::Irc(irc)) => {
                std::thread::park_timeout(A_WHILE);
                let lines = irc.until_quiet();
                if lines.is_empty() { Ok(()) } else { Err(format!("saw {lines:?}")) }
            }
            (_, At::Nowhere) => Ok(()),
        }
    }

    /// What he is told of the last that he wrote: `success`, `failure CODE` and so on.
    pub(crate) fn is_told(&mut self, outcome: &str) -> Seen {
        match &self.address {
            Address::Native(_) => {
                let frame = self.frame("response")?;
                let text = frame.text();
                let code = text.split(':').next().unwrap_or_default();
                let told = format!("{} {code}", frame.attribute("status").unwrap_or_default());
                match told.trim() == outcome || told.split(' ').next() == Some(outcome) {
                    true => Ok(()),
                    false => Err(format!("was told {:?} ({text}), not {outcome:?}", told.trim())),
                }
            }
            Address::Irc(_) => {
                let At::Irc(irc) = &mut self.at else { return Err("is not there".to_owned()) };
                if outcome != "failure" {
                    return Err("IRC tells nobody but of failure; leave the line out".to_owned());
                }
                let line = irc.line().ok_or("the connection ended")?;
                let is_refusal = [" 401 ", " 404 "].iter().any(|numeric| line.contains(numeric));
                if is_refusal { Ok(()) } else { Err(format!("was told {line:?}")) }
            }
            Address::Mail(address) => {
                let answer = self.last_answer.clone().ok_or("wrote nothing")?;
                let told = match answer.chars().next() {
                    Some('2') if outcome == "failure" => match self.ports.mail.next(address) {
                        Some(mail) if mail.reverse_path.is_empty() => "failure",
                        other => return Err(format!("was answered {answer:?}, and then {other:?}")),
                    },
                    Some('2') => "success",
                    Some('5') => "failure",
                    Some('4') => "try again",
                    _ => "",
                };
                if told == outcome {
                    Ok(())
                } else {
                    Err(format!("was answered {answer:?}, not {outcome:?}"))
                }
            }
        }
    }

    pub(crate) fn sees_presence(&mut self, of: &str, open: bool, text: &str) -> Seen {
        match &self.address {
            Address::Native(_) => {
                let frame = self.frame("notify")?;
                same("of", &frame.attribute("target").unwrap_or_default(), &of.replacen("im:", "pres:", 1))?;
                let is_open = frame.xml.contains("status='open'") || frame.xml.contains("status=\"open\"");
                if is_open != open || !frame.xml.contains(text) {
                    return Err(format!("saw {}", frame.xml));
                }
                Ok(())
            }
            Address::Irc(_) => {
                let At::Irc(irc) = &mut self.at else { return Err("is not there".to_owned()) };
                let (numeric, who) =
                    (if open { " 730 " } else { " 731 " }, of.strip_prefix("im:").unwrap_or(of));
                let line = irc.line().ok_or("the connection ended")?;
                if line.contains(numeric) && line.contains(who) {
                    Ok(())
                } else {
                    Err(format!("saw {line:?}"))
                }
            }
            Address::Mail(_) => Err("mail shows no presence".to_owned()),
        }
    }

    pub(crate) fn watches(&mut self, whom: &str, does: bool) -> Seen {
        self.written += 1;
        let trans_id = format!("w{}", self.written);
        match (&self.address, &mut self.at) {
            (Address::Native(uri), At::Native(client)) => {
                let pair = format!(
                    "watcher='{}' target='{}' transID='{trans_id}'",
                    uri.replacen("im:", "pres:", 1),
                    whom.replacen("im:", "pres:", 1)
                );
                let xml = match does {
                    true => format!("<subscribe {pair} duration='3600'/>"),
                    false => format!("<unsubscribe {pair}/>"),
                };
                client.try_send("", &xml, b"").map_err(|error| error.to_string())?;
                self.is_told("success")
            }
            (Address::Irc(_), At::Irc(irc)) => {
                let sign = if does { '+' } else { '-' };
                irc.send(&format!("MONITOR {sign} {}", whom.strip_prefix("im:").unwrap_or(whom)));
                Ok(())
            }
            _ => Err("cannot watch anybody".to_owned()),
        }
    }

    /// `None`: is back.
    pub(crate) fn is_away(&mut self, text: Option<&str>) -> Seen {
        self.written += 1;
        let trans_id = format!("p{}", self.written);
        match (&self.address, &mut self.at) {
            (Address::Native(uri), At::Native(client)) => {
                let (status, note) = text.map_or(("open", ""), |text| ("closed", text));
                let xml = format!(
                    "<publish target='{}' transID='{trans_id}'><presence><tuple destination='{uri}' \
                     status='{status}'>{note}</tuple></presence></publish>",
                    uri.replacen("im:", "pres:", 1)
                );
                client.try_send("", &xml, b"").map_err(|error| error.to_string())?;
                self.is_told("success")
            }
            (Address::Irc(_), At::Irc(irc)) => {
                let line = text.map_or_else(|| "AWAY".to_owned(), |text| format!("AWAY :{text}"));
                irc.ask(&line);
                Ok(())
            }
            _ => Err("has no presence".to_owned()),
        }
    }

    pub(crate) fn takes_no_mail(&self, answer: &str) -> Seen {
        let Address::Mail(address) = &self.address else { return Err("has no mail".to_owned()) };
        self.ports.mail.refuses(address, answer);
        Ok(())
    }

    /// His server reports that what he saw last could not be delivered after all.
    pub(crate) fn bounces(&self, why: &str) -> Seen {
        let (Address::Mail(address), Some(mail)) = (&self.address, &self.last_mail) else {
            return Err("has seen no mail that could bounce".to_owned());
        };
        let answer = mail::send(self.ports.smtp, "", &mail.reverse_path, &mail::report(mail, address, why));
        if answer.starts_with('2') { Ok(()) } else { Err(format!("the report was answered {answer:?}")) }
    }

    /// The next frame of a kind; others stay for those who look for them.
    fn frame(&mut self, element: &str) -> Result<Frame, String> {
        if let Some(at) = self.early.iter().position(|frame| frame.element() == element) {
            return Ok(self.early.remove(at));
        }
        let At::Native(client) = &mut self.at else { return Err("is not there".to_owned()) };
        loop {
            match client.next(PATIENCE) {
                Ok(frame) if frame.element() == element => return Ok(frame),
                Ok(frame) => self.early.push(frame),
                Err(silence) => {
                    return Err(format!("no {element} came ({silence:?}), but {:?}", self.early));
                }
            }
        }
    }
}

/// The text of an entity, without what stands around it as Message/CPIM (RFC 3862).
fn shown(entity: &str) -> String {
    let (head, body) = entity.split_once("\r\n\r\n").unwrap_or_default();
    match (head.to_lowercase().contains("message/cpim"), body.split_once("\r\n\r\n")) {
        (true, Some((_, within))) => shown(within),
        _ => body.replace("\r\n", "\n").trim_end().to_owned(),
    }
}

/// What the prefix of somebody's lines ends with on IRC.
fn mask_of(uri: &str) -> String {
    let address = uri.strip_prefix("im:").unwrap_or(uri);
    match address.strip_prefix(&format!("irc={NETWORK}/")) {
        Some(rest) => format!("{}@{NETWORK}", rest.split('@').next().unwrap_or_default()),
        None => address.to_owned(),
    }
}

/// The mailbox by which somebody is written to by mail: his own where it is at the gateway, else a source route there.
fn mailbox_of(uri: &str) -> String {
    let address = uri.strip_prefix("im:").unwrap_or(uri);
    match address.ends_with("@gw.example") {
        true => address.to_owned(),
        false => format!("im={}@gw.example", address.replace('@', "~40")),
    }
}

/// Compares what was seen with the words of a scene, in which `...` stands for anything.
fn same(what: &str, seen: &str, wanted: &str) -> Seen {
    let mut rest = seen;
    let pieces: Vec<&str> = wanted.split("...").collect();
    let fits = pieces.len() == 1 && seen == wanted
        || pieces.len() > 1
            && seen.starts_with(pieces[0])
            && seen.ends_with(pieces[pieces.len() - 1])
            && pieces.iter().all(|piece| match rest.find(piece) {
                Some(at) => {
                    rest = &rest[at + piece.len()..];
                    true
                }
                None => false,
            });
    if fits { Ok(()) } else { Err(format!("{what} {seen:?}, not {wanted:?}")) }
}
