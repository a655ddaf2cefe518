//! An operation, made to fit what an external adapter claims. What it cannot carry is refused before the commit point,
//! and what it drops is left out here, so that the loss is named once, in the log and in the metrics' words.

use std::sync::Arc;

use cpim_adapter::message_cpim::{MessageCpim, Mode};
use cpim_adapter::{
    Class, Code, Content, Delivery, DeliveryError, Feature, ImUri, Local, Mapper, Message, Metadata, NextHop,
    Operation, PresUri, PresenceSupport, Uri,
};
use cpim_native_proto::{Claimed, Description};

/// The delivery as the adapter may have it.
///
/// # Errors
/// It cannot take it: `too-large`, `unsupported`, or `lossy` for what must not be left out.
pub(crate) fn fitted(
    mut delivery: Delivery,
    claims: &Description,
    mapper: &Mapper,
) -> Result<Delivery, DeliveryError> {
    let octets = delivery.operation.content().map_or(0, Content::len);
    if let Some(max) = claims.max_content_octets.filter(|max| octets > *max) {
        return Err(DeliveryError::refused(
            Code::TooLarge,
            format!("{octets} octets; {max} are taken by that system"),
        ));
    }
    let id = &delivery.passage.id;
    let operation = match &*delivery.operation {
        Operation::Message(message) => {
            let mut message = message.clone();
            if let Some(uri) = addressee(&delivery.hop, Class::Im, mapper) {
                message.destination = ImUri::try_from(uri).unwrap_or(message.destination);
            }
            fit_content(&mut message, claims)?;
            fit_metadata(
                &mut message.metadata,
                claims,
                &|what| tracing::warn!(%id, "loss: {what} is left out"),
            )?;
            Operation::Message(message)
        }
        Operation::Notify(notify) if notify.document.is_some() => match claims.claim(Feature::RichPresence) {
            Claimed::Full | Claimed::Degraded(_) => return Ok(delivery),
            Claimed::Dropped | Claimed::Rejected => {
                tracing::debug!(%id, "loss: the full presence document is left out");
                Operation::Notify(cpim_adapter::Notify { document: None, ..notify.clone() })
            }
        },
        Operation::Subscribe(_) | Operation::Unsubscribe(_)
            if claims.presence != PresenceSupport::PassThrough =>
        {
            return Err(DeliveryError::refused(Code::Unsupported, "that system keeps no subscriptions"));
        }
        Operation::Subscribe(subscribe) => {
            let mut subscribe = subscribe.clone();
            if let Some(uri) = addressee(&delivery.hop, Class::Pres, mapper) {
                subscribe.target = PresUri::try_from(uri).unwrap_or(subscribe.target);
            }
            Operation::Subscribe(subscribe)
        }
        Operation::Unsubscribe(unsubscribe) => {
            let mut unsubscribe = unsubscribe.clone();
            if let Some(uri) = addressee(&delivery.hop, Class::Pres, mapper) {
                unsubscribe.target = PresUri::try_from(uri).unwrap_or(unsubscribe.target);
            }
            Operation::Unsubscribe(unsubscribe)
        }
        Operation::Publish(_) => {
            return Err(DeliveryError::refused(Code::Unsupported, "that system publishes for itself"));
        }
        // A watcher is told by the name that he gave.
        Operation::Notify(_) => return Ok(delivery),
    };
    delivery.operation = Arc::new(operation);
    Ok(delivery)
}

/// Whom it is for, as an adapter always reads it: the source route in its canonical form, however its sender wrote it.
fn addressee(hop: &NextHop, class: Class, mapper: &Mapper) -> Option<Uri> {
    let NextHop::Foreign(foreign) = hop else { return None };
    mapper.address_of(&Local::Route(foreign.clone()), class).ok().map(Uri::from)
}

/// What a message says, for a system that may know nothing but text.
fn fit_content(message: &mut Message, claims: &Description) -> Result<(), DeliveryError> {
    let only_text = matches!(claims.claim(Feature::AnyContent), Claimed::Rejected);
    if only_text
        && message.metadata.is_empty()
        && let Ok(around) = MessageCpim::read(&message.content, Mode::Strict)
    {
        // What stands around the text is metadata, and is treated as such.
        message.metadata = around.metadata();
        message.content = around.content().clone();
    }
    let is_text = message.content.media_type().is_none_or(|kind| kind.is("text/plain"));
    let refuse = |what: &str| Err(DeliveryError::refused(Code::Unsupported, what.to_owned()));
    if only_text && !is_text {
        return refuse("that system knows nothing but text");
    }
    if !is_text {
        return Ok(());
    }
    let body = message.content.body();
    if matches!(claims.claim(Feature::Unicode), Claimed::Rejected) && !body.is_ascii() {
        return refuse("that system knows ASCII only");
    }
    let lines = body.trim_ascii_end();
    if matches!(claims.claim(Feature::MultiLine), Claimed::Rejected) && lines.contains(&b'\n') {
        return refuse("that system has one line in a message");
    }
    Ok(())
}

