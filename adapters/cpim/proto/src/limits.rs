//! How much of anything a frame may hold.

use cpim_adapter::xml::Rules;

/// Octets of a start line at most, its CRLF included.
pub const START_LINE_OCTETS: usize = 1_024;

/// What a frame may hold. A frame over one of these closes the session: `bad-frame`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Octets of XML: one element and its attributes, with room for presence of many tuples.
    pub xml_octets: usize,
    /// Octets of content: one MIME entity.
    pub content_octets: usize,
    /// Elements within elements, the outermost counted: more serves nobody and costs a stack.
    pub depth: usize,
    /// Attributes of one element, namespace declarations counted: each is compared with the others.
    pub attributes: usize,
}

impl Limits {
    /// What the contract says where nothing is configured.
    pub const CONTRACT: Self =
        Self { xml_octets: 65_536, content_octets: 1_048_576, depth: 16, attributes: 32 };

    /// What an XML reader is told of them: a frame has no comment, and is UTF-8.
    pub(crate) const fn rules(&self) -> Rules {
        Rules { depth: self.depth, attributes: self.attributes, comments: false, any_encoding: false }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::CONTRACT
    }
}
