//! Commands (RFC 5321 section 4.1.1), from lines.

use super::envelope::{Notify, Recipient, Sender};
use super::parameters;
use super::path::{self, Path};
use super::reply::Reply;

/// One command.
#[derive(Debug)]
pub(super) enum Command {
    Auth { mechanism: String, initial: Option<String> },
    Data,
    Ehlo(String),
    Helo(String),
    Help,
    Mail(Sender),
    Noop,
    Quit,
    Rcpt(Recipient),
    Rset,
    StartTls,
    Verify,
}

const SYNTAX: Reply = Reply::fixed(501, "5.5.4", "wrong arguments");
const UNKNOWN: Reply = Reply::fixed(500, "5.5.1", "unknown command");
const NOT_HERE: Reply = Reply::fixed(502, "5.5.1", "not implemented");
const BAD_SENDER: Reply = Reply::fixed(501, "5.1.7", "no mailbox");
const BAD_RECIPIENT: Reply = Reply::fixed(501, "5.1.3", "no mailbox");
const WANTS_UTF8: Reply = Reply::fixed(553, "5.6.7", "an address in UTF-8 wants SMTPUTF8");

/// Reads a line without its line end.
pub(super) fn read(line: &[u8]) -> Result<Command, Reply> {
    let Ok(line) = std::str::from_utf8(line) else { return Err(SYNTAX) };
    if line.chars().any(char::is_control) {
        return Err(SYNTAX);
    }
    let (verb, rest) = line.split_at_checked(line.find(' ').unwrap_or(line.len())).unwrap_or_default();
    let argument = rest.trim_matches(' ');
    let bare = |command| if argument.is_empty() { Ok(command) } else { Err(SYNTAX) };
    match &*verb.to_ascii_uppercase() {
        "AUTH" => auth(argument),
        "DATA" => bare(Command::Data),
        "EHLO" if !argument.is_empty() => Ok(Command::Ehlo(argument.to_owned())),
        "HELO" if !argument.is_empty() => Ok(Command::Helo(argument.to_owned())),
        "EHLO" | "HELO" => Err(SYNTAX),
        "HELP" => Ok(Command::Help),
        "MAIL" => mail(argument),
        "NOOP" => Ok(Command::Noop),
        "QUIT" => bare(Command::Quit),
        "RCPT" => rcpt(argument),
        "RSET" => bare(Command::Rset),
        "STARTTLS" => bare(Command::StartTls),
        "VRFY" if !argument.is_empty() => Ok(Command::Verify),
        "VRFY" => Err(SYNTAX),
        "BDAT" | "ETRN" | "EXPN" | "SAML" | "SEND" | "SOML" | "TURN" => Err(NOT_HERE),
        _ => Err(UNKNOWN),
    }
}

/// What follows `FROM:` or `TO:`; a blank behind the colon is wrong and common.
fn after<'a>(argument: &'a str, word: &str) -> Result<&'a str, Reply> {
    let (before, after) = argument.split_at_checked(word.len()).ok_or(SYNTAX)?;
    if before.eq_ignore_ascii_case(word) { Ok(after.trim_start_matches(' ')) } else { Err(SYNTAX) }
}

fn mail(argument: &str) -> Result<Command, Reply> {
    let (path, rest) = path::take(after(argument, "FROM:")?).ok_or(BAD_SENDER)?;
    let said = parameters::of_mail(rest)?;
    match &path {
        Path::Postmaster => return Err(BAD_SENDER),
        Path::Mailbox(mailbox) if !said.utf8 && !mailbox.as_str().is_ascii() => return Err(WANTS_UTF8),
        Path::Mailbox(_) | Path::Null => {}
    }
    Ok(Command::Mail(Sender {
        path,
        size: said.size,
        body: said.body.unwrap_or_default(),
        utf8: said.utf8,
        returned: said.returned,
        envelope_id: said.envelope_id,
    }))
}

fn rcpt(argument: &str) -> Result<Command, Reply> {
    let (path, rest) = path::take(after(argument, "TO:")?).ok_or(BAD_RECIPIENT)?;
    let said = parameters::of_rcpt(rest)?;
    let mailbox = match path {
        Path::Null => return Err(BAD_RECIPIENT),
        Path::Postmaster => None,
        Path::Mailbox(mailbox) => Some(mailbox),
    };
    let notify = said.notify.unwrap_or(Notify::Unsaid);
    Ok(Command::Rcpt(Recipient { mailbox, notify, original: said.original }))
}

fn auth(argument: &str) -> Result<Command, Reply> {
    let mut words = argument.split(' ');
    let mechanism = words.next().unwrap_or_default().to_ascii_uppercase();
    let initial = words.next().map(str::to_owned);
    match mechanism.is_empty() || words.next().is_some() {
        true => Err(SYNTAX),
        false => Ok(Command::Auth { mechanism, initial }),
    }
}
