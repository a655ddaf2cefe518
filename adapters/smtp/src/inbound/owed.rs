//! What is owed to whoever sent a mail that was taken: the word that it did not arrive (RFC 5321 section 6.1).

use bytes::Bytes;
use cpim_adapter::{Address, Code, Domain, LangTag, Response, Status};
use cpim_smtp_proto::address::Mailbox;
use cpim_smtp_proto::dsn::{Bounce, Returned};

/// Octets of a mail's header that are kept for its report.
const MAX_HEADER_OCTETS: usize = 16 * 1_024;

/// What is owed for one recipient of one mail, in a form that outlasts a restart.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Owed {
    /// Whom the report is for: the mail's reverse-path.
    pub(super) to: Mailbox,
    /// The recipient as it was given in RCPT.
    pub(super) recipient: String,
    /// The recipient as the sender first knew it, with its type.
    pub(super) original: Option<String>,
    /// The sender's own name for the mail.
    pub(super) envelope_id: Option<String>,
    /// What is to be reported.
    pub(super) wanted: Wanted,
    /// The sender may hear what exactly went wrong: no stranger.
    pub(super) is_trusted: bool,
    /// For whom the gateway keeps the answer.
    pub(super) owner: Owner,
    /// The envelope of a peer gateway that the mail was: then the response goes back in one.
    pub(super) answers: Option<String>,
    /// When the mail came, in seconds since 1970.
    pub(super) since_s: u64,
    /// What became of it.
    pub(super) stage: Stage,
    /// The mail's header, or the beginning of it.
    pub(super) header: Bytes,
}

/// The outcomes that the sender wants to hear of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Wanted {
    /// A failure.
    pub(super) failure: bool,
    /// A success, and that nobody can know.
    pub(super) success: bool,
}

impl Wanted {
    /// Whether such an outcome is one.
    pub(super) const fn covers(self, status: Status) -> bool {
        match status {
            Status::Failure => self.failure,
            Status::Success | Status::Indeterminant => self.success,
        }
    }
}

/// For whom the gateway keeps an answer.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) enum Owner {
    /// A peer gateway.
    Peer(Domain),
    /// The author.
    Source(Address),
}

/// How far it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Stage {
    /// The outcome is awaited.
    Open,
    /// This is to be reported.
    Due(Response),
    /// It was reported. Should the mail come again, it is not reported twice.
    Told,
}

impl Owed {
    /// Keeps of a header what a report gives back.
    pub(super) fn header_of(mail: &Bytes) -> Bytes {
        let end = mail.windows(4).position(|four| four == b"\r\n\r\n").map_or(mail.len(), |end| end + 4);
        Bytes::copy_from_slice(mail.get(..end.min(MAX_HEADER_OCTETS)).unwrap_or_default())
    }

    /// The report, where one is due. `id` is a name that no other has.
    pub(super) fn report(&self, relay: &Domain, id: &str, now_s: u64) -> Option<Vec<u8>> {
        let Stage::Due(response) = &self.stage else { return None };
        let bounce = Bounce {
            relay,
            to: &self.to,
            id,
            recipient: &self.recipient,
            original_recipient: self.original.as_deref(),
            envelope_id: self.envelope_id.as_deref(),
            response,
            returned: Returned { mail: &self.header },
            now_s,
        };
        Some(bounce.write())
    }

    /// The form in which it is kept: a line for each part, a blank line, the header.
    pub(super) fn write(&self) -> Bytes {
        let mut lines = vec![
            ("to", self.to.to_string()),
            ("recipient", self.recipient.clone()),
            ("since", self.since_s.to_string()),
        ];
        lines.extend(self.original.clone().map(|original| ("original", original)));
        lines.extend(self.envelope_id.clone().map(|id| ("envelope-id", id)));
        lines.extend(self.answers.clone().map(|name| ("answers", name)));
        let Wanted { failure, success } = self.wanted;
        for (name, is_set) in [("failure", failure), ("success", success), ("trusted", self.is_trusted)] {
            lines.extend(is_set.then(|| (name, String::new())));
        }
        lines.push(match &self.owner {
            Owner::Peer(domain) => ("peer", domain.to_string()),
            Owner::Source(address) => ("source", address.to_string()),
        });
        match &self.stage {
            Stage::Open => {}
            Stage::Due(response) => {
                lines.push(("due", response.status().as_str().to_owned()));
                lines.push(("words", escaped(&response.text())));
                lines.extend(response.lang().map(|lang| ("lang", lang.as_str().to_owned())));
                lines.extend(response.duration().map(|seconds| ("duration", seconds.to_string())));
                lines.extend(response.subscript_id().map(|id| ("subscription", id.as_str().to_owned())));
            }
            Stage::Told => lines.push(("told", String::new())),
        }
        let mut text = String::new();
        for (name, value) in lines {
            // None of them can hold a line end: they came out of lines, or are the gateway's own words.
            let value: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            text.push_str(&format!("{name} {value}\n"));
        }
        text.push('\n');
        [text.as_bytes(), &self.header].concat().into()
    }

