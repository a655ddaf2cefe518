//! For whom a mail may be: what is decided at RCPT. That is syntax, relaying and our own local-parts, never whether
//! somebody is there.

use cpim_adapter::{Class, Domain, ImUri, Local, Mapper};
use cpim_smtp_proto::address::Mailbox;
use cpim_smtp_proto::session::{Recipient, Reply};

use crate::config::IncomingSettings;

/// A recipient that is taken.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    /// As it was written.
    pub(super) mailbox: Mailbox,
    /// The inbox that is meant.
    pub(super) destination: ImUri,
    /// The envelope's words about it.
    pub(super) said: Recipient,
}

const NO_MAILBOX: Reply = Reply::fixed(501, "5.1.3", "no mailbox");
const NO_RELAYING: Reply = Reply::fixed(550, "5.7.1", "no mail is relayed to there");
const NO_ADDRESS: Reply = Reply::fixed(550, "5.1.1", "no such address of this gateway");

/// Whether a recipient is taken from a stranger, or from somebody who authenticated.
pub(super) fn take(
    said: Recipient,
    is_submitter: bool,
    relay: &Domain,
    settings: &IncomingSettings,
    mapper: &Mapper,
) -> Result<Taken, Reply> {
    let mailbox = match &said.mailbox {
        Some(written) => Mailbox::parse_long(written.as_str()).map_err(|_| NO_MAILBOX)?,
        None => Mailbox::new("postmaster", relay.clone()).map_err(|_| NO_MAILBOX)?,
    };
    if !mapper.is_ours(mailbox.domain()) && !settings.hosted.contains(mailbox.domain()) {
        return Err(NO_RELAYING);
    }
    let is_postmaster =
        mapper.is_relay(mailbox.domain()) && mailbox.local().eq_ignore_ascii_case("postmaster");
    let destination = match is_postmaster {
        // Somebody must be there (RFC 5321 section 4.5.1), and only the gateway is.
        true => mapper.read(&format!("im:gateway@{relay}"), Class::Im),
        false => mailbox.as_resident(Class::Im, mapper),
    };
    let destination = destination.ok().and_then(|uri| ImUri::try_from(uri).ok()).ok_or(NO_ADDRESS)?;
    match mapper.resident(destination.address()) {
        Ok(Some(Local::Route(foreign))) => {
            let selector = foreign.selector().as_str();
            if !is_submitter && settings.closed_to_strangers.iter().any(|closed| closed == selector) {
                return Err(NO_RELAYING);
            }
        }
        Ok(Some(Local::Alias(_) | Local::Gateway) | None) => {}
        Ok(Some(Local::Plain(_) | Local::Winfo(_))) | Err(_) => return Err(NO_ADDRESS),
    }
    Ok(Taken { mailbox, destination, said })
}
