//! Commands as people type them: one on a line, in any case.

use std::time::Duration;

use cpim_adapter::kept::KeptId;
use cpim_adapter::{Address, Basic, Class, Standing};

use super::reading::{Misread, Words};
use crate::clock::UnixMs;
use crate::config::words::nearest;
use crate::rules::{Appearance, Ask, Decision, Forward, Names, Show, Topic, Who};

/// Octets of a line at most: two of the longest addresses, and words.
pub(super) const MAX_LINE_OCTETS: usize = 4_096;

/// Characters of a note that goes with a status.
const MAX_NOTE: usize = 500;

/// Characters of what was typed that an answer repeats.
const SHOWN: usize = 40;

/// Destinations that one `appear` names.
const MAX_DESTINATIONS: usize = 20;

/// How a command is written, and what it does. Its first word is its name.
#[derive(Debug)]
pub(super) struct Usage {
    pub(super) form: &'static str,
    pub(super) about: &'static str,
}

impl Usage {
    pub(super) fn name(&self) -> &'static str {
        self.form.split(' ').next().unwrap_or_default()
    }
}

/// Every command, in the order in which help tells them.
pub(super) const COMMANDS: [Usage; 22] = [
    usage("help", "this list; help COMMAND says more of one"),
    usage("whoami", "your address, and how well you are known"),
    usage("status open|closed [NOTE]", "say whether you can be reached; status off takes it back"),
    usage("subscribe URI [7d]", "be told of somebody's presence, for so long"),
    usage("unsubscribe URI", "be told no longer"),
    usage("subscriptions", "whom you watch"),
    usage("watchers", "who watches you"),
    usage("block WHO [WHAT]", "refuse what comes from somebody"),
    usage("polite WHO [WHAT]", "seem to be away, for somebody"),
    usage("allow WHO [WHAT]", "let somebody through"),
    usage("unblock WHO", "take back what you said of somebody"),
    usage("appear WHO open|closed [NOTE]", "what somebody sees of you; or only DESTINATION, or all"),
    usage("hide [WHO]", "let nobody, or not WHO, learn whom you watch"),
    usage("visible [WHO]", "let everybody, or WHO, learn it"),
    usage("forward URI [for 2d]", "send your messages on; or until 2026-12-31; forward off ends it"),
    usage("delegate URI", "let somebody set your presence"),
    usage("undelegate URI", "let him no longer"),
    usage("rules", "all that you have said"),
    usage("kept", "what could not be shown to you, and is kept"),
    usage("show ID", "send it to you, whole"),
    usage("forget ID", "throw it away"),
    usage("confirm WORD", "say that a command was yours"),
];

const fn usage(form: &'static str, about: &'static str) -> Usage {
    Usage { form, about }
}

/// One command.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Command {
    Appear(Appearance),
    Confirm(String),
    Delegate { who: Address, may: bool },
    Forget(KeptId),
    Forward(Option<Forward>),
    Help(Option<String>),
    Kept,
    Mark { who: Who, topics: Vec<Topic>, standing: Option<Standing>, decision: Decision },
    Rules,
    Seen { who: Who, seen: bool },
    Show(KeptId),
    Status(Option<(Basic, Option<String>)>),
    Subscribe { target: Address, duration: Option<Duration> },
    Subscriptions,
    Unblock(Who),
    Unsubscribe(Address),
    Watchers,
    Whoami,
}

impl Command {
    /// Reads one line.
    ///
    /// # Errors
    /// [`Misread`] says what is wrong with it, and what would be right.
    pub(crate) fn read(line: &str, names: &Names, now: UnixMs) -> Result<Self, Misread> {
        if line.len() > MAX_LINE_OCTETS {
            return Err(Misread::new("that line is too long for a command"));
        }
        let mut words = Words::new(line, names);
        let name = words.next().unwrap_or_default().to_ascii_lowercase();
        let Some(usage) = COMMANDS.iter().find(|usage| usage.name() == name) else {
            return Err(unknown(&name));
        };
        // Of what help was asked for, there is no form to be shown.
        let of_its_form = |why: Misread| if name == "help" { why } else { why.of(usage.form) };
        let command = Self::arguments(&name, &mut words, now).map_err(of_its_form)?;
        match words.rest() {
            Some(rest) => {
                Err(Misread::new(format!("{:?} is more than it takes", short(&rest))).of(usage.form))
            }
            None => Ok(command),
        }
    }