    /// Reads that form; nothing where it is none, as after a change of the form.
    pub(super) fn read(octets: &Bytes) -> Option<Self> {
        let end = octets.windows(2).position(|two| two == b"\n\n")?;
        let text = std::str::from_utf8(octets.get(..end)?).ok()?;
        let lines: Vec<(&str, &str)> = text.lines().filter_map(|line| line.split_once(' ')).collect();
        let value = |name: &str| lines.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        let owner = match (value("peer"), value("source")) {
            (Some(peer), None) => Owner::Peer(Domain::parse(peer).ok()?),
            (None, Some(source)) => Owner::Source(Address::parse(source).ok()?),
            _ => return None,
        };
        let stage = match (value("due"), value("told")) {
            (Some(status), _) => Stage::Due(
                Response::from_text(
                    Status::from_word(status)?,
                    &unescaped(value("words").unwrap_or_default()),
                )
                .with_lang(value("lang").and_then(LangTag::parse))
                .with_duration(value("duration").and_then(|seconds| seconds.parse().ok()))
                .with_subscript_id(value("subscription").and_then(|id| id.parse().ok())),
            ),
            (None, Some(_)) => Stage::Told,
            (None, None) => Stage::Open,
        };
        Some(Self {
            to: Mailbox::parse_long(value("to")?).ok()?,
            recipient: value("recipient")?.to_owned(),
            original: value("original").map(str::to_owned),
            envelope_id: value("envelope-id").map(str::to_owned),
            wanted: Wanted { failure: value("failure").is_some(), success: value("success").is_some() },
            is_trusted: value("trusted").is_some(),
            owner,
            answers: value("answers").map(str::to_owned),
            since_s: value("since")?.parse().ok()?,
            stage,
            header: octets.slice(end + 2..),
        })
    }
}

/// Words on one line.
fn escaped(words: &str) -> String {
    words.replace('%', "%25").replace('\r', "%0d").replace('\n', "%0a")
}

fn unescaped(line: &str) -> String {
    line.replace("%0a", "\n").replace("%0d", "\r").replace("%25", "%")
}

/// What a sender may hear of an outcome: a stranger no more than that it was not delivered, whoever is there or not.
pub(super) fn told(response: &Response, is_trusted: bool) -> Response {
    let is_about_people = !matches!(
        response.code(),
        Some(Code::Busy | Code::Internal | Code::Loop | Code::Lossy | Code::TooLarge | Code::Unsupported)
    );
    match response.status() {
        Status::Failure if is_about_people && !is_trusted => Response::failure(Code::Refused, ABOUT_PEOPLE),
        _ => response.clone(),
    }
}

/// The one text about people.
const ABOUT_PEOPLE: &str = "whoever it is for cannot be reached, or takes no mail from you";

#[cfg(test)]
mod tests {
    use super::*;

    fn owed(stage: Stage) -> Owed {
        Owed {
            to: Mailbox::parse("bob@mail.example").unwrap(),
            recipient: "\"a b\"@gw.example".into(),
            original: Some("rfc822;fred@a.example".into()),
            envelope_id: Some("a+b=c d".into()),
            wanted: Wanted { failure: true, success: false },
            is_trusted: false,
            owner: Owner::Source(Address::parse("im:mailto=bob~40mail.example@gw.example").unwrap()),
            answers: Some("-n4me_".into()),
            since_s: 1_700_000_000,
            stage,
            header: Bytes::from_static(b"Subject: \n\nhi\r\n\r\n"),
        }
    }

    #[test]
    fn what_is_kept_comes_back() {
        let failed = Response::failure(Code::Refused, "said \"no\"\r\n100%0a");
        let failed = failed.with_lang(LangTag::parse("en")).with_duration(Some(7));
        for stage in [Stage::Open, Stage::Due(failed), Stage::Due(Response::success()), Stage::Told] {
            let one = owed(stage);
            assert_eq!(Owed::read(&one.write()), Some(one));
        }
        let peer = Owed { owner: Owner::Peer(Domain::parse("gw.b.example").unwrap()), ..owed(Stage::Open) };
        assert_eq!(Owed::read(&peer.write()), Some(peer));
        assert_eq!(Owed::read(&Bytes::from_static(b"to x\n\n")), None);
    }

    #[test]
    fn strangers_hear_the_same_of_everybody() {
        let all = [Code::Denied, Code::NoRoute, Code::Unreachable, Code::Expired, Code::BadAddress];
        for code in all {
            let response = Response::failure(code, "fred is on holiday");
            assert_eq!(told(&response, false), Response::failure(Code::Refused, ABOUT_PEOPLE), "{code}");
            assert_eq!(told(&response, true), response);
        }
        let large = Response::failure(Code::TooLarge, "too large");
        assert_eq!(told(&large, false), large);
    }
}
