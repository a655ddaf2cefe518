//! One XML document, read strictly and written plainly.
//!
//! The native binding and the presence documents (RFC 3863) allow little of XML 1.0: an optional declaration, one
//! element, text, CDATA sections, the five predefined entities and character references; no DOCTYPE and no
//! processing instruction, and comments only where [`Rules`] say so. What is left is small enough to be read
//! exactly, with every rule of the grammar kept, and without a copy: names, values and text borrow from the
//! octets. The general readers forgive more than a contract may (raw `<` in a value, `]]>` in text, undeclared
//! prefixes, any octet in a name), so that checking them would take as much code as reading; one of them judges
//! this reader in the tests instead.

mod chars;
mod reader;
mod scope;
mod text;
mod write;

#[cfg(test)]
mod tests;

use thiserror::Error;

pub use chars::is_char;
pub use reader::{Event, Reader, Tag};
pub use write::Writer;

/// How much a document may hold, and what of XML it may use.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rules {
    /// Elements within elements, the outermost counted: more serves nobody and costs a stack.
    pub depth: usize,
    /// Attributes of one element, namespace declarations counted: each is compared with the others.
    pub attributes: usize,
    /// Whether comments are passed over; else they are refused.
    pub comments: bool,
    /// Whether the declaration may name another encoding than UTF-8, because what came with the document says that
    /// it is UTF-8 all the same (RFC 7303 section 3).
    pub any_encoding: bool,
}

/// Why octets are not the one XML document that they should be.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Error)]
#[error("octet {at} of the XML: {fault}")]
pub struct XmlError {
    /// What was wrong.
    pub fault: XmlFault,
    /// Where: octets from the first of the element's.
    pub at: usize,
}

/// The rule that was broken. Sections are those of XML 1.0, fifth edition.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Error)]
#[non_exhaustive]
pub enum XmlFault {
    /// Section 2.3: `Eq`.
    #[error("expected `=` and a quoted value after the attribute's name")]
    AttributeValue,
    /// Section 4.1: a reference that ends nowhere, or names no character that XML may hold.
    #[error(
        "expected `&amp;` `&lt;` `&gt;` `&quot;` `&apos;`, or a reference to a character that XML allows"
    )]
    BadReference,
    /// Section 2.4: the end of a CDATA section outside one.
    #[error("`]]>` in text; write `]]&gt;`")]
    CdataEnd,
    /// Section 2.2.
    #[error("U+{0:04X}, a character that XML does not allow")]
    Character(u32),
    /// Section 2.5: a comment where [`Rules::comments`] does not allow it, or one that holds `--`.
    #[error("a comment, which may not stand here")]
    Comment,
    /// Section 2.8: not `<?xml version='1.0' encoding='UTF-8'?>` or a shorter form of it.
    #[error("expected `<?xml version='1.0' encoding='UTF-8'?>`, or no XML declaration")]
    Declaration,
    /// Section 2.8: it can do harm before anything else is read.
    #[error("a DOCTYPE, which may not stand here")]
    Doctype,
    /// Section 3.1, and Namespaces in XML 1.0 section 6.3.
    #[error("an attribute that the element has already")]
    DuplicateAttribute,
    /// Section 2.1: something else where the element should begin.
    #[error("expected the start tag of an element")]
    Element,
    /// The octets end within the element.
    #[error("the XML ends here, within the element")]
    End,
    /// Section 3.1: `<` in a value.
    #[error("`<` in an attribute's value; write `&lt;`")]
    LessThan,
    /// Section 2.1: the root is one element.
    #[error("expected the end behind the one element")]
    Junk,
    /// Section 3: an end tag that is not its start tag's.
    #[error("an end tag of another element than the one that is open")]
    MismatchedEnd,
    /// Section 2.3, and Namespaces in XML 1.0 section 4.
    #[error("expected a name, with at most one prefix and `:`")]
    Name,
    /// Namespaces in XML 1.0 section 3.
    #[error("a declaration of a prefix or namespace that cannot be declared so")]
    NamespaceDeclaration,
    /// The octets are not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// Section 2.6.
    #[error("a processing instruction other than the XML declaration, which may not stand here")]
    ProcessingInstruction,
    /// Section 3.1: what may stand in a tag.
    #[error("expected white space and an attribute, or the end of the tag")]
    Tag,
    /// Over the limit of depth.
    #[error("elements more than {0} deep")]
    TooDeep(usize),
    /// Over the limit of attributes.
    #[error("more than {0} attributes")]
    TooManyAttributes(usize),
    /// Namespaces in XML 1.0 section 5: a prefix that is declared nowhere.
    #[error("a prefix that is declared nowhere")]
    UndeclaredPrefix,
}
