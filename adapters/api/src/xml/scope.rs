//! Namespaces: what a prefix stands for, and whether it stands for anything (Namespaces in XML 1.0).

use std::borrow::Cow;

use super::XmlFault;
use super::reader::Attribute;

const XML: &str = "http://www.w3.org/XML/1998/namespace";
const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

/// The namespaces that were declared on the elements that are open, the innermost last.
#[derive(Debug, Default)]
pub(super) struct Scope<'a>(Vec<Binding<'a>>);

#[derive(Debug)]
struct Binding<'a> {
    /// Empty: the default namespace.
    prefix: &'a str,
    /// Empty: none, which only the default can be.
    name: Cow<'a, str>,
    /// How deep the element is that declares it.
    depth: usize,
}

impl<'a> Scope<'a> {
    /// Takes up the declarations of a tag at this depth, and resolves the prefixes that it uses. What is
    /// wrong is told with the name at fault.
    pub(super) fn enter(
        &mut self,
        depth: usize,
        element: &'a str,
        attributes: &[Attribute<'a>],
    ) -> Result<(), (XmlFault, &'a str)> {
        for Attribute { name, value } in attributes {
            let Some(prefix) = declared_prefix(name) else {
                continue;
            };
            if !may_declare(prefix, value) {
                return Err((XmlFault::NamespaceDeclaration, name));
            }
            let name = value.clone();
            self.0.push(Binding { prefix, name, depth });
        }
        if let Some((prefix, _)) = element.split_once(':') {
            self.resolve(prefix).ok_or((XmlFault::UndeclaredPrefix, element))?;
        }
        // Two prefixes of one namespace may make two names of one (section 6.3).
        let mut expanded: Vec<(&str, &str)> = Vec::new();
        for name in attributes.iter().map(|attribute| attribute.name) {
            let Some((prefix, local)) = name.split_once(':').filter(|(prefix, _)| *prefix != "xmlns") else {
                continue;
            };
            let namespace = self.resolve(prefix).ok_or((XmlFault::UndeclaredPrefix, name))?;
            if expanded.contains(&(namespace, local)) {
                return Err((XmlFault::DuplicateAttribute, name));
            }
            expanded.push((namespace, local));
        }
        Ok(())
    }

    /// Gives up what was declared deeper than this.
    pub(super) fn leave(&mut self, depth: usize) {
        while self.0.last().is_some_and(|binding| binding.depth > depth) {
            self.0.pop();
        }
    }

    /// What is in scope, as prefix and name, without the one of `xml`.
    pub(super) fn all(&self) -> impl Iterator<Item = (&'a str, &str)> {
        let hidden = |at: usize, prefix: &str| self.0.iter().skip(at + 1).any(|inner| inner.prefix == prefix);
        self.0
            .iter()
            .enumerate()
            .filter(move |(at, binding)| !hidden(*at, binding.prefix))
            .filter(|(_, binding)| binding.prefix != "xml" && !binding.name.is_empty())
            .map(|(_, binding)| (binding.prefix, &*binding.name))
    }

    /// The namespace that a prefix (empty: the default) stands for.
    pub(super) fn resolve(&self, prefix: &str) -> Option<&str> {
        let bound = self.0.iter().rev().find(|binding| binding.prefix == prefix);
        bound.map(|binding| &*binding.name).or_else(|| (prefix == "xml").then_some(XML))
    }
}

/// The prefix that an attribute of this name declares, empty for the default.
fn declared_prefix(name: &str) -> Option<&str> {
    match name.strip_prefix("xmlns")? {
        "" => Some(""),
        prefixed => prefixed.strip_prefix(':'),
    }
}

/// Section 3: `xml` is what it is, `xmlns` is nobody's, and only the default can be taken away.
fn may_declare(prefix: &str, name: &str) -> bool {
    match prefix {
        "xml" => name == XML,
        "xmlns" => false,
        _ => (prefix.is_empty() || !name.is_empty()) && name != XML && name != XMLNS,
    }
}
