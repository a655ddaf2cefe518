//! A scene, played.

use std::collections::BTreeMap;

use crate::mail::MailServer;
use crate::people::{NETWORK, Person, Ports, Seen};
use crate::scene::{Address, Scene, Step, What, Wrong};
use crate::support::gateway::{Site, free_port};

/// Plays a scene with a gateway of its own.
///
/// # Errors
/// The first step that did not go as it is written.
pub(crate) fn play(scene: &Scene) -> Result<(), Wrong> {
    let mail = MailServer::start();
    let (irc, smtp) = (free_port(), free_port());
    let waits =
        scene.waits.as_ref().map_or_else(String::new, |waits| format!("[limits]\nmax_wait = \"{waits}\"\n"));
    let site = Site::new(&format!(
        "{waits}[principals]\nsubscribe = \"allow\"\nfetch = \"allow\"\n\
         [irc]\nname = \"{NETWORK}\"\n\
         [[irc.listener]]\naddress = \"127.0.0.1:{irc}\"\nguests = \"verified\"\n\
         [[smtp.listener]]\naddress = \"127.0.0.1:{smtp}\"\n\
         [smtp.outgoing]\nsmarthost = \"127.0.0.1:{}\"\ntls = \"plain\"\n",
        mail.port
    ));
    let _gateway = site.start();
    let ports = Ports { native: site.port, irc, smtp, mail };
    let people = scene.cast.iter();
    let people = people.map(|(name, address)| (name.clone(), Person::new(address.clone(), ports.clone())));
    let mut people: BTreeMap<String, Person> = people.collect();
    for step in &scene.steps {
        let seen = take(scene, &mut people, step);
        seen.map_err(|what| Wrong { line: step.line, what: format!("{} {what}", step.who) })?;
    }
    Ok(())
}

fn take(scene: &Scene, people: &mut BTreeMap<String, Person>, step: &Step) -> Seen {
    let person = people.get_mut(&step.who).ok_or("is nobody")?;
    match &step.what {
        What::Away(text) => person.is_away(Some(text)),
        What::Back => person.is_away(None),
        What::Bounces(why) => person.bounces(why),
        What::IsTold(outcome) => person.is_told(outcome),
        What::Joins => {
            person.joins();
            Ok(())
        }
        What::Leaves => {
            person.leaves();
            Ok(())
        }
        What::Refuses { from, text } => person.sees(&uri(scene, from)?, text, false),
        What::Sees { from, text } => person.sees(&uri(scene, from)?, text, true),
        What::SeesNothing => person.sees_nothing(),
        What::SeesPresence { of, open, text } => person.sees_presence(&uri(scene, of)?, *open, text),
        What::StopsWatching(whom) => person.watches(&uri(scene, whom)?, false),
        What::TakesNone(answer) => person.takes_no_mail(answer),
        What::Watches(whom) => person.watches(&uri(scene, whom)?, true),
        What::Writes { to, text } => person.writes(&uri(scene, to)?, text),
    }
}

/// The URI of somebody: by name, `the gateway`, or as it is written.
fn uri(scene: &Scene, whom: &str) -> Result<String, String> {
    Ok(match (whom, scene.cast.get(whom)) {
        ("the gateway", _) => "im:gateway@gw.example".to_owned(),
        (_, Some(Address::Irc(nick))) => format!("im:irc={NETWORK}/{nick}@gw.example"),
        (_, Some(Address::Mail(mail))) => format!("im:mailto={}@gw.example", mail.replace('@', "~40")),
        (_, Some(Address::Native(uri))) => uri.clone(),
        _ if whom.starts_with("im:") => whom.to_owned(),
        _ => {
            return Err(format!(
                "has to do with {whom}, and nobody is called {whom}; a name or a URI is accepted"
            ));
        }
    })
}
