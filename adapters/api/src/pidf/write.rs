//! From the draft's form to a document.

use std::sync::Arc;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::loss::Losses;
use super::{CIPID, DATA_MODEL, Loss, PIDF, RULES, content};
use crate::xml::{Event, Reader, Writer};
use crate::{Address, Class, Content, Presence, Tuple};

/// What the id of a tuple begins with that was minted here; a name must not begin with a digit.
pub(super) const MINTED: &str = "t-";

/// Makes a document of presence in the draft's form, and names what a document cannot hold.
///
/// `now` is the timestamp of each tuple, which RFC 3863 section 4.1.7 wants wherever the time is known. The same tuple has
/// the same id in every document.
#[must_use]
pub fn write(presence: &Presence, presentity: &Address, now: Option<Timestamp>) -> (Content, Vec<Loss>) {
    let mut losses = Losses::default();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n");
    let mut writer = Writer::new(&mut xml);
    writer.start("presence").namespace("", PIDF);
    writer.attribute("entity", &presentity.with_class(Class::Pres).to_string()).open();
    let now = now.map(|now| now.to_string());
    let mut ids: Vec<String> = Vec::with_capacity(presence.tuples().len());
    for tuple in presence.tuples() {
        let id = id(&tuple.destination, &ids);
        writer.start("tuple").attribute("id", &id).open();
        ids.push(id);
        writer.start("status").open().start("basic").open().text(tuple.status.as_str()).close("basic");
        writer.close("status");
        extensions(&mut writer, tuple, &mut losses);
        writer.start("contact").open().text(&tuple.destination).close("contact");
        if let Some(text) = tuple.text() {
            writer.start("note").open().text(&text).close("note");
        }
        if let Some(now) = &now {
            writer.start("timestamp").open().text(now).close("timestamp");
        }
        writer.close("tuple");
    }
    if let Some(page) = presence.entity_info() {
        writer.start("dm:person").namespace("dm", DATA_MODEL).attribute("id", "p1").open();
        writer.start("c:homepage").namespace("c", CIPID).open().text(page).close("c:homepage");
        writer.close("dm:person");
    }
    writer.close("presence");
    (content::entity(&xml), losses.into_vec())
}

/// An id that the destination always gets; a second tuple of it gets one of its own.
fn id(destination: &str, taken: &[String]) -> String {
    let hash = Sha256::digest(destination);
    let short = hash.iter().take(8).fold(MINTED.to_owned(), |id, octet| format!("{id}{octet:02x}"));
    let mut number = 1_usize;
    let mut id = short.clone();
    while taken.contains(&id) {
        number += 1;
        id = format!("{short}-{number}");
    }
    id
}

/// The elements within a tuple, each with the namespaces that it relies on. One without a namespace cannot stand in a document
/// (RFC 3863 section 4.4), and one of PIDF's own would say something else there.
fn extensions(writer: &mut Writer<'_>, tuple: &Tuple, losses: &mut Losses) {
    if !tuple.markup.contains('<') {
        return;
    }
    let wrapped = tuple.wrapped();
    // Markup that is not well formed never came over a wire; there is nothing in it to carry.
    if each_element(&wrapped, |namespace, local, element, declared| match namespace {
        "" | PIDF => losses.element(namespace, local),
        _ => {
            writer.raw(&with_namespaces(element, declared, &tuple.namespaces));
        }
    })
    .is_none()
    {
        losses.add(Loss::Element("not well formed".into()));
    }
}

/// Calls back for each element directly within the root, with what it is, how it is written, and which prefixes its own start tag declares.
fn each_element(wrapped: &str, mut found: impl FnMut(&str, &str, &str, &[&str])) -> Option<()> {
    let mut reader = Reader::new(wrapped.as_bytes(), &RULES).ok()?;
    reader.root().ok()?;
    loop {
        match reader.event().ok()? {
            Event::Start(tag) => {
                let (namespace, local) = reader.expanded(&tag);
                let (namespace, local) = (namespace.to_owned(), local.to_owned());
                let declared: Vec<&str> = tag.attributes().map(|(name, _)| name).collect();
                reader.inner().ok()?;
                found(&namespace, &local, wrapped.get(tag.at..reader.at())?, &declared);
            }
            Event::Text(_) => {}
            Event::End => return reader.finish().ok(),
        }
    }
}

/// An element with declarations added to its start tag, for the prefixes that it does not declare itself; without a default
/// namespace it is said to have none, since the document has one.
fn with_namespaces(element: &str, declared: &[&str], around: &[(Arc<str>, Arc<str>)]) -> String {
    let name = element.find([' ', '\t', '\r', '\n', '/', '>']).unwrap_or(element.len());
    let (start, rest) = element.split_at_checked(name).unwrap_or((element, ""));
    let mut out = start.to_owned();
    let mut writer = Writer::new(&mut out);
    let declares = |prefix: &str| match prefix {
        "" => declared.contains(&"xmlns"),
        _ => declared.iter().any(|name| name.strip_prefix("xmlns:") == Some(prefix)),
    };
    for (prefix, name) in around.iter().filter(|(prefix, _)| !declares(prefix)) {
        writer.namespace(prefix, name);
    }
    if !declares("") && !around.iter().any(|(prefix, _)| prefix.is_empty()) {
        writer.namespace("", "");
    }
    writer.raw(rest);
    out
}
