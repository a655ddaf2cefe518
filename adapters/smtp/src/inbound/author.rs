//! Who wrote a mail, and how well that is known.

use cpim_adapter::{Authority, Class, ImUri, Mapper, Scope, Standing};
use cpim_smtp_proto::address::Mailbox;
use cpim_smtp_proto::mail::Mail;
use cpim_smtp_proto::session::{Path, Reply, Sender};

use crate::config::SubmitterSettings;

const NO_AUTHOR: Reply = Reply::fixed(550, "5.7.1", "no author that can be answered");
const NOT_YOURS: Reply = Reply::fixed(550, "5.7.1", "the author is not yours to use");

/// The author of a mail.
#[derive(Clone, Debug)]
pub(super) struct Author {
    /// The address at our relay domain.
    pub(super) source: ImUri,
    /// How well it is known.
    pub(super) standing: Standing,
    /// How it was found out, for the trace.
    pub(super) how: String,
}

impl Author {
    /// What operations of this author may say.
    pub(super) fn authority(&self, client: &str) -> Authority {
        let route = cpim_adapter::Selectors::default().find("mailto").ok().map(Scope::Selector);
        Authority {
            peer: None,
            // Its own address is how answers that were kept are found again.
            scopes: route.into_iter().chain([Scope::Address(self.source.address().clone())]).collect(),
            standing: self.standing,
            label: format!("mail from {client}: {}", self.how),
        }
    }
}

/// Who wrote a mail: the author it names, where the envelope's sender is of the same domain; else the envelope's.
pub(super) fn find(
    mail: &Mail,
    sender: &Sender,
    submitter: Option<&SubmitterSettings>,
    mapper: &Mapper,
) -> Result<Author, Reply> {
    let from = mail.from().map(|author| author.mailbox.clone());
    let envelope = match &sender.path {
        Path::Mailbox(written) => Some(Mailbox::parse(written.as_str()).map_err(|_| NO_AUTHOR)?),
        Path::Null | Path::Postmaster => None,
    };
    let address = |mailbox: &Mailbox| {
        let uri = mailbox.as_stranger(Class::Im, mapper).map_err(|_| NOT_YOURS)?;
        ImUri::try_from(uri).map_err(|_| NOT_YOURS)
    };
    if let Some(submitter) = submitter {
        let from = from.ok_or(NO_AUTHOR)?;
        if !covers(&submitter.from, &from) {
            return Err(NOT_YOURS);
        }
        let how = format!("{} authenticated", submitter.name);
        return Ok(Author { source: address(&from)?, standing: Standing::Verified, how });
    }
    let (mailbox, standing, how) = match (from, envelope) {
        (Some(from), Some(envelope)) if from.domain() == envelope.domain() => {
            (from, Standing::Claimed, "its own word")
        }
        (_, Some(envelope)) => (envelope, Standing::Claimed, "the envelope's word"),
        (Some(from), None) => (from, Standing::Anonymous, "a report or the like"),
        (None, None) => return Err(NO_AUTHOR),
    };
    Ok(Author { source: address(&mailbox)?, standing, how: how.to_owned() })
}

/// Whether a mailbox is one of these, or of one of these domains.
fn covers(names: &[String], mailbox: &Mailbox) -> bool {
    names.iter().any(|name| match name.rsplit_once('@') {
        Some((local, domain)) => {
            local == mailbox.local() && domain.eq_ignore_ascii_case(mailbox.domain().as_str())
        }
        None => name.eq_ignore_ascii_case(mailbox.domain().as_str()),
    })
}
