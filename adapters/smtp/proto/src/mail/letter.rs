//! From a message to a mail for a person.

use std::borrow::Cow;

use cpim_adapter::message_cpim::Mode;
use cpim_adapter::{Address, Content, Domain, Message, MessageCpim, Metadata, Passage, Subject};

use super::field;
use super::part::{Lossy, Part};
use super::text::{self, Header};
use crate::address::Mailbox;

/// A mail that is ready to be sent, each line with its end.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Post {
    /// The mail.
    pub octets: Vec<u8>,
    /// It may only be given to a server that offers 8BITMIME (RFC 6152).
    pub eight_bit: bool,
}

/// Who writes to whom, and on which way: what every mail of ours begins with.
#[derive(Clone, Copy, Debug)]
pub struct Slip<'a> {
    /// The mailbox that leads back to the source.
    pub from: &'a Mailbox,
    /// What that mailbox is an alias of.
    pub alias_of: Option<&'a Address>,
    /// The mailbox it goes to.
    pub to: &'a Mailbox,
    /// How it departs.
    pub passage: &'a Passage,
    /// The gateway's relay domain, for names that are minted.
    pub relay: &'a Domain,
    /// Now, in seconds since 1970.
    pub now_s: u64,
}

/// A message to a person who has mail.
#[derive(Clone, Copy, Debug)]
pub struct Letter<'a> {
    /// Who to whom.
    pub slip: Slip<'a>,
    /// What is written.
    pub message: &'a Message,
}

impl Letter<'_> {
    /// The mail. `eight_bit`: the server offers 8BITMIME.
    ///
    /// # Errors
    /// [`Lossy`] where a signature or an encryption would break.
    pub fn write(&self, eight_bit: bool) -> Result<Post, Lossy> {
        let (content, metadata) = unwrapped(self.message);
        let header = self.slip.header(&metadata);
        let part = Part::for_person(&content, eight_bit, &self.slip.boundary())?;
        Ok(Post { eight_bit: part.eight_bit, octets: part.under(header) })
    }
}

impl Slip<'_> {
    /// The fields of a mail with this metadata, up to those of its entity.
    pub(super) fn header(&self, metadata: &Metadata) -> Header {
        let mut header = Header::default();
        for via in self.passage.via.iter().rev() {
            header.put(field::VIA, via.as_str());
        }
        header.put(field::HOPS, &self.passage.hops.to_string());
        header.put(field::ID, self.passage.id.as_str());
        if let Some(source) = self.alias_of {
            header.put(field::SOURCE, &source.to_string());
        }
        let date = metadata.date.as_deref().and_then(text::date);
        header.put("Date", &date.unwrap_or_else(|| text::date_of(self.now_s)));
        header.party("From", metadata.source_name.as_deref(), self.from);
        header.party("To", metadata.destination_name.as_deref(), self.to);
        header.put("Message-ID", &self.message_id(metadata));
        if let Some(subject) = metadata.subjects.first() {
            header.words("Subject", &subject.text);
        }
        let references: Vec<String> = metadata
            .references
            .iter()
            .filter(|reference| text::is_message_id(reference))
            .map(|reference| reference.to_string())
            .collect();
        if let Some(last) = references.last() {
            header.put("In-Reply-To", last);
            header.folded("References", &references);
        }
        if metadata.automatic {
            header.put("Auto-Submitted", "auto-generated");
        }
        header
    }

    /// The message's own name where mail can carry it, so that conversations stay together; else one of ours.
    fn message_id(&self, metadata: &Metadata) -> String {
        let own = metadata.message_ref.as_deref().filter(|own| text::is_message_id(own));
        own.map_or_else(|| format!("<{}@{}>", self.passage.id, self.relay), str::to_owned)
    }

    pub(super) fn boundary(&self) -> String {
        // An id has 64 characters at most, as RFC 2046 section 5.1.1 has room for 70.
        format!("=_{}", self.passage.id)
    }
}

/// What a person is to see: where metadata came in a Message/CPIM around the content, it becomes the mail's own.
fn unwrapped(message: &Message) -> (Cow<'_, Content>, Cow<'_, Metadata>) {
    let as_it_is = (Cow::Borrowed(&message.content), Cow::Borrowed(&message.metadata));
    if !message.content.media_type().is_some_and(|media| media.is("message/cpim")) {
        return as_it_is;
    }
    let Ok(wrapped) = MessageCpim::read(&message.content, Mode::Tolerant) else { return as_it_is };
    let (own, inner) = (&message.metadata, wrapped.metadata());
    let or = |own: &Vec<Subject>, inner: Vec<Subject>| if own.is_empty() { inner } else { own.clone() };
    let metadata = Metadata {
        subjects: or(&own.subjects, inner.subjects),
        date: own.date.clone().or(inner.date),
        source_name: own.source_name.clone().or(inner.source_name),
        destination_name: own.destination_name.clone().or(inner.destination_name),
        message_ref: own.message_ref.clone().or(inner.message_ref),
        references: if own.references.is_empty() { inner.references } else { own.references.clone() },
        automatic: own.automatic || inner.automatic,
    };
    (Cow::Owned(wrapped.content().clone()), Cow::Owned(metadata))
}
