//! Commands that set rules: the same for their owner, who writes to the gateway, and for an administrator.

use cpim_adapter::{Address, Class};

use super::command::Command;
use super::words::{shown, shown_who, when};
use crate::clock::UnixMs;
use crate::router::Router;
use crate::rules::{Appearance, Ask, Decision, Forward, RuleError, Show, Topic, Who};

/// Entries of `rules` that are listed.
const LISTED: usize = 200;

/// Does what a command says to the rules of a principal, and says what holds from now on; nothing where the command is
/// about something else.
pub(super) async fn set(router: &Router, owner: &Address, command: &Command) -> Option<String> {
    let done = match command.clone() {
        Command::Mark { who: Who::Address(who), .. } if router.book().principal(&who) == *owner => {
            return Some("Nothing is changed: that is you, and you always may.".to_owned());
        }
        Command::Mark { who: Who::Address(who), .. } if router.is_own(&who) => {
            return Some(
                "Nothing is changed: that is the gateway, which writes only to whom it answers.".to_owned(),
            );
        }
        Command::Mark { who, topics, standing, decision } => {
            let said = marked(router, &who, &topics, decision);
            let marks = move |sheet: &mut crate::rules::Sheet| {
                topics.into_iter().try_for_each(|topic| {
                    sheet.mark(crate::rules::Mark { who: who.clone(), standing, topic, decision })
                })
            };
            let known = standing.map(|standing| format!(" This is for whoever is {standing}."));
            done(router.book().change(owner, marks).await, said + &known.unwrap_or_default())
        }
        Command::Unblock(who) => {
            let name = shown_who(router, &who);
            match router.book().change(owner, move |sheet| Ok(sheet.unmark(&who))).await {
                Ok(true) => Ok(format!("What you said of {name} is taken back.")),
                Ok(false) => Ok(format!("You had said nothing of {name}.")),
                Err(error) => Err(error),
            }
        }
        Command::Appear(appearance) => {
            let said = appears(router, &appearance);
            done(router.book().change(owner, move |sheet| sheet.appear(appearance)).await, said)
        }
        Command::Seen { who, seen } => {
            let said = match (&who, seen) {
                (Who::Any, true) => {
                    "Everybody may learn whom you watch, by the rules of those whom you watch.".to_owned()
                }
                (Who::Any, false) => "Nobody learns whom you watch, but those whom you watch.".to_owned(),
                (who, true) => format!("{} may learn whom you watch.", shown_who(router, who)),
                (who, false) => format!("{} does not learn whom you watch.", shown_who(router, who)),
            };
            done(router.book().change(owner, move |sheet| sheet.show_itself(who, seen)).await, said)
        }
        Command::Forward(forward) => self::forward(router, owner, forward).await,
        Command::Delegate { who, may } => {
            let name = shown(router, &who);
            match router.book().change(owner, move |sheet| sheet.set_delegate(&who, may)).await {
                Ok(_) if may => Ok(format!("{name} may set your presence, where he is proven.")),
                Ok(true) => Ok(format!("{name} may no longer set your presence.")),
                Ok(false) => Ok(format!("{name} could not set your presence.")),
                Err(error) => Err(error),
            }
        }
        _ => return None,
    };
    Some(done.unwrap_or_else(|error| format!("Nothing is changed: {error}.")))
}

fn done(result: Result<(), RuleError>, said: String) -> Result<String, RuleError> {
    result.map(|()| said)
}

fn marked(router: &Router, who: &Who, topics: &[Topic], decision: Decision) -> String {
    let who = shown_who(router, who);
    let messages = topics.iter().any(|topic| matches!(topic, Topic::Everything | Topic::One(Ask::Write)));
    let presence = topics
        .iter()
        .any(|topic| matches!(topic, Topic::Everything | Topic::One(Ask::Subscribe | Ask::Fetch)));
    let what = match (messages, presence) {
        (true, true) => "messages and presence",
        (true, false) => "messages",
        (false, true) => "presence",
        (false, false) => "who watches you",
    };
    match (decision, what) {
        (Decision::Allow, "who watches you") => format!("{who} may know who watches you."),
        (Decision::Allow, what) => format!("{who} is allowed: {what}."),
        (Decision::Deny, "who watches you") => format!("{who} may not know who watches you."),
        (Decision::Deny, what) => format!("{who} is blocked: {what}."),
        (Decision::Polite, "messages") => format!("{who} finds you out of contact when he writes."),
        (Decision::Polite, "who watches you") => format!("{who} sees nobody who watches you."),
        (Decision::Polite, "presence") => format!("{who} sees you closed."),
        (Decision::Polite, _) => format!("{who} finds you out of contact, and sees you closed."),
    }
}

fn appears(router: &Router, Appearance { who, show }: &Appearance) -> String {
    let who = shown_who(router, who);
    match show {
        Show::All => format!("{who} sees all of your presence, if he may watch you."),
        Show::Basic(basic, None) => format!("{who} sees you {basic}, if he may watch you."),
        Show::Basic(basic, Some(note)) => format!("{who} sees you {basic} ({note}), if he may watch you."),
        Show::Only(only) => {
            format!("{who} sees of your presence only {}, if he may watch you.", only.join(" "))
        }
    }
}

async fn forward(router: &Router, owner: &Address, forward: Option<Forward>) -> Result<String, RuleError> {
    let book = router.book();
    let said = match &forward {
        None => "Your messages come to you.".to_owned(),
        Some(Forward { to, .. }) if book.principal(to) == book.principal(owner) => {
            return Ok("Nothing is changed: that is your own inbox.".to_owned());
        }
        Some(Forward { to, .. }) if router.is_a_gateway(to) => {
            return Ok(
                "Nothing is changed: a gateway's inbox takes commands, and those of others are theirs."
                    .to_owned(),
            );
        }
        Some(Forward { to, until }) => {
            let until = until.map(|until| format!(" until {}", when(until))).unwrap_or_default();
            format!("Your messages go to {}{until}.", shown(router, to))
        }
    };
    let set = move |sheet: &mut crate::rules::Sheet| {
        sheet.set_forward(forward);
        Ok(())
    };
    book.change(owner, set).await.map(|()| said)
}

/// All that a principal has said, line by line.
pub(super) fn list(router: &Router, owner: &Address) -> String {
    let views = router.book().views(Some(owner), LISTED + 1);
    if views.is_empty() {
        return "You have set no rules. What holds then is up to the administrator.".to_owned();
    }
    let lines = views.iter().take(LISTED).map(|view| {
        let about = match Address::parse(&view.about) {
            Ok(address) => shown(router, &address.with_class(Class::Im)),
            Err(_) => view.about.clone(),
        };
        [view.says.as_str(), &about, &view.detail]
            .into_iter()
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    });
    let mut lines: Vec<String> = lines.collect();
    if views.len() > LISTED {
        lines.push("and more".to_owned());
    }
    lines.join("\n")
}

/// What an administrator types for somebody.
///
/// # Errors
/// What is wrong with it, in words.
pub(crate) async fn for_somebody(router: &Router, owner: &Address, line: &str) -> Result<String, String> {
    let names = router.book().names();
    let command = Command::read(line, &names, UnixMs::now()).map_err(|why| why.to_string())?;
    match set(router, owner, &command).await {
        Some(said) => Ok(said),
        None => Err(format!(
            "{} sets no rule; allow, block, polite, unblock, appear, hide, visible, forward, delegate and undelegate do",
            command.name(),
        )),
    }
}
