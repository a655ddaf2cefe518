//! Metadata within Message/CPIM: how what belongs to a message but not to its body crosses where a protocol
//! has no other place for it.

use std::sync::Arc;

use super::{AbsoluteUri, Builder, DateTime, Extension, Header, MessageCpim, Name, Party, WriteError};
use crate::{Content, Message, Metadata};

/// The namespace of what RFC 3862 has no header for.
pub const METADATA: &str = "tag:cpim-gateway.example,2026:metadata";

const AUTOMATIC: &str = "Automatic";
const MESSAGE_REF: &str = "Message-Ref";
const REFERENCE: &str = "Reference";

impl Message {
    /// The content with the metadata around it: the original entity in a Message/CPIM, octet for octet; or the
    /// original entity itself where there is no metadata.
    ///
    /// # Errors
    /// [`WriteError`] where the entity cannot stand within a Message/CPIM.
    pub fn with_metadata_around(&self) -> Result<Content, WriteError> {
        let metadata = &self.metadata;
        if metadata.is_empty() {
            return Ok(self.content.clone());
        }
        let party = |name: &Option<Arc<str>>, uri: &crate::ImUri| {
            AbsoluteUri::parse(uri.spelled()).map(|uri| Party { name: name.clone(), uri })
        };
        let (Some(from), Some(to)) = (
            party(&metadata.source_name, &self.source),
            party(&metadata.destination_name, &self.destination),
        ) else {
            // An `im:` URI is an absolute URI.
            return Ok(self.content.clone());
        };
        let mut builder = Builder::new(from, to);
        if let Some(date) = metadata.date.as_deref().and_then(DateTime::parse) {
            builder = builder.date_time(date);
        }
        builder = metadata.subjects.iter().cloned().fold(builder, Builder::subject);
        let automatic = metadata.automatic.then_some((AUTOMATIC, "yes"));
        let message_ref = metadata.message_ref.as_deref().map(|text| (MESSAGE_REF, text));
        let references = metadata.references.iter().map(|text| (REFERENCE, text.as_ref()));
        let extensions = automatic.into_iter().chain(message_ref).chain(references);
        let builder =
            extensions.filter_map(|(name, text)| extension(name, text)).fold(builder, Builder::extension);
        builder.build(&self.content)
    }
}

fn extension(name: &str, text: &str) -> Option<Extension> {
    Extension::new(AbsoluteUri::parse(METADATA)?, Name::parse(name)?, text)
}

impl MessageCpim {
    /// What it says of the message, as metadata; what cannot be read of it is left out.
    #[must_use]
    pub fn metadata(&self) -> Metadata {
        let name = |party: Option<Party>| party.and_then(|party| party.name);
        let own =
            |wanted: &'static str| self.headers().iter().filter(move |header| header.is(METADATA, wanted));
        let text = |header: &Header| header.value().ok().map(|value| Arc::from(value.as_ref()));
        Metadata {
            subjects: self.subjects().filter_map(Result::ok).collect(),
            date: self.date_time().ok().flatten().map(|date| date.as_str().into()),
            source_name: name(self.from().ok().flatten()),
            destination_name: name(self.to().next().and_then(Result::ok)),
            message_ref: own(MESSAGE_REF).next().and_then(text),
            references: own(REFERENCE).filter_map(text).collect(),
            automatic: own(AUTOMATIC).next().is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message_cpim::Mode;
    use crate::{ImUri, LangTag, Subject};

    fn message(metadata: Metadata) -> Message {
        Message {
            source: ImUri::parse("im:fred@a.example").unwrap(),
            destination: ImUri::parse("im:barney@b.example").unwrap(),
            content: Content::text("Yabba, dabba!"),
            metadata,
        }
    }

    #[test]
    fn everything_said_of_a_message_comes_out_again() {
        let subject = |lang: Option<&str>, text: &str| Subject {
            lang: lang.and_then(LangTag::parse),
            text: text.into(),
        };
        let metadata = Metadata {
            subjects: vec![subject(None, "two\nlines, \"quoted\" \\"), subject(Some("fr"), "deux")],
            date: Some("2026-11-20T12:00:00Z".into()),
            source_name: Some("Fred, of \"a\"".into()),
            destination_name: Some("Barney".into()),
            message_ref: Some("<1@a.example>".into()),
            references: vec!["<0@b.example>".into(), "x\ty".into()],
            automatic: true,
        };
        let message = message(metadata.clone());
        let carried = message.with_metadata_around().unwrap();
        let read = MessageCpim::read(&carried, Mode::Strict).unwrap();
        assert_eq!(read.metadata(), metadata);
        assert_eq!(read.content().octets(), message.content.octets());
    }

    #[test]
    fn without_metadata_nothing_is_put_around() {
        let message = message(Metadata::default());
        assert_eq!(message.with_metadata_around().unwrap().octets(), message.content.octets());
    }
}