    fn arguments(name: &str, words: &mut Words<'_>, now: UnixMs) -> Result<Self, Misread> {
        Ok(match name {
            "whoami" => Self::Whoami,
            "status" => Self::Status(status(words)?),
            "subscribe" => Self::Subscribe { target: words.somebody()?, duration: words.maybe_span()? },
            "unsubscribe" => Self::Unsubscribe(words.somebody()?),
            "subscriptions" => Self::Subscriptions,
            "watchers" => Self::Watchers,
            "block" => mark(words, Decision::Deny)?,
            "polite" => mark(words, Decision::Polite)?,
            "allow" => mark(words, Decision::Allow)?,
            "unblock" => Self::Unblock(words.who()?),
            "appear" => Self::Appear(Appearance { who: words.who()?, show: show(words)? }),
            "hide" => Self::Seen { who: words.who_or_any()?, seen: false },
            "visible" => Self::Seen { who: words.who_or_any()?, seen: true },
            "forward" => Self::Forward(forward(words, now)?),
            "delegate" => Self::Delegate { who: words.principal()?, may: true },
            "undelegate" => Self::Delegate { who: words.principal()?, may: false },
            "rules" => Self::Rules,
            "kept" => Self::Kept,
            "show" => Self::Show(kept_id(words)?),
            "forget" => Self::Forget(kept_id(words)?),
            "confirm" => Self::Confirm(words.expect("the word that was sent to you")?.to_ascii_lowercase()),
            _ => Self::Help(known_command(words)?),
        })
    }

    /// The name that it is counted by.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Appear(_) => "appear",
            Self::Confirm(_) => "confirm",
            Self::Delegate { may: true, .. } => "delegate",
            Self::Delegate { may: false, .. } => "undelegate",
            Self::Forget(_) => "forget",
            Self::Forward(_) => "forward",
            Self::Help(_) => "help",
            Self::Kept => "kept",
            Self::Mark { decision, .. } => decision.as_str(),
            Self::Rules => "rules",
            Self::Seen { seen: false, .. } => "hide",
            Self::Seen { seen: true, .. } => "visible",
            Self::Show(_) => "show",
            Self::Status(_) => "status",
            Self::Subscribe { .. } => "subscribe",
            Self::Subscriptions => "subscriptions",
            Self::Unblock(_) => "unblock",
            Self::Unsubscribe(_) => "unsubscribe",
            Self::Watchers => "watchers",
            Self::Whoami => "whoami",
        }
    }

    /// A line as it is shown to whoever shall confirm it: without what is free text, which somebody else may have
    /// written to be read there.
    pub(super) fn brief(&self, line: &str) -> String {
        let kept = match self {
            Self::Status(Some((_, Some(_)))) => 2,
            Self::Appear(Appearance { show: Show::Basic(_, Some(_)) | Show::Only(_), .. }) => 3,
            _ => return line.to_owned(),
        };
        let words: Vec<&str> = line.split_whitespace().take(kept).collect();
        format!("{} ...", words.join(" "))
    }

    /// Whether it changes something, so that it must be sure who sent it.
    pub(super) fn changes(&self) -> bool {
        match self {
            Self::Appear(_)
            | Self::Delegate { .. }
            | Self::Forget(_)
            | Self::Forward(_)
            | Self::Mark { .. }
            | Self::Seen { .. }
            | Self::Status(_)
            | Self::Subscribe { .. }
            | Self::Unblock(_)
            | Self::Unsubscribe(_) => true,
            Self::Confirm(_)
            | Self::Help(_)
            | Self::Kept
            | Self::Rules
            | Self::Show(_)
            | Self::Subscriptions
            | Self::Watchers
            | Self::Whoami => false,
        }
    }
}

