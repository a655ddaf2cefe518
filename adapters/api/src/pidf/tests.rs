//! The vectors of the standards digest (P02 to P21), each with its clause, and properties.

mod filtering;
mod refused;
mod round_trip;
mod vectors;

use super::*;
use crate::{Address, Basic, Content, Presence, Tuple};

fn fred() -> Address {
    Address::parse("pres:someone@example.com").unwrap()
}

fn content(xml: &str) -> Content {
    Content::new(format!("Content-Type: application/pidf+xml\r\n\r\n{xml}").into())
}

/// A document of someone@example.com with this inside.
fn document(inside: &str) -> Content {
    content(&format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<presence xmlns='urn:ietf:params:xml:ns:pidf' \
         xmlns:x='urn:x' entity='pres:someone@example.com'>{inside}</presence>"
    ))
}

fn read(inside: &str) -> Document {
    Document::read(&document(inside)).unwrap_or_else(|error| panic!("{error}: {inside}"))
}

/// One open tuple with this beside its status.
fn open(rest: &str) -> String {
    format!("<tuple id='a'><status><basic>open</basic></status>{rest}</tuple>")
}

/// Each tuple as destination, status and text.
fn told(presence: &Presence) -> Vec<(&str, Basic, Option<String>)> {
    presence.tuples().iter().map(|tuple| (&*tuple.destination, tuple.status, tuple.text())).collect()
}
