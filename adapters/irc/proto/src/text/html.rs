//! HTML to text with IRC's formatting: enough of it to read what mail and chat programs write. Total and linear:
//! whatever comes is read as browsers would, roughly, and nothing is ever fetched or run.

use super::format::{COLOURS, RESET, Style};

/// Elements that may be open at once; those within more of them are read without their formatting.
const MAX_OPEN: usize = 256;

/// HTML as text: lines by LF, formatting by IRC's codes (see [`super::to_html`], which it undoes), a link as
/// `words <URL>`, a picture as `[its words]`, the items of a list behind `- `.
#[must_use]
pub fn from_html(html: &str) -> String {
    let mut reader = Reader::default();
    let mut rest = html;
    while !rest.is_empty() {
        let text = rest.find('<').unwrap_or(rest.len());
        let (before, behind) = rest.split_at_checked(text).unwrap_or((rest, ""));
        reader.text(before);
        rest = match behind.strip_prefix('<') {
            None => "",
            Some(tag) => reader.markup(tag),
        };
    }
    reader.out.trim_matches([' ', '\n']).to_owned()
}

#[derive(Default)]
struct Reader {
    out: String,
    /// What is open, with the style and the address that were before it.
    open: Vec<(String, Style, Option<String>)>,
    /// What the text should look like, and how what was written last does.
    style: Style,
    shown: Style,
    link: Option<String>,
    /// A blank is owed before the next word, and what it looks like.
    blank: Option<Style>,
    pre: usize,
}

impl Reader {
    /// Reads what follows `<`; gives what follows the tag.
    fn markup<'a>(&mut self, tag: &'a str) -> &'a str {
        if let Some(comment) = tag.strip_prefix("!--") {
            return after(comment, "-->");
        }
        if tag.starts_with(['!', '?']) {
            return after(tag, ">");
        }
        let closing = tag.starts_with('/');
        let name_at = tag.strip_prefix('/').unwrap_or(tag);
        if !name_at.starts_with(|c: char| c.is_ascii_alphabetic()) {
            self.word("<");
            return tag;
        }
        let end = name_at.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name_at.len());
        let (name, rest) = name_at.split_at_checked(end).unwrap_or((name_at, ""));
        let name = name.to_ascii_lowercase();
        let (attributes, rest) = attributes(rest);
        if closing {
            self.close(&name);
            return rest;
        }
        if matches!(name.as_str(), "script" | "style" | "title" | "template" | "textarea") {
            return skip_element(rest, &name);
        }
        self.open(name, &attributes);
        rest
    }

    fn open(&mut self, name: String, attributes: &[(String, String)]) {
        let value =
            |wanted: &str| attributes.iter().find(|(name, _)| name == wanted).map(|(_, value)| &**value);
        match name.as_str() {
            "br" => self.line(),
            "hr" => {
                self.block();
                self.word("---");
                self.block();
            }
            "img" => {
                if let Some(words) = value("alt").filter(|words| !words.trim().is_empty()) {
                    self.text(&format!("[{}]", words.trim()));
                }
            }
            "td" | "th" => self.blank = Some(self.style),
            name if is_block(name) => self.block(),
            _ => {}
        }
        if name == "li" {
            self.word("- ");
        }
        if matches!(name.as_str(), "br" | "hr" | "img" | "input" | "meta" | "link" | "wbr")
            || self.open.len() >= MAX_OPEN
        {
            return;
        }
        self.open.push((name.clone(), self.style, self.link.clone()));
        match name.as_str() {
            "b" | "strong" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "th" => self.style.bold = true,
            "i" | "em" | "cite" | "var" => self.style.italic = true,
            "u" | "ins" => self.style.underline = true,
            "s" | "strike" | "del" => self.style.strikethrough = true,
            "code" | "tt" | "kbd" | "samp" => self.style.monospace = true,
            "mark" => self.style.reverse = true,
            "a" => self.link = value("href").map(str::to_owned),
            "pre" => self.pre += 1,
            "font" => self.style.colour = value("color").and_then(number).or(self.style.colour),
            "span" => self.css(value("style").unwrap_or_default()),
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        let Some(at) = self.open.iter().rposition(|(open, ..)| open == name) else { return };
        let pre = self.open.get(at..).unwrap_or_default().iter().filter(|(open, ..)| open == "pre").count();
        self.pre = self.pre.saturating_sub(pre);
        let link = self.link.take();
        // What was opened within it and not closed ends with it.
        if let Some((_, style, outer)) = self.open.get(at).cloned() {
            (self.style, self.link) = (style, outer);
        }
        self.open.truncate(at);
        if name == "a"
            && let Some(link) = link.filter(|link| worth_showing(link) && !self.out.ends_with(link.as_str()))
        {
            self.text(&format!(" <{link}>"));
        }
        if is_block(name) {
            self.block();
        }
    }

    fn css(&mut self, css: &str) {
        for (name, value) in css.split(';').filter_map(|rule| rule.split_once(':')) {
            match name.trim() {
                "color" => self.style.colour = number(value.trim()).or(self.style.colour),
                "background-color" => self.style.ground = number(value.trim()).or(self.style.ground),
                _ => {}
            }
        }
    }

    /// Text between tags: references are read, and blanks become one.
    fn text(&mut self, text: &str) {
        let text = references(text);
        for c in text.chars() {
            match c {
                '\n' if self.pre > 0 => self.line(),
                ' ' | '\t' if self.pre > 0 => self.word(" "),
                ' ' | '\t' | '\n' | '\r' => self.blank = self.blank.or(Some(self.style)),
                // A code, or the end of something, that a text brings itself is no formatting of ours.
                c if c.is_control() => {}
                c => self.word(c.encode_utf8(&mut [0; 4])),
            }
        }
    }

    fn word(&mut self, word: &str) {
        if let Some(style) = self.blank.take()
            && !self.out.is_empty()
            && !self.out.ends_with(['\n', ' '])
        {
            self.show(style);
            self.out.push(' ');
        }
        self.show(self.style);
        self.out.push_str(word);
    }

    fn show(&mut self, style: Style) {
        if self.shown != style {
            if self.shown != Style::default() {
                self.out.push(RESET);
            }
            self.out.push_str(&style.opening());
            self.shown = style;
        }
    }

    fn line(&mut self) {
        (self.blank, self.shown) = (None, Style::default());
        self.out.push('\n');
    }

    /// Begins a line, where one has been begun.
    fn block(&mut self) {
        self.blank = None;
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.line();
        }
    }
}

