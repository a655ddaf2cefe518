//! `presence`: the draft's own form of it (its section 8), and whatever its tuples hold.
//!
//! ```text
//! <presence entityInfo='..'><tuple destination='..' status='open|closed'>anything</tuple>..</presence>
//! ```
//!
//! What a tuple holds is kept octet for octet, and so is its meaning: namespaces that it relies on may have
//! been declared on an element around it, which is not kept. Those declarations go with the tuple, and are
//! written on its own element again.

use std::sync::Arc;

use cpim_adapter::{Basic, Presence, Tuple};

use super::operation::Trouble;
use crate::{EncodeError, Limits};
use cpim_adapter::xml::{Event, Reader, Rules, Tag, Writer, is_char};

/// How deep a tuple is within its operation.
const TUPLE_DEPTH: usize = 3;

/// Writes the element.
///
/// # Errors
/// [`EncodeError::Markup`] where a tuple's markup is not well-formed XML by itself.
pub(super) fn write_presence(
    writer: &mut Writer<'_>,
    presence: &Presence,
    limits: &Limits,
) -> Result<(), EncodeError> {
    writer.start("presence");
    if let Some(uri) = presence.entity_info() {
        writer.attribute("entityInfo", uri);
    }
    writer.open();
    for tuple in presence.tuples() {
        check_markup(tuple, limits)?;
        start_tuple(writer, tuple);
        match tuple.markup.is_empty() {
            true => writer.empty(),
            false => writer.open().raw(&tuple.markup).close("tuple"),
        }
    }
    writer.close("presence");
    Ok(())
}

fn start_tuple(writer: &mut Writer<'_>, tuple: &Tuple) {
    writer
        .start("tuple")
        .attribute("destination", &tuple.destination)
        .attribute("status", tuple.status.as_str());
    for (prefix, name) in &tuple.namespaces {
        writer.namespace(prefix, name);
    }
}

/// Makes sure that markup is all of what its tuple holds: neither less, nor the end of it and more.
fn check_markup(tuple: &Tuple, limits: &Limits) -> Result<(), EncodeError> {
    let Tuple { markup, namespaces, .. } = tuple;
    let plain = |c| is_char(c) && !matches!(c, '<' | '&' | ']');
    if namespaces.is_empty() && markup.chars().all(plain) {
        return Ok(());
    }
    let mut written = String::with_capacity(markup.len() + 256);
    let mut writer = Writer::new(&mut written);
    start_tuple(&mut writer, tuple);
    writer.open().raw(markup).close("tuple");
    let rules = limits.rules();
    let rules = Rules { depth: rules.depth.saturating_sub(TUPLE_DEPTH - 1), ..rules };
    let mut reader = Reader::new(written.as_bytes(), &rules)?;
    reader.root()?;
    match reader.inner()?.len() == markup.len() {
        true => Ok(reader.finish()?),
        false => Err(EncodeError::MarkupEnds),
    }
}

/// Reads the element whose start was just read, to its end.
pub(super) fn read_presence(tag: &Tag<'_>, reader: &mut Reader<'_>) -> Result<Presence, Trouble> {
    let mut tuples = Vec::new();
    loop {
        match reader.event()? {
            Event::End => break,
            Event::Text(text) if text.trim().is_empty() => {}
            Event::Start(tag) if tag.name == "tuple" => {
                tuples.push(read_tuple(&tag, reader)?);
            }
            Event::Start(_) | Event::Text(_) => {
                return Err(Trouble::unsupported(
                    "`presence`: expected `tuple` elements, and nothing beside them",
                ));
            }
        }
    }
    let presence = Presence::from_tuples(tuples);
    let presence =
        presence.ok_or_else(|| Trouble::unsupported("`presence`: expected at least one `tuple`"))?;
    Ok(presence.with_entity_info(tag.attribute("entityInfo").map(Arc::from)))
}

fn read_tuple(tag: &Tag<'_>, reader: &mut Reader<'_>) -> Result<Tuple, Trouble> {
    let destination = tag.attribute("destination");
    let destination = destination.ok_or_else(|| Trouble::unsupported("`tuple`: `destination` is missing"))?;
    let status = tag.attribute("status").and_then(Basic::from_word);
    let status =
        status.ok_or_else(|| Trouble::unsupported("`tuple`: expected `status` of `open` or `closed`"))?;
    let mut namespaces: Vec<_> =
        reader.namespaces().map(|(prefix, name)| (prefix.into(), name.into())).collect();
    let markup = reader.inner()?;
    if !markup.contains('<') {
        // Text alone relies on none.
        namespaces.clear();
    }
    Ok(Tuple { destination: destination.into(), status, markup: markup.into(), namespaces })
}
