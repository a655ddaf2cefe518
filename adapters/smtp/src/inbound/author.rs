//! Who wrote a mail, and how well that is known.

use cpim_adapter::{Authority, Class, Domain, ImUri, Mapper, Scope, Selectors, Standing, Uri};
use cpim_smtp_proto::address::Mailbox;
use cpim_smtp_proto::mail::Mail;
use cpim_smtp_proto::session::Reply;

use super::evidence::Evidence;
use crate::config::SubmitterSettings;

const NO_AUTHOR: Reply = Reply::fixed(550, "5.7.1", "no author that can be answered");
const NOT_YOURS: Reply = Reply::fixed(550, "5.7.1", "the author is not yours to use");

/// The author of a mail.
#[derive(Clone, Debug)]
pub(super) struct Author {
    /// The address here: a source route, or that of somebody who is at home here.
    pub(super) source: ImUri,
    /// How well it is known.
    pub(super) standing: Standing,
    /// How it was found out, for the trace.
    pub(super) how: String,
}

impl Author {
    /// What operations of this author may say.
    pub(super) fn authority(&self, client: &str) -> Authority {
        let route = Selectors::default().find("mailto").ok().map(Scope::Selector);
        Authority {
            peer: None,
            // Its own address is how answers that were kept are found again.
            scopes: route.into_iter().chain([Scope::Address(self.source.address().clone())]).collect(),
            standing: self.standing,
            label: format!("mail from {client}: {}", self.how),
        }
    }
}

/// The author of what somebody who authenticated sends: whom he may write as.
///
/// # Errors
/// The mail names nobody, several, or somebody else.
pub(super) fn of_submitter(
    mail: &Mail,
    submitter: &SubmitterSettings,
    hosted: &[Domain],
    mapper: &Mapper,
) -> Result<Author, Reply> {
    let from = &mail.from().ok_or(NO_AUTHOR)?.mailbox;
    if !covers(&submitter.from, from) {
        return Err(NOT_YOURS);
    }
    let uri = match hosted.contains(from.domain()) {
        true => from.as_resident(Class::Im, mapper).map_err(|_| NOT_YOURS)?,
        false => from.as_stranger(Class::Im, mapper).map_err(|_| NOT_YOURS)?,
    };
    Ok(Author {
        source: source(uri)?,
        standing: Standing::Verified,
        how: format!("{} authenticated", submitter.name),
    })
}

/// The author of what anybody else sends: the one whom the mail names, where that is proven or the envelope is of the
/// same domain; else the envelope's sender. Nobody is proven by a mail without an envelope's sender. A list that brings
/// back what somebody here has written is its sender: whom it names has written to the list, and to nobody else.
///
/// # Errors
/// There is nobody, or somebody who can have no address here.
pub(super) fn of_stranger(
    mail: &Mail,
    sender: Option<&Mailbox>,
    evidence: Option<&Evidence>,
    mapper: &Mapper,
) -> Result<Author, Reply> {
    let is_own = |mailbox: &Mailbox| mapper.is_ours(mailbox.domain());
    let from = mail.from().map(|author| &author.mailbox);
    let from = from.filter(|from| !is_own(from) || sender.is_none_or(is_own));
    let is_proven = evidence.is_some_and(|evidence| evidence.is_proven);
    let (mailbox, standing, what) = match (from, sender) {
        (Some(from), Some(_)) if is_proven => (from, Standing::Verified, "its author is proven"),
        (Some(from), Some(sender)) if from.domain() == sender.domain() => {
            (from, Standing::Claimed, "its author is as it says")
        }
        (_, Some(sender)) => (sender, Standing::Claimed, "its author is whoever sent it"),
        (Some(from), None) => (from, Standing::Anonymous, "a report or the like"),
        (None, None) => return Err(NO_AUTHOR),
    };
    let uri = mailbox.as_stranger(Class::Im, mapper).map_err(|_| NOT_YOURS)?;
    let how = match evidence {
        Some(evidence) => format!("{what}; {}", evidence.summary),
        None => format!("{what}; nothing is checked"),
    };
    Ok(Author { source: source(uri)?, standing, how })
}

fn source(uri: Uri) -> Result<ImUri, Reply> {
    ImUri::try_from(uri).map_err(|_| NOT_YOURS)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_submitter_writes_as_who_he_is() {
        let names = ["alice@a.example".to_owned(), "b.example".to_owned()];
        for (mailbox, may) in [
            ("alice@a.example", true),
            ("alice@A.example", true),
            ("Alice@a.example", false),
            ("bob@a.example", false),
            ("anybody@b.example", true),
            ("anybody@x.b.example", false),
        ] {
            assert_eq!(covers(&names, &Mailbox::parse(mailbox).unwrap()), may, "{mailbox}");
        }
    }
}