fn is_block(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "body"
            | "dd"
            | "div"
            | "dl"
            | "dt"
            | "figure"
            | "footer"
            | "form"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "header"
            | "li"
            | "main"
            | "nav"
            | "ol"
            | "p"
            | "pre"
            | "section"
            | "table"
            | "tr"
            | "ul"
    )
}

fn worth_showing(link: &str) -> bool {
    ["http://", "https://", "mailto:", "im:", "xmpp:", "sip:"].iter().any(|scheme| link.starts_with(scheme))
}

fn number(colour: &str) -> Option<u8> {
    COLOURS.iter().position(|known| known.eq_ignore_ascii_case(colour)).and_then(|at| u8::try_from(at).ok())
}

/// What follows `end`; nothing where it never comes.
fn after<'a>(text: &'a str, end: &str) -> &'a str {
    text.split_once(end).map_or("", |(_, rest)| rest)
}

/// What follows the end tag of an element whose content is no text.
fn skip_element<'a>(mut rest: &'a str, name: &str) -> &'a str {
    while let Some((_, tag)) = rest.split_once("</") {
        if tag.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name)) {
            return after(tag, ">");
        }
        rest = tag;
    }
    ""
}

/// The attributes up to `>`, names in lower case, and what follows it.
fn attributes(mut rest: &str) -> (Vec<(String, String)>, &str) {
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\r', '\n', '/']);
        if rest.is_empty() {
            return (attributes, "");
        }
        if let Some(behind) = rest.strip_prefix('>') {
            return (attributes, behind);
        }
        let end = rest.find([' ', '\t', '\r', '\n', '=', '>', '/']).unwrap_or(rest.len()).max(1);
        let (name, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
        let blank = [' ', '\t', '\r', '\n'];
        let Some(value) = behind.trim_start_matches(blank).strip_prefix('=') else {
            rest = behind;
            continue;
        };
        let value = value.trim_start_matches(blank);
        let (value, behind) = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                let inner = value.get(1..).unwrap_or_default();
                inner.split_once(quote).unwrap_or((inner, ""))
            }
            _ => value
                .split_at_checked(value.find([' ', '\t', '\r', '\n', '>']).unwrap_or(value.len()))
                .unwrap_or(("", "")),
        };
        // More serve nothing that is read here.
        if attributes.len() < 16 {
            attributes.push((name.to_ascii_lowercase(), references(value)));
        }
        rest = behind;
    }
}

