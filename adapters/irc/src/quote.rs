//! How a message is named to its author.

/// Characters by which a message is named: enough for its author to know it again.
const BEGINNING: usize = 40;

/// How a text begins, by which its author knows it again.
pub(crate) fn beginning(text: &str) -> String {
    cut(&text.replace(char::is_control, ""), BEGINNING)
}

/// So many characters of a text at most, and a sign where there were more.
pub(crate) fn cut(text: &str, characters: usize) -> String {
    let mut beginning: String = text.chars().take(characters).collect();
    if beginning.len() < text.len() {
        beginning.push('\u{2026}');
    }
    beginning
}
