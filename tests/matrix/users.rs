//! How a user of each adapter says something, and what the other one has of it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::stage::Stage;
use crate::support::irc::Irc;

/// What is said, with everything that can be said of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said {
    pub(crate) content_type: &'static str,
    pub(crate) body: Vec<u8>,
    pub(crate) subject: Option<&'static str>,
    /// In the form of RFC 3339.
    pub(crate) date: Option<&'static str>,
    pub(crate) name: Option<&'static str>,
    /// The message that it follows up on.
    pub(crate) follows: Option<&'static str>,
}

/// What has arrived.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) content_type: String,
    pub(crate) body: Vec<u8>,
    pub(crate) subject: Option<String>,
    /// In the protocol's own form.
    pub(crate) date: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) follows: Option<String>,
    /// Messages that it took.
    pub(crate) messages: usize,
}

impl Heard {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// The first user of `from` says it to the second of `to`, who hears it; and what the first is told.
pub(crate) fn cross(
    stage: &mut Stage,
    from: &str,
    to: &str,
    said: &Said,
    is_refused: bool,
) -> (Heard, String) {
    let [bounces, mails] = ["bob", "carol"].map(|name| stage.postfix.mailbox(name).len());
    let address = stage.address(to, 1);
    match from {
        "cpim" => say_native(stage, &address, said),
        "irc" => {
            let text = String::from_utf8_lossy(&said.body);
            stage.ircs[0].send(&format!("PRIVMSG im:{address} :{text}"));
        }
        "irc-network" => {
            let (nick, text) = (stage.nick(), String::from_utf8_lossy(&said.body));
            stage.joined[0].send(&format!("PRIVMSG {nick} :im:{address}: {text}"));
        }
        "smtp" => {
            let relay = stage.relay();
            // Who is no resident of the relay domain is reached by the mapped form of the address.
            let address = match address.strip_suffix(relay) {
                Some(_) => address,
                None => format!("im={}@{relay}", mapped(&address)),
            };
            stage.postfix.send("bob@mail.example", &address, &mail(said, &address));
        }
        "lines" => {
            let text = String::from_utf8_lossy(&said.body);
            stage.talkers[0].says(&format!("to im:{address} 1 {text}"));
        }
        other => panic!("nobody speaks {other}"),
    }
    let heard = match to {
        _ if is_refused => Heard::default(),
        "lines" => hear_line(stage),
        "cpim" => hear_native(stage),
        "irc" => hear_irc(stage),
        "irc-network" => hear_joined(stage, said),
        "smtp" => hear_mail(stage, mails),
        other => panic!("nobody hears {other}"),
    };
    let told = match from {
        "cpim" => stage.natives[0].expect_answer().status,
        "irc" => {
            let told = stage.ircs[0].until_quiet();
            let fault =
                told.iter().find(|line| [" 401 ", " 531 ", "FAIL "].iter().any(|fault| line.contains(fault)));
            fault.map_or_else(|| "success".to_owned(), |line| format!("failure: {line}"))
        }
        "lines" => {
            let told = stage.talkers[0].hears();
            let words = [("ok 1", "success"), ("maybe 1", "indeterminant")];
            let word = words.iter().find(|(word, _)| told.starts_with(word));
            word.map_or_else(|| format!("failure: {told}"), |(_, status)| (*status).to_owned())
        }
        "irc-network" if is_refused => {
            format!("failure: {}", stage.joined[0].expect("ot delivered: "))
        }
        "smtp" if is_refused => {
            stage.postfix.wait_mails("bob", bounces + 1);
            "failure: by mail".to_owned()
        }
        // What fails is told, be it in mail or on a network that others run; what does not is not spoken of.
        _ => "success".to_owned(),
    };
    (heard, told)
}

/// A source route's form of what follows its selector.
fn mapped(address: &str) -> String {
    address.replace('~', "~7e").replace('@', "~40").replace('=', "~3d")
}

fn say_native(stage: &mut Stage, to: &str, said: &Said) {
    let (from, to) = (format!("im:{}", stage.address("cpim", 0)), format!("im:{to}"));
    let mut content = Vec::new();
    let has_metadata = said.subject.or(said.date).or(said.name).or(said.follows).is_some();
    if has_metadata {
        let mut head = format!(
            "Content-Type: Message/CPIM\r\n\r\nFrom: {}<{from}>\r\nTo: <{to}>\r\n",
            quoted(said.name)
        );
        for (name, value) in [("DateTime", said.date), ("Subject", said.subject)] {
            head += &value.map_or_else(String::new, |value| format!("{name}: {value}\r\n"));
        }
        if let Some(follows) = said.follows {
            head += &format!("NS: m <tag:cpim-gateway.example,2026:metadata>\r\nm.Reference: {follows}\r\n");
        }
        content.extend_from_slice(format!("{head}\r\n").as_bytes());
    }
    content.extend_from_slice(format!("Content-Type: {}\r\n\r\n", said.content_type).as_bytes());
    content.extend_from_slice(&said.body);
    let xml = format!("<message source='{from}' destination='{to}' transID='1'/>");
    stage.natives[0].try_send("", &xml, &content).unwrap();
}

fn quoted(name: Option<&str>) -> String {
    name.map_or_else(String::new, |name| format!("\"{name}\" "))
}

fn hear_native(stage: &mut Stage) -> Heard {
    let frame = stage.natives[1].expect_message();
    stage.natives[1].respond(&frame, "success", "");
    let mut heard = Heard { messages: 1, ..Heard::default() };
    let (mut head, mut body) = split(&frame.content);
    if head.contains("Message/CPIM") || head.contains("message/cpim") {
        let (headers, rest) = split(&body);
        let field = |name: &str| {
            headers.lines().find_map(|line| {
                line.split_once(": ").filter(|(at, _)| at.ends_with(name)).map(|(_, value)| value.to_owned())
            })
        };
        heard.subject = field("Subject");
        heard.date = field("DateTime");
        heard.follows = field(".Reference");
        heard.name = field("From")
            .and_then(|from| from.split_once('<').map(|(name, _)| name.trim().trim_matches('"').to_owned()));
        heard.name = heard.name.filter(|name| !name.is_empty());
        let (inner, innermost) = split(&rest);
        (head, body) = (inner, innermost);
    }
    heard.content_type = entity_type(&head);
    heard.body = decoded(&head, body);
    heard
}

fn hear_irc(stage: &mut Stage) -> Heard {
    let irc = &mut stage.ircs[1];
    let first = irc.expect(" PRIVMSG carla :");
    let mut lines = vec![first];
    lines.extend(irc.until_quiet().into_iter().filter(|line| line.contains(" PRIVMSG carla :")));
    heard_by_irc(irc, " PRIVMSG carla :", &lines)
}

/// The lines of a puppet come one by one, and the last is known by what it says.
fn hear_joined(stage: &mut Stage, said: &Said) -> Heard {
    let irc = &mut stage.joined[1];
    let is_text = said.content_type.starts_with("text/");
    let count = if is_text { String::from_utf8_lossy(&said.body).lines().count() } else { usize::MAX };
    let mut lines: Vec<String> = Vec::new();
    while lines.len() < count && !lines.last().is_some_and(|line| line.contains("show ")) {
        lines.push(irc.expect(" PRIVMSG nora :"));
    }
    heard_by_irc(irc, " PRIVMSG nora :", &lines)
}

/// What these lines are together, and how their author is called.
fn heard_by_irc(irc: &mut Irc, verb: &str, lines: &[String]) -> Heard {
    let nick = lines[0].trim_start_matches(':').split('!').next().unwrap().to_owned();
    let texts: Vec<&str> =
        lines.iter().filter_map(|line| line.split_once(verb)).map(|(_, text)| text).collect();
    let body = texts.join("\n").into_bytes();
    irc.send(&format!("WHOIS {nick}"));
    let mut name = None;
    loop {
        match irc.line().expect("the end of WHOIS") {
            line if line.contains(" 311 ") => name = line.rsplit_once(" :").map(|(_, name)| name.to_owned()),
            line if line.contains(" 318 ") => break,
            _ => {}
        }
    }
    Heard { content_type: "text/plain".to_owned(), messages: texts.len(), body, name, ..Heard::default() }
}

fn hear_line(stage: &mut Stage) -> Heard {
    let line = stage.talkers[1].hears();
    let words: Vec<&str> = line.splitn(4, ' ').collect();
    let ["from", _, number, text] = words[..] else { panic!("no message: {line}") };
    stage.talkers[1].says(&format!("got {number}"));
    let body = text.as_bytes().to_vec();
    Heard { content_type: "text/plain".to_owned(), messages: 1, body, ..Heard::default() }
}

fn mail(said: &Said, to: &str) -> String {
    let mut mail = format!("From: {}<bob@mail.example>\nTo: <{to}>\nMIME-Version: 1.0\n", quoted(said.name));
    for (name, value) in
        [("Subject", said.subject), ("In-Reply-To", said.follows), ("References", said.follows)]
    {
        mail += &value.map_or_else(String::new, |value| format!("{name}: {value}\n"));
    }
    if said.date.is_some() {
        mail += "Date: Fri, 20 Nov 2026 12:00:00 +0000\n";
    }
    let body = STANDARD.encode(&said.body);
    let lines: Vec<&str> =
        body.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
    mail + &format!(
        "Content-Type: {}\nContent-Transfer-Encoding: base64\n\n{}\n",
        said.content_type,
        lines.join("\n")
    )
}

fn hear_mail(stage: &Stage, before: usize) -> Heard {
    let mails = stage.postfix.wait_mails("carol", before + 1);
    let mail = mails.last().unwrap().replace('\n', "\r\n");
    let (head, body) = split(mail.as_bytes());
    let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let field = |name: &str| {
        let mut lines = unfolded.lines();
        lines
            .find_map(|line| line.split_once(": ").filter(|(at, _)| at.eq_ignore_ascii_case(name)))
            .map(|(_, value)| value.to_owned())
    };
    let from = field("From").unwrap_or_default();
    let name = from.split_once('<').map(|(name, _)| name.trim().trim_matches('"').to_owned());
    Heard {
        content_type: entity_type(&head),
        body: decoded(&head, body),
        subject: field("Subject"),
        date: field("Date"),
        name: name.filter(|name| !name.is_empty()),
        follows: field("In-Reply-To").or_else(|| field("References")),
        messages: 1,
    }
}

fn split(entity: &[u8]) -> (String, Vec<u8>) {
    let at = entity.windows(4).position(|window| window == b"\r\n\r\n").expect("a header and a body");
    (String::from_utf8_lossy(&entity[..at + 2]).into_owned(), entity[at + 4..].to_vec())
}

fn entity_type(head: &str) -> String {
    let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with("content-type:"));
    let value = line.and_then(|line| line.split_once(':')).map_or("", |(_, value)| value);
    value.split(';').next().unwrap().trim().to_owned()
}

fn decoded(head: &str, body: Vec<u8>) -> Vec<u8> {
    let head = head.to_ascii_lowercase();
    if head.contains("content-transfer-encoding: base64") {
        let text: String = String::from_utf8(body).unwrap().split_whitespace().collect();
        STANDARD.decode(text).unwrap()
    } else if head.contains("content-transfer-encoding: quoted-printable") {
        quoted_printable(&body)
    } else {
        body
    }
}

fn quoted_printable(body: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(body.to_vec()).unwrap().replace("=\r\n", "");
    let mut parts = text.split('=');
    let mut octets = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        octets.push(u8::from_str_radix(&part[..2], 16).unwrap());
        octets.extend_from_slice(&part.as_bytes()[2..]);
    }
    octets
}