fn fit_metadata(
    metadata: &mut Metadata,
    claims: &Description,
    lost: &dyn Fn(&str),
) -> Result<(), DeliveryError> {
    // Metadata travels around the content, as Message/CPIM: who knows nothing but text cannot have it.
    let nowhere = matches!(claims.claim(Feature::AnyContent), Claimed::Rejected);
    let keeps = |feature: Feature, what: &str, is_there: bool| match claims.claim(feature) {
        _ if !is_there => Ok(true),
        Claimed::Rejected => Err(DeliveryError::refused(
            Code::Lossy,
            format!("{what} would be lost, and that system refuses it"),
        )),
        Claimed::Full | Claimed::Degraded(_) if !nowhere => Ok(true),
        Claimed::Full | Claimed::Degraded(_) | Claimed::Dropped => {
            lost(what);
            Ok(false)
        }
    };
    if !keeps(Feature::Subject, "the subject", !metadata.subjects.is_empty())? {
        metadata.subjects.clear();
    }
    if !keeps(Feature::Date, "the date", metadata.date.is_some())? {
        metadata.date = None;
    }
    let is_named = metadata.source_name.is_some() || metadata.destination_name.is_some();
    if !keeps(Feature::DisplayNames, "names for people", is_named)? {
        (metadata.source_name, metadata.destination_name) = (None, None);
    }
    let refers = metadata.message_ref.is_some() || !metadata.references.is_empty();
    if !keeps(Feature::Threads, "what it refers to", refers)? {
        (metadata.message_ref, metadata.references) = (None, Vec::new());
    }
    if nowhere {
        metadata.automatic = false;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use cpim_adapter::{Domain, ForeignAddress, OperationId, Passage, Selectors, Standing, Subject, TransId};

    use super::*;

    fn claims(features: &str) -> Description {
        let extensions = format!("<adapter max-content='200'>{features}</adapter>");
        Description::find(&extensions).unwrap().unwrap()
    }

    fn with_subject(content: Content) -> Delivery {
        let message = Message {
            source: ImUri::parse("im:fred@a.example").unwrap(),
            destination: ImUri::parse("im:pepp=example.com/FRED@gw.example").unwrap(),
            content,
            metadata: Metadata {
                subjects: vec![Subject { lang: None, text: "Quarry".into() }],
                automatic: true,
                ..Metadata::default()
            },
        };
        Delivery {
            leg: 1,
            trans_id: TransId::parse("1").unwrap(),
            hop: NextHop::Foreign(
                ForeignAddress::parse("pepp://example.com/fred", &Selectors::default()).unwrap(),
            ),
            operation: Arc::new(Operation::Message(message)),
            passage: Passage { id: OperationId::parse("1").unwrap(), hops: 9, via: Vec::new(), wait: None },
            standing: Standing::Verified,
            accepted_at: SystemTime::UNIX_EPOCH,
            again: false,
        }
    }

    fn fitted(delivery: Delivery, claims: &Description) -> Result<Delivery, DeliveryError> {
        let relay = Domain::parse("gw.example").unwrap();
        super::fitted(delivery, claims, &Mapper::new(relay, Selectors::default()))
    }

    fn message(delivery: &Delivery) -> &Message {
        match &*delivery.operation {
            Operation::Message(message) => message,
            other => panic!("{other:?}"),
        }
    }

    fn refused(features: &str, content: Content) -> Code {
        fitted(with_subject(content), &claims(features)).unwrap_err().code
    }

    const TEXT_ONLY: &str = "<feature name='any-content' support='rejected'/>";

    #[test]
    fn whoever_claims_all_is_given_all() {
        let html = Content::new("Content-Type: text/html\r\n\r\n<p>é\r\n<p>".into());
        let fitted = fitted(with_subject(html.clone()), &claims("")).unwrap();
        assert_eq!(message(&fitted).content, html);
        assert_eq!(message(&fitted).metadata.subjects.len(), 1);
        assert_eq!(message(&fitted).destination.spelled(), "im:pepp=example.com/fred@gw.example");
    }

    #[test]
    fn what_is_dropped_is_left_out_and_what_is_rejected_is_refused() {
        let text = || Content::text("Yabba");
        let dropped = claims("<feature name='subject' support='dropped'/>");
        let fitted = fitted(with_subject(text()), &dropped).unwrap();
        assert!(message(&fitted).metadata.subjects.is_empty() && message(&fitted).metadata.automatic);
        assert_eq!(refused("<feature name='subject' support='rejected'/>", text()), Code::Lossy);
        assert_eq!(
            refused("<feature name='unicode' support='rejected'/>", Content::text("é")),
            Code::Unsupported
        );
        let lines = Content::text("one\ntwo");
        assert_eq!(refused("<feature name='multi-line' support='rejected'/>", lines), Code::Unsupported);
        assert_eq!(refused("", Content::text(&"x".repeat(200))), Code::TooLarge);
    }

    #[test]
    fn whoever_knows_nothing_but_text_is_given_the_bare_text() {
        let html = Content::new("Content-Type: text/html\r\n\r\n<p>".into());
        assert_eq!(refused(TEXT_ONLY, html), Code::Unsupported);
        // Metadata that a native sender wrote around it is metadata all the same.
        let mut wrapped = with_subject(Content::text("Yabba"));
        let content = message(&wrapped).with_metadata_around().unwrap();
        let bare = Message { content, metadata: Metadata::default(), ..message(&wrapped).clone() };
        wrapped.operation = Arc::new(Operation::Message(bare));
        let claims = Description { max_content_octets: None, ..claims(TEXT_ONLY) };
        let fitted = fitted(wrapped, &claims).unwrap();
        assert_eq!(message(&fitted).content, Content::text("Yabba"));
        assert!(message(&fitted).metadata.is_empty());
    }
}