/// Character references, by number and the few names that programs write.
fn references(text: &str) -> String {
    const LONGEST: usize = 10;
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('&') {
        out.push_str(before);
        let end = behind.bytes().take(LONGEST).position(|octet| octet == b';');
        let read = end.and_then(|end| behind.get(..end)).and_then(reference);
        match (read, end) {
            (Some(c), Some(end)) => {
                out.push(c);
                rest = behind.get(end + 1..).unwrap_or_default();
            }
            _ => {
                out.push('&');
                rest = behind;
            }
        }
    }
    out.push_str(rest);
    out
}

fn reference(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let number = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(number);
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        "shy" => '\u{ad}',
        "hellip" => '…',
        "ndash" => '–',
        "mdash" => '—',
        "lsquo" => '‘',
        "rsquo" => '’',
        "ldquo" => '“',
        "rdquo" => '”',
        "laquo" => '«',
        "raquo" => '»',
        "bull" => '•',
        "middot" => '·',
        "euro" => '€',
        "copy" => '©',
        "auml" => 'ä',
        "ouml" => 'ö',
        "uuml" => 'ü',
        "Auml" => 'Ä',
        "Ouml" => 'Ö',
        "Uuml" => 'Ü',
        "szlig" => 'ß',
        "eacute" => 'é',
        "egrave" => 'è',
        "agrave" => 'à',
        "ccedil" => 'ç',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::{runs, to_html};

    #[test]
    fn what_programs_write_is_read() {
        let mail = "<!DOCTYPE html><html><head><title>no</title><style>p{}</style></head><body>\n<p>Hi <b>Fred</b>,</p>\r\n\
                    <div>see <a href=\"https://a.example/?a=1&amp;b=2\">this\n page</a>&nbsp;now<br>or not</div>\
                    <ul><li>one</li><li>t<i>w</i>o</ul><script>evil('</p>')</script><img alt='a cat' src=x></body>";
        assert_eq!(
            from_html(mail),
            "Hi \u{2}Fred\u{f},\nsee this page <https://a.example/?a=1&b=2>\u{a0}now\nor not\n- one\n- t\u{1d}w\u{f}o\n[a cat]"
        );
        assert_eq!(
            from_html("<pre>a  b\n c</pre>d &amp; &#x41;&#66; &nope; 1 < 2"),
            "a  b\n c\nd & AB &nope; 1 < 2"
        );
        assert_eq!(from_html("a&#1;b&#10;c"), "ab c");
    }

    proptest! {
        #[test]
        fn anything_is_read(html in "[<>/&;#='\" a-d!\\-brpé]{0,200}") {
            prop_assert!(from_html(&html).len() <= html.len() * 16);
        }

        /// Formatting that was made HTML is the same formatting again.
        #[test]
        fn formatting_comes_back(text in "[ab\u{2}\u{1d}\u{1f}\u{1e}\u{11}\u{16}\u{f}]{0,40}") {
            let seen = |text: &str| -> Vec<(char, Style)> {
                runs(text, Style::default()).0.iter().flat_map(|(run, style)| run.chars().map(|c| (c, *style))).collect()
            };
            prop_assert_eq!(seen(&from_html(&to_html(&text))), seen(&text));
        }
    }
}
