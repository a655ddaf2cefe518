//! A mail that is all there: who wrote it, whether it may be taken, and to whom it is given.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use cpim_adapter::Standing;
use cpim_smtp_proto::address::Mailbox;
use cpim_smtp_proto::mail::Mail;
use cpim_smtp_proto::session::{Path, Received, Reply};

use super::author::{self, Author};
use super::bounces::now_s;
use super::evidence::{Carrier, Refuser};
use super::mail::{Letter, hand_over};
use super::recipient::Taken;
use super::{Inbound, RATE_SPAN, Terms};

const UNREADABLE: Reply = Reply::fixed(554, "5.6.0", "a header over the limits");
const LOOP: Reply = Reply::fixed(554, "5.4.6", "it has crossed too many servers");
const NO_SENDER: Reply = Reply::fixed(550, "5.7.1", "no sender that can be answered");
const REFUSED_BY_DMARC: Reply =
    Reply::fixed(550, "5.7.1", "the author's domain wants this refused, by its DMARC policy");
const TOO_MANY_MAILS: Reply = Reply::fixed(450, "4.7.1", "too many mails of this author; try again later");
// RFC 7372 section 3.2.
const REFUSED_BY_SPF: Reply = Reply::fixed(550, "5.7.23", "the sender's domain wants this refused, by SPF");

/// Who brought a mail.
pub(super) struct Bringer {
    /// The client's address.
    pub(super) ip: IpAddr,
    /// What it calls itself.
    pub(super) helo: String,
    /// As whom it authenticated.
    pub(super) user: Option<String>,
}

/// Takes a mail. `Ok`: it is taken, and what is not delivered of it is reported.
pub(super) async fn take(
    inbound: &Arc<Inbound>,
    received: Received,
    taken: Vec<Taken>,
    bringer: &Bringer,
) -> Result<(), Reply> {
    let mail = Mail::read(&received.octets).map_err(|_| UNREADABLE)?;
    let terms = inbound.terms();
    if mail.received() > terms.settings.limits.received {
        return Err(LOOP);
    }
    let author = author(inbound, &terms, &received, &mail, &taken, bringer).await?;
    let most = terms.settings.limits.author_mails;
    let may_send = || inbound.authors.may_send(author.source.address(), most, RATE_SPAN, Instant::now());
    if author.standing == Standing::Verified && !may_send() {
        return Err(TOO_MANY_MAILS);
    }
    let client = bringer.ip.to_string();
    let letter = Letter { is_submitter: bringer.user.is_some(), received, mail, author, client };
    hand_over(inbound, letter, taken).await
}

async fn author(
    inbound: &Inbound,
    terms: &Terms,
    received: &Received,
    mail: &Mail,
    taken: &[Taken],
    bringer: &Bringer,
) -> Result<Author, Reply> {
    let mapper = inbound.cx.mapper();
    if let Some(name) = &bringer.user {
        // Since he authenticated he may have been struck from the configuration.
        let submitter = terms.settings.submitters.iter().find(|submitter| submitter.name == *name);
        let submitter = submitter.ok_or(Reply::fixed(530, "5.7.0", "authenticate again"))?;
        return author::of_submitter(mail, submitter, &terms.settings.hosted, &mapper);
    }
    let sender = match &received.envelope.sender.path {
        Path::Mailbox(written) => Some(Mailbox::parse_long(written.as_str()).map_err(|_| NO_SENDER)?),
        Path::Null | Path::Postmaster => None,
    };
    // A peer proves itself by its envelope, for which DNS need not be asked.
    let is_of_peer =
        || taken.iter().any(|taken| mail.is_proven(&taken.destination, &mapper, &inbound.peers, now_s()));
    let evidence = match &terms.witness {
        Some(witness) if !is_of_peer() => {
            let from = mail.from().map(|author| &author.mailbox);
            let carrier = Carrier { ip: bringer.ip, helo: &bringer.helo, sender: sender.as_ref() };
            Some(witness.hear(&received.octets, from, carrier).await)
        }
        _ => None,
    };
    match evidence.as_ref().and_then(|evidence| evidence.refused_by) {
        Some(refuser) if terms.settings.refuse_forged => {
            tracing::info!(client = %bringer.ip, ?refuser, "a mail is refused");
            return Err(match refuser {
                Refuser::Dmarc => REFUSED_BY_DMARC,
                Refuser::Spf => REFUSED_BY_SPF,
            });
        }
        _ => {}
    }
    author::of_stranger(mail, sender.as_ref(), evidence.as_ref(), &mapper)
}