/// As much of what somebody typed as shows what is meant. The rest may have been written for somebody else to read.
pub(super) fn short(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

fn unknown(name: &str) -> Misread {
    let known: Vec<&str> = COMMANDS.iter().map(Usage::name).collect();
    let shown = short(name);
    match nearest(name, &known) {
        Some(near) => Misread::new(format!("{shown:?} is no command; did you mean {near}?")),
        None => Misread::new(format!("{shown:?} is no command; write help for a list of them")),
    }
}

/// The name of a command, or nothing.
fn known_command(words: &mut Words<'_>) -> Result<Option<String>, Misread> {
    let Some(name) = words.next().map(str::to_ascii_lowercase) else { return Ok(None) };
    match COMMANDS.iter().any(|usage| usage.name() == name) {
        true => Ok(Some(name)),
        false => Err(unknown(&name)),
    }
}

/// `WHO [messages|presence|watchers|everything] [if verified|claimed|anonymous]`
fn mark(words: &mut Words<'_>, decision: Decision) -> Result<Command, Misread> {
    let who = words.who()?;
    let one = |ask| vec![Topic::One(ask)];
    let (mut topics, mut standing) = (vec![Topic::Everything], None);
    while let Some(word) = words.next() {
        match word.to_ascii_lowercase().as_str() {
            "everything" => topics = vec![Topic::Everything],
            "messages" => topics = one(Ask::Write),
            "presence" => topics = vec![Topic::One(Ask::Subscribe), Topic::One(Ask::Fetch)],
            "watchers" => topics = one(Ask::Winfo),
            "if" => {
                let word = words.expect("verified, claimed or anonymous")?.to_ascii_lowercase();
                let known = Standing::from_word(&word).ok_or_else(|| {
                    Misread::new(format!("{:?} is none of verified, claimed, anonymous", short(&word)))
                })?;
                standing = Some(known);
            }
            other => {
                let accepted = "everything, messages, presence, watchers, or if claimed";
                return Err(Misread::new(format!(
                    "{:?} is nothing to say it of; {accepted} is",
                    short(other)
                )));
            }
        }
    }
    Ok(Command::Mark { who, topics, standing, decision })
}

/// `open|closed [NOTE]`, `off`
fn status(words: &mut Words<'_>) -> Result<Option<(Basic, Option<String>)>, Misread> {
    let word = words.expect("open, closed or off")?.to_ascii_lowercase();
    match (Basic::from_word(&word), word.as_str()) {
        (Some(basic), _) => Ok(Some((basic, note(words)?))),
        (None, "off") => Ok(None),
        _ => Err(Misread::new(format!("{:?} is none of open, closed, off", short(&word)))),
    }
}

fn note(words: &mut Words<'_>) -> Result<Option<String>, Misread> {
    let note = words.rest();
    match note.as_ref().is_some_and(|note| note.chars().count() > MAX_NOTE) {
        true => Err(Misread::new(format!("that note is too long; {MAX_NOTE} characters are taken"))),
        false => Ok(note),
    }
}

/// `open|closed [NOTE]`, `only DESTINATION ..`, `all`
fn show(words: &mut Words<'_>) -> Result<Show, Misread> {
    let word = words.expect("open, closed, only or all")?.to_ascii_lowercase();
    match (Basic::from_word(&word), word.as_str()) {
        (Some(basic), _) => Ok(Show::Basic(basic, note(words)?)),
        (None, "all") => Ok(Show::All),
        (None, "only") => {
            let mut destinations = vec![words.expect("how its destination begins, such as im: or mailto:")?];
            destinations.extend(words.by_ref());
            match destinations.len() {
                ..=MAX_DESTINATIONS => Ok(Show::Only(destinations.into_iter().map(str::to_owned).collect())),
                _ => Err(Misread::new(format!("too many destinations; {MAX_DESTINATIONS} are taken"))),
            }
        }
        _ => Err(Misread::new(format!("{:?} is none of open, closed, only, all", short(&word)))),
    }
}

/// `URI [for 2d|until 2026-12-31]`, `off`
fn forward(words: &mut Words<'_>, now: UnixMs) -> Result<Option<Forward>, Misread> {
    if words.takes("off") {
        return Ok(None);
    }
    let to = words.somebody()?.with_class(Class::Im);
    let until = match words.next().map(str::to_ascii_lowercase).as_deref() {
        None => None,
        Some("for") => match words.maybe_span()? {
            Some(span) => Some(now.plus(span)),
            None => return Err(Misread::new("for how long? such as 2d")),
        },
        Some("until") => Some(words.moment()?),
        Some(other) => {
            return Err(Misread::new(format!("{:?}? for 2d or until 2026-12-31 is taken", short(other))));
        }
    };
    match until {
        Some(until) if until <= now => Err(Misread::new("that is over already")),
        until => Ok(Some(Forward { to, until })),
    }
}

fn kept_id(words: &mut Words<'_>) -> Result<KeptId, Misread> {
    let word = words.expect("the ID that you were told")?;
    KeptId::parse(word).ok_or_else(|| Misread::new("that is no ID; it has 12 letters and digits"))
}
