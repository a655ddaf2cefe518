//! The reader: tags, text and ends, in the order of the document.

use std::borrow::Cow;

use super::chars::{every, in_name, is_char, is_space, starts_name};
use super::scope::Scope;
use super::text::{attribute_value, cdata, character_data, check_references};
use super::{Rules, XmlError, XmlFault};

/// What comes next within an element.
#[derive(Debug)]
pub enum Event<'a> {
    /// A start tag, or an empty-element tag: then `End` is next.
    Start(Tag<'a>),
    /// Text up to the next tag, or a CDATA section: text may come in several pieces.
    Text(Cow<'a, str>),
    /// The end of the innermost element that is open.
    End,
}

/// A start tag.
#[derive(Debug)]
pub struct Tag<'a> {
    /// The element's name, with its prefix.
    pub name: &'a str,
    /// Where it begins: octets from the first of the document.
    pub at: usize,
    attributes: Vec<Attribute<'a>>,
}

/// An attribute, its value normalised.
#[derive(Debug)]
pub(super) struct Attribute<'a> {
    pub(super) name: &'a str,
    pub(super) value: Cow<'a, str>,
}

impl<'a> Tag<'a> {
    /// The attribute's value, normalised (XML 1.0 section 3.3.3).
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|attribute| attribute.name == name).map(|attribute| &*attribute.value)
    }

    /// Every attribute, as name and value, in the order written.
    pub fn attributes(&self) -> impl Iterator<Item = (&'a str, &str)> {
        self.attributes.iter().map(|attribute| (attribute.name, &*attribute.value))
    }
}

/// A pull reader of one element. Nothing is copied but values that hold references or line ends.
#[derive(Debug)]
pub struct Reader<'a> {
    xml: &'a str,
    rest: &'a str,
    rules: Rules,
    open: Vec<&'a str>,
    /// An empty-element tag was read whose end has not been told yet.
    ending: bool,
    scope: Scope<'a>,
}

impl<'a> Reader<'a> {
    /// A reader of these octets, once they are known to be characters that XML allows.
    ///
    /// # Errors
    /// [`XmlFault::NotUtf8`] or [`XmlFault::Character`].
    pub fn new(xml: &'a [u8], rules: &Rules) -> Result<Self, XmlError> {
        let xml = std::str::from_utf8(xml)
            .map_err(|error| XmlError { fault: XmlFault::NotUtf8, at: error.valid_up_to() })?;
        let plain = every(xml, |octet| matches!(octet, b' '..=b'~'));
        match (!plain).then(|| xml.char_indices().find(|(_, c)| !is_char(*c))).flatten() {
            Some((at, c)) => Err(XmlError { fault: XmlFault::Character(c.into()), at }),
            None => Ok(Self {
                xml,
                rest: xml,
                rules: *rules,
                open: Vec::new(),
                ending: false,
                scope: Scope::default(),
            }),
        }
    }

