//! The writer: what it is given comes out of the reader again, character for character.

use std::fmt;

use super::chars::{every, is_char};

/// Writes elements into a text. Values that can be no XML at all lose what XML cannot hold: U+FFFD stands for it.
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut String,
}

impl<'a> Writer<'a> {
    /// A writer that adds to `out`.
    pub const fn new(out: &'a mut String) -> Self {
        Self { out }
    }

    /// Begins an element: `<name`.
    pub fn start(&mut self, name: &str) -> &mut Self {
        self.out.push('<');
        self.out.push_str(name);
        self
    }

    /// Adds an attribute: ` name='value'`.
    pub fn attribute(&mut self, name: &str, value: &str) -> &mut Self {
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("='");
        escape(self.out, value, attribute_reference);
        self.out.push('\'');
        self
    }

    /// Adds an attribute whose value is a number.
    pub fn number(&mut self, name: &str, value: impl fmt::Display) -> &mut Self {
        self.attribute(name, &value.to_string())
    }

    /// Declares a namespace; an empty prefix declares the default.
    pub fn namespace(&mut self, prefix: &str, name: &str) -> &mut Self {
        match prefix {
            "" => self.attribute("xmlns", name),
            _ => self.attribute(&format!("xmlns:{prefix}"), name),
        }
    }

    /// Ends a start tag: `>`.
    pub fn open(&mut self) -> &mut Self {
        self.out.push('>');
        self
    }

    /// Ends an empty-element tag: `/>`.
    pub fn empty(&mut self) {
        self.out.push_str("/>");
    }

    /// Adds text.
    pub fn text(&mut self, text: &str) -> &mut Self {
        escape(self.out, text, text_reference);
        self
    }

    /// Adds what is XML already.
    pub fn raw(&mut self, xml: &str) -> &mut Self {
        self.out.push_str(xml);
        self
    }

    /// Ends an element: `</name>`.
    pub fn close(&mut self, name: &str) {
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }
}

/// The character as XML can hold it: itself, or U+FFFD for one that it cannot even refer to (section 2.2).
const fn scalar(c: char) -> char {
    if is_char(c) { c } else { char::REPLACEMENT_CHARACTER }
}

/// What would be read as something else in a value (sections 2.4 and 3.3.3).
const fn attribute_reference(c: char) -> Option<&'static str> {
    match c {
        '\t' => Some("&#9;"),
        '\n' => Some("&#10;"),
        '\'' => Some("&apos;"),
        _ => text_reference(c),
    }
}

/// What would be read as something else in text (sections 2.4 and 2.11).
const fn text_reference(c: char) -> Option<&'static str> {
    match c {
        '\r' => Some("&#13;"),
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        _ => None,
    }
}

fn escape(out: &mut String, value: &str, reference: impl Fn(char) -> Option<&'static str>) {
    if every(value, |octet| matches!(octet, b' '..=b'~') && !matches!(octet, b'&' | b'<' | b'>' | b'\'')) {
        return out.push_str(value);
    }
    for c in value.chars() {
        match reference(c) {
            Some(reference) => out.push_str(reference),
            None => out.push(scalar(c)),
        }
    }
}
