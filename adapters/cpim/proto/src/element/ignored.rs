//! What of an `open` is not known here. It is ignored, as the binding says; but whoever wrote it may have meant what is
//! known by another spelling, and is told.

use cpim_adapter::xml::Tag;

use super::excerpt;

/// What is not known, in words.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Ignored(Vec<String>);

/// As many are named: whoever has more to mend begins with these.
const MOST: usize = 16;

impl Ignored {
    /// Notes the attributes of a tag that are not among these. Namespaces are declared, and mean nothing.
    pub(crate) fn attributes(&mut self, tag: &Tag<'_>, known: &[&str]) {
        for (name, _) in tag.attributes() {
            if !known.contains(&name) && name != "xmlns" && !name.starts_with("xmlns:") {
                self.note(format!("the attribute `{}` of `{}`", excerpt(name), excerpt(tag.name)));
            }
        }
    }

    /// Notes an element.
    pub(crate) fn element(&mut self, name: &str, within: &str) {
        self.note(format!("the element `{}` in `{within}`", excerpt(name)));
    }

    fn note(&mut self, what: String) {
        if self.0.len() < MOST && !self.0.contains(&what) {
            self.0.push(what);
        }
    }

    pub(crate) fn into_words(self) -> Vec<String> {
        self.0
    }
}