    /// The start tag of the one element, after the declaration that may precede it.
    ///
    /// # Errors
    /// As the grammar has it.
    pub fn root(&mut self) -> Result<Tag<'a>, XmlError> {
        self.declaration()?;
        self.skip_misc()?;
        self.refuse_markup()?;
        match self.rest.starts_with('<') {
            true => self.tag(),
            false if self.rest.is_empty() => self.fail(XmlFault::End),
            false => self.fail(XmlFault::Element),
        }
    }

    /// What comes next. After the end of the root, `End` for ever; [`Self::finish`] looks behind it.
    ///
    /// # Errors
    /// As the grammar has it.
    pub fn event(&mut self) -> Result<Event<'a>, XmlError> {
        if self.ending || self.open.is_empty() {
            self.ending = false;
            self.scope.leave(self.open.len());
            return Ok(Event::End);
        }
        while self.skip_comment()? {}
        if let Some(rest) = self.rest.strip_prefix("<![CDATA[") {
            let Some((inside, rest)) = rest.split_once("]]>") else {
                return self.fail(XmlFault::End);
            };
            self.rest = rest;
            return Ok(Event::Text(cdata(inside)));
        }
        self.refuse_markup()?;
        if self.rest.starts_with("</") {
            self.end_tag()?;
            return Ok(Event::End);
        }
        if self.rest.starts_with('<') {
            return self.tag().map(Event::Start);
        }
        self.text().map(Event::Text)
    }

    /// The inside of the element whose start was read last, as it was written, to its end.
    ///
    /// # Errors
    /// As the grammar has it: what is kept as it came is still read in full.
    pub fn inner(&mut self) -> Result<&'a str, XmlError> {
        if self.ending {
            self.event()?;
            return Ok("");
        }
        let (inside, depth) = (self.rest, self.open.len());
        loop {
            let end = inside.len() - self.rest.len();
            if matches!(self.event()?, Event::End) && self.open.len() < depth {
                return Ok(inside.get(..end).unwrap_or_default());
            }
        }
    }

    /// Passes over everything up to the end of the root.
    ///
    /// # Errors
    /// As the grammar has it.
    pub fn skip_to_end(&mut self) -> Result<(), XmlError> {
        while self.ending || !self.open.is_empty() {
            self.event()?;
        }
        Ok(())
    }

    /// Namespaces in scope, as prefix (empty: the default) and name, without the one of `xml`.
    pub fn namespaces(&self) -> impl Iterator<Item = (&'a str, &str)> {
        self.scope.all()
    }

    /// The namespace and the local name of the tag that was read last; an empty namespace is none.
    #[must_use]
    pub fn expanded<'b>(&'b self, tag: &Tag<'b>) -> (&'b str, &'b str) {
        let (prefix, local) = tag.name.split_once(':').unwrap_or(("", tag.name));
        (self.scope.resolve(prefix).unwrap_or_default(), local)
    }

    /// Where the reader stands: octets from the first of the document, behind all that it has told.
    #[must_use]
    pub const fn at(&self) -> usize {
        self.xml.len() - self.rest.len()
    }

    /// Makes sure that nothing but white space follows the root.
    ///
    /// # Errors
    /// [`XmlFault::Junk`], or the name of what may not stand there.
    pub fn finish(mut self) -> Result<(), XmlError> {
        self.skip_misc()?;
        self.refuse_markup()?;
        match self.rest.is_empty() {
            true => Ok(()),
            false => self.fail(XmlFault::Junk),
        }
    }

    /// `<?xml version='1.0' encoding='UTF-8' standalone='yes'?>`, each but the version optional (section 2.8).
    fn declaration(&mut self) -> Result<(), XmlError> {
        let Some(rest) = self.rest.strip_prefix("<?xml").filter(|rest| rest.starts_with(is_space)) else {
            return Ok(());
        };
        self.rest = rest;
        let mut names = ["version", "encoding", "standalone"].into_iter();
        let mut versioned = false;
        while self.skip_space() && !self.rest.starts_with("?>") {
            let at = self.at();
            let Attribute { name, value } = self.attribute()?;
            let in_order =
                if versioned { names.any(|next| next == name) } else { names.next() == Some(name) };
            let valid = match name {
                // Section 2.8 has these literally: what holds references is another value.
                _ if matches!(value, Cow::Owned(_)) => false,
                "version" => value == "1.0",
                "encoding" => self.rules.any_encoding || value.eq_ignore_ascii_case("UTF-8"),
                _ => value == "yes" || value == "no",
            };
            if !in_order || !valid {
                return Err(XmlError { fault: XmlFault::Declaration, at });
            }
            versioned = true;
        }
        match self.rest.strip_prefix("?>").filter(|_| versioned) {
            Some(rest) => self.rest = rest,
            None => return self.fail(XmlFault::Declaration),
        }
        Ok(())
    }

    /// Passes over white space and comments, as they may stand around the root.
    fn skip_misc(&mut self) -> Result<(), XmlError> {
        self.skip_space();
        while self.skip_comment()? {
            self.skip_space();
        }
        Ok(())
    }

    /// Passes over a comment where one stands and may (section 2.5); whether there was one.
    fn skip_comment(&mut self) -> Result<bool, XmlError> {
        let Some(inside) = self.rest.strip_prefix("<!--").filter(|_| self.rules.comments) else {
            return Ok(false);
        };
        let Some((_, rest)) = inside.split_once("--") else {
            return self.fail(XmlFault::End);
        };
        match rest.strip_prefix('>') {
            Some(rest) => self.rest = rest,
            None => return self.fail(XmlFault::Comment),
        }
        Ok(true)
    }

    /// Refuses what begins like markup that may not stand here.
    fn refuse_markup(&self) -> Result<(), XmlError> {
        let fault = match self.rest {
            rest if rest.starts_with("<?") => XmlFault::ProcessingInstruction,
            rest if rest.starts_with("<!--") => XmlFault::Comment,
            rest if rest.starts_with("<!") => XmlFault::Doctype,
            _ => return Ok(()),
        };
        self.fail(fault)
    }

    fn tag(&mut self) -> Result<Tag<'a>, XmlError> {
        if self.open.len() >= self.rules.depth {
            return self.fail(XmlFault::TooDeep(self.rules.depth));
        }
        let at = self.at();
        self.eat("<");
        let name = self.name()?;
        let mut attributes: Vec<Attribute<'a>> = Vec::new();
        loop {
            let spaced = self.skip_space();
            if self.eat(">") {
                self.enter(name, &attributes)?;
                self.open.push(name);
                break;
            }
            if self.eat("/>") {
                self.enter(name, &attributes)?;
                self.ending = true;
                break;
            }
            if self.rest.is_empty() {
                return self.fail(XmlFault::End);
            }
            if !spaced {
                return self.fail(XmlFault::Tag);
            }
            if attributes.len() >= self.rules.attributes {
                return self.fail(XmlFault::TooManyAttributes(self.rules.attributes));
            }
            let attribute = self.attribute()?;
            if attributes.iter().any(|other| other.name == attribute.name) {
                return self.fail_at(attribute.name, XmlFault::DuplicateAttribute);
            }
            if attributes.is_empty() {
                attributes.reserve(ATTRIBUTES_USUAL);
            }
            attributes.push(attribute);
        }
        Ok(Tag { name, at, attributes })
    }

    fn attribute(&mut self) -> Result<Attribute<'a>, XmlError> {
        let name = self.name()?;
        self.skip_space();
        if !self.eat("=") {
            return self.fail(XmlFault::AttributeValue);
        }
        self.skip_space();
        let quote = if self.rest.starts_with('"') { '"' } else { '\'' };
        let Some(rest) = self.rest.strip_prefix(quote) else {
            return self.fail(XmlFault::AttributeValue);
        };
        self.rest = rest;
        let Some((raw, rest)) = rest.split_once(quote) else {
            return self.fail(XmlFault::End);
        };
        if is_literal(raw) {
            self.rest = rest;
            return Ok(Attribute { name, value: Cow::Borrowed(raw) });
        }
        if let Some(at) = raw.find('<') {
            return self.fail_after(at, XmlFault::LessThan);
        }
        self.check(raw)?;
        self.rest = rest;
        Ok(Attribute { name, value: attribute_value(raw) })
    }

    fn end_tag(&mut self) -> Result<(), XmlError> {
        self.eat("</");
        let name = self.name()?;
        if self.open.last() != Some(&name) {
            return self.fail_at(name, XmlFault::MismatchedEnd);
        }
        self.skip_space();
        if !self.eat(">") {
            return self.fail(XmlFault::Tag);
        }
        self.open.pop();
        self.scope.leave(self.open.len());
        Ok(())
    }

    fn text(&mut self) -> Result<Cow<'a, str>, XmlError> {
        let Some((raw, rest)) = self.rest.find('<').and_then(|at| self.rest.split_at_checked(at)) else {
            self.rest = "";
            return self.fail(XmlFault::End);
        };
        if let Some(at) = raw.find("]]>") {
            return self.fail_after(at, XmlFault::CdataEnd);
        }
        if !is_literal(raw) {
            self.check(raw)?;
        }
        self.rest = rest;
        Ok(character_data(raw))
    }

    /// A name with at most one prefix (Namespaces in XML 1.0 section 4, `QName`).
    fn name(&mut self) -> Result<&'a str, XmlError> {
        let name = self.rest;
        self.local_name()?;
        if self.eat(":") {
            self.local_name()?;
        }
        Ok(name.get(..name.len() - self.rest.len()).unwrap_or_default())
    }

    fn local_name(&mut self) -> Result<(), XmlError> {
        if !self.rest.starts_with(starts_name) {
            return self.fail(if self.rest.is_empty() { XmlFault::End } else { XmlFault::Name });
        }
        let plain = self.rest.bytes().position(|octet| !octet.is_ascii_alphanumeric());
        let rest = self.rest.get(plain.unwrap_or(self.rest.len())..).unwrap_or_default();
        self.rest = rest.trim_start_matches(in_name);
        Ok(())
    }

    /// Takes up the namespaces that a tag declares, and resolves the prefixes it uses.
    fn enter(&mut self, element: &'a str, attributes: &[Attribute<'a>]) -> Result<(), XmlError> {
        let entered = self.scope.enter(self.open.len() + 1, element, attributes);
        entered.or_else(|(fault, name)| self.fail_at(name, fault))
    }

    /// Checks the references in `raw`, which stands at the cursor.
    fn check(&self, raw: &str) -> Result<(), XmlError> {
        check_references(raw).or_else(|(fault, at)| self.fail_after(at, fault))
    }

    fn eat(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Whether there was any.
    fn skip_space(&mut self) -> bool {
        let before = self.rest.len();
        self.rest = self.rest.trim_start_matches(is_space);
        self.rest.len() < before
    }

    fn fail<T>(&self, fault: XmlFault) -> Result<T, XmlError> {
        self.fail_after(0, fault)
    }

    fn fail_after<T>(&self, octets: usize, fault: XmlFault) -> Result<T, XmlError> {
        Err(XmlError { fault, at: self.at() + octets })
    }

    /// Fails where `part`, a part of the document, begins.
    fn fail_at<T>(&self, part: &str, fault: XmlFault) -> Result<T, XmlError> {
        let at = (part.as_ptr() as usize).saturating_sub(self.xml.as_ptr() as usize);
        Err(XmlError { fault, at })
    }
}

/// Attributes that the elements of the native binding have at most: one allocation holds them.
const ATTRIBUTES_USUAL: usize = 6;

/// Whether a value or text is what is written: nothing in it is a reference, markup, or white space that
/// changes. Most are.
fn is_literal(raw: &str) -> bool {
    every(raw, |octet| !matches!(octet, b'&' | b'<' | b'\t' | b'\n' | b'\r'))
}
