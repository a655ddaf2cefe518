//! Reading a report.

use bytes::Bytes;
use cpim_adapter::{Code, Response};
use mail_parser::{MessageParser, MimeHeaders};

/// Groups of one report that are looked at; we send to one recipient at a time.
const MAX_GROUPS: usize = 100;

/// What became of a mail, for one recipient (RFC 3464 section 2.3.3).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Action {
    /// Not yet, and it is tried again.
    Delayed,
    /// It is in the recipient's mailbox.
    Delivered,
    /// It went on to several others, of whom nothing is said.
    Expanded,
    /// It will not come.
    Failed,
    /// It went on to where no reports come from.
    Relayed,
}

/// What a report says.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Report {
    /// The transaction's name (RFC 3464 section 2.2.1).
    pub envelope_id: Option<String>,
    /// One for each recipient.
    pub groups: Vec<Group>,
}

/// What it says of one recipient.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Group {
    /// What became of it: this decides, not the status.
    pub action: Action,
    /// The status code, such as `5.1.1`.
    pub status: Option<String>,
    /// What the other server said.
    pub diagnostic: Option<String>,
    /// The recipient as we named it.
    pub original_recipient: Option<String>,
    /// The recipient as the reporter knows it.
    pub final_recipient: Option<String>,
}

/// Reads a mail as a report. Nothing where it is none, or none that can be read: then nothing is decided by it.
#[must_use]
pub fn read(mail: &Bytes) -> Option<Report> {
    let parsed = MessageParser::default().parse(mail.as_ref())?;
    let top = parsed.content_type()?;
    if !(top.ctype().eq_ignore_ascii_case("multipart")
        && top.subtype().is_some_and(|subtype| subtype.eq_ignore_ascii_case("report")))
    {
        return None;
    }
    let is_status = |part: &&mail_parser::MessagePart<'_>| {
        part.content_type().is_some_and(|found| {
            let subtype = found.subtype().unwrap_or_default();
            found.ctype().eq_ignore_ascii_case("message")
                && ["delivery-status", "global-delivery-status"]
                    .iter()
                    .any(|wanted| subtype.eq_ignore_ascii_case(wanted))
        })
    };
    let status = parsed.parts.iter().find(is_status)?;
    let text = String::from_utf8_lossy(status.contents()).into_owned();
    let mut blocks = blocks(&text).into_iter().filter(|block| !block.is_empty());
    let about_mail = blocks.next()?;
    // Some reporters leave the block about the mail out.
    let first = group(&about_mail);
    let groups = first.into_iter().chain(blocks.filter_map(|block| group(&block))).take(MAX_GROUPS).collect();
    Some(Report { envelope_id: value(&about_mail, "Original-Envelope-Id"), groups })
}

impl Group {
    /// What it means for the operation. Nothing where it is not the last word.
    #[must_use]
    pub fn response(&self) -> Option<Response> {
        let words = |what: &str| {
            let said = [self.status.as_deref(), self.diagnostic.as_deref()].into_iter().flatten();
            let said: Vec<&str> = said.collect();
            match said.is_empty() {
                true => what.to_owned(),
                false => format!("{what}: {}", said.join(" ")),
            }
        };
        match self.action {
            Action::Delayed | Action::Expanded => None,
            Action::Delivered => Some(Response::success()),
            Action::Failed => {
                Some(Response::failure(Code::Refused, words("the mail could not be delivered")))
            }
            Action::Relayed => Some(Response::indeterminant(
                Code::Timeout,
                words("the mail went on to where no reports come from"),
            )),
        }
    }
}

type Block = Vec<(String, String)>;

/// The blocks of fields between blank lines, folds undone (RFC 3464 section 2.1).
fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = vec![Block::new()];
    for line in text.lines() {
        let last = blocks.last_mut();
        if line.trim().is_empty() {
            if last.is_some_and(|block| !block.is_empty()) {
                blocks.push(Block::new());
            }
        } else if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = last.and_then(|block| block.last_mut()) {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let (Some(block), Some((name, value))) = (last, line.split_once(':')) {
            block.push((name.trim().to_owned(), value.trim().to_owned()));
        }
    }
    blocks
}

fn value(block: &Block, name: &str) -> Option<String> {
    let found = block.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, value)| without_comments(value)).filter(|value| !value.is_empty())
}

/// Without `(comments)`, which RFC 822 lets stand anywhere.
fn without_comments(value: &str) -> String {
    let mut depth = 0_usize;
    let kept: String = value
        .chars()
        .filter(|c| {
            match c {
                '(' => depth += 1,
                ')' if depth > 0 => {
                    depth -= 1;
                    return false;
                }
                _ => {}
            }
            depth == 0 && !c.is_control()
        })
        .collect();
    kept.trim().to_owned()
}

fn group(block: &Block) -> Option<Group> {
    let action = value(block, "Action")?.to_ascii_lowercase();
    let action = match action.as_str() {
        "delayed" => Action::Delayed,
        "delivered" => Action::Delivered,
        "expanded" => Action::Expanded,
        "failed" => Action::Failed,
        "relayed" => Action::Relayed,
        _ => return None,
    };
    // Behind the type and a semicolon.
    let typed = |name| {
        let value = value(block, name)?;
        Some(value.split_once(';').map_or_else(|| value.clone(), |(_, rest)| rest.trim().to_owned()))
    };
    Some(Group {
        action,
        status: value(block, "Status"),
        // What a server says may well stand in brackets.
        diagnostic: block.iter().find(|(known, _)| known.eq_ignore_ascii_case("Diagnostic-Code")).map(
            |(_, value)| value.split_once(';').map_or(value.as_str(), |(_, rest)| rest).trim().to_owned(),
        ),
        original_recipient: typed("Original-Recipient"),
        final_recipient: typed("Final-Recipient"),
    })
}
