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

/// What may be answered: a mail, by its name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Thread {
    /// Its `Message-ID`.
    pub message_id: String,
    /// What it was about.
    pub subject: Option<String>,
}

impl Thread {
    /// Octets of a subject that is taken up at most: more than a mail program shows, and less than fills the memory.
    pub const MAX_SUBJECT_OCTETS: usize = 256;

    /// What a message with this metadata is to whoever answers it. Nothing where no answer could name it, or nobody
    /// wrote it.
    #[must_use]
    pub fn of(metadata: &Metadata) -> Option<Self> {
        let message_id = metadata.message_ref.as_deref().filter(|own| text::is_message_id(own))?;
        let subject = metadata.subjects.first().map(|subject| subject.text.to_string());
        let subject = subject.filter(|text| text.len() <= Self::MAX_SUBJECT_OCTETS);
        (!metadata.automatic).then(|| Self { message_id: message_id.to_owned(), subject })
    }

    /// The metadata of a message that says nothing itself of what it answers, and answers this.
    fn goes_on_in(&self, metadata: &mut Metadata) {
        metadata.references = vec![self.message_id.as_str().into()];
        metadata.subjects.extend(self.subject.as_deref().map(|subject| {
            let is_answer = subject.get(..3).is_some_and(|re| re.eq_ignore_ascii_case("re:"));
            let text = if is_answer { subject.to_owned() } else { format!("Re: {subject}") };
            Subject { lang: None, text: text.into() }
        }));
    }
}

/// A message to a person who has mail.
#[derive(Clone, Copy, Debug)]
pub struct Letter<'a> {
    /// Who to whom.
    pub slip: Slip<'a>,
    /// What is written.
    pub message: &'a Message,
    /// What was written last between the two, where that is known.
    pub after: Option<&'a Thread>,
}

impl Letter<'_> {
    /// The mail, and what it is to whoever answers it. `eight_bit`: the server offers 8BITMIME.
    ///
    /// # Errors
    /// [`Lossy`] where a signature or an encryption would break.
    pub fn write(&self, eight_bit: bool) -> Result<(Post, Option<Thread>), Lossy> {
        let (content, metadata) = unwrapped(self.message);
        let mut metadata = metadata.into_owned();
        let says_nothing = metadata.references.is_empty() && metadata.subjects.is_empty();
        if let Some(after) = self.after.filter(|_| says_nothing && !metadata.automatic) {
            after.goes_on_in(&mut metadata);
        }
        metadata.message_ref = Some(self.slip.message_id(&metadata).into());
        let header = self.slip.header(&metadata, submitted(&metadata));
        let part = Part::for_person(&content, eight_bit, &self.slip.boundary())?;
        Ok((Post { eight_bit: part.eight_bit, octets: part.under(header) }, Thread::of(&metadata)))
    }
}

impl Slip<'_> {
    /// The fields of a mail with this metadata, up to those of its entity. `submitted`: what is said of whoever wrote it,
    /// where that was nobody.
    pub(super) fn header(&self, metadata: &Metadata, submitted: Option<&str>) -> Header {
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
        if let Some(submitted) = submitted {
            header.put("Auto-Submitted", submitted);
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

/// What an automatic message says of itself: whether it answers anything (RFC 3834 section 5).
pub(super) const fn submitted(metadata: &Metadata) -> Option<&'static str> {
    match (metadata.automatic, metadata.references.is_empty()) {
        (false, _) => None,
        (true, true) => Some("auto-generated"),
        (true, false) => Some("auto-replied"),
    }
}

/// What a person is to see: where metadata came in a Message/CPIM around the content, it becomes the mail's own.
fn unwrapped(message: &Message) -> (Cow<'_, Content>, Cow<'_, Metadata>) {
    let as_it_is = (Cow::Borrowed(&message.content), Cow::Borrowed(&message.metadata));
    if !message.content.is("message/cpim") {
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
