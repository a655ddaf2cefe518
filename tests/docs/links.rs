//! Links: each leads to a file of the project, and to a heading in it where it names one.

use std::fs;

use crate::pages::{Page, pages, root};

/// Where the links of a page lead to.
fn targets(prose: &str) -> Vec<&str> {
    prose.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target).collect()
}

/// The fragment by which a heading is reached.
fn fragment(heading: &str) -> String {
    let kept = heading.trim().to_lowercase().replace(' ', "-");
    kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect()
}

fn has_heading(page: &Page, wanted: &str) -> bool {
    let prose = page.prose();
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| fragment(line.trim_start_matches('#'))).any(|found| found == wanted)
}

#[test]
fn links_lead_somewhere() {
    let mut links = 0;
    for page in pages() {
        let here = page.path.display();
        let prose = page.prose();
        for target in targets(&prose).into_iter().filter(|target| !target.contains("://")) {
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let folder = root().join(page.path.parent().unwrap());
            let path = if file.is_empty() { root().join(&page.path) } else { folder.join(file) };
            assert!(path.exists(), "{here}: nothing is at {target}");
            if !heading.is_empty() {
                let text = fs::read_to_string(&path).unwrap();
                let linked = Page { path: path.clone(), text };
                assert!(has_heading(&linked, heading), "{here}: no heading for {target}");
            }
            links += 1;
        }
    }
    assert!(links > 30, "only {links} links were found");
}

#[test]
fn every_decision_is_listed() {
    let list = fs::read_to_string(root().join("docs/decisions/README.md")).unwrap();
    for entry in fs::read_dir(root().join("docs/decisions")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name == "README.md" || list.contains(&format!("({name})")), "{name} is not listed");
    }
}
