//! The pages, and what is in them.

use std::fs;
use std::path::{Path, PathBuf};

/// A page of ours, by its path from the root of the project.
pub(crate) struct Page {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// A block of a page between fences.
pub(crate) struct Block<'a> {
    /// What stands behind the opening fence.
    pub(crate) language: &'a str,
    /// Its lines, without the fence's own indent.
    pub(crate) lines: Vec<&'a str>,
    /// Where, for whoever mends it.
    pub(crate) place: String,
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Markdown file of the project.
pub(crate) fn pages() -> Vec<Page> {
    let mut pages = Vec::new();
    walk(root(), &mut |path| {
        if path.extension().is_some_and(|extension| extension == "md") {
            let text = fs::read_to_string(path).unwrap();
            pages.push(Page { path: path.strip_prefix(root()).unwrap().to_owned(), text });
        }
    });
    assert!(pages.len() > 10, "only {} pages were found", pages.len());
    pages
}

/// Calls `visit` with each file of the project, but for what is built or hidden.
fn walk(folder: &Path, visit: &mut dyn FnMut(&Path)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        match path.is_dir() {
            true if name == "target" || name.starts_with('.') => {}
            true => walk(&path, visit),
            false => visit(&path),
        }
    }
}

impl Page {
    /// The blocks between fences.
    pub(crate) fn blocks(&self) -> Vec<Block<'_>> {
        let mut blocks = Vec::new();
        let mut open: Option<(usize, Block<'_>)> = None;
        for (number, line) in (1..).zip(self.text.lines()) {
            let text = line.trim_start();
            let indent = line.len() - text.len();
            match (text.strip_prefix("```"), open.take()) {
                (Some(language), None) => {
                    let place = format!("{}:{number}", self.path.display());
                    open = Some((indent, Block { language, lines: Vec::new(), place }));
                }
                (Some(_), Some((_, block))) => blocks.push(block),
                (None, Some((indent, mut block))) => {
                    block.lines.push(line.get(indent..).unwrap_or_default());
                    open = Some((indent, block));
                }
                (None, None) => {}
            }
        }
        assert!(open.is_none(), "{}: a fence is not closed", self.path.display());
        blocks
    }

    /// The text outside of fences.
    pub(crate) fn prose(&self) -> String {
        let mut within = false;
        let mut prose = String::new();
        for line in self.text.lines() {
            if line.trim_start().starts_with("```") {
                within = !within;
            } else if !within {
                prose.push_str(line);
                prose.push('\n');
            }
        }
        prose
    }
}
