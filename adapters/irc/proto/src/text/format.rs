//! The codes by which IRC clients format text (modern.ircdocs.horse/formatting).

/// What is switched on at a point of a text.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Style {
    /// 0x02.
    pub bold: bool,
    /// 0x1d.
    pub italic: bool,
    /// 0x1f.
    pub underline: bool,
    /// 0x1e.
    pub strikethrough: bool,
    /// 0x11.
    pub monospace: bool,
    /// 0x16: colours of text and ground are swapped.
    pub reverse: bool,
    /// 0x03: the colour's number.
    pub colour: Option<u8>,
    /// 0x03, behind a comma: the ground's.
    pub ground: Option<u8>,
}

pub(super) const BOLD: char = '\u{2}';
pub(super) const COLOUR: char = '\u{3}';
pub(super) const HEX_COLOUR: char = '\u{4}';
pub(super) const RESET: char = '\u{f}';
pub(super) const MONOSPACE: char = '\u{11}';
pub(super) const REVERSE: char = '\u{16}';
pub(super) const ITALIC: char = '\u{1d}';
pub(super) const STRIKETHROUGH: char = '\u{1e}';
pub(super) const UNDERLINE: char = '\u{1f}';

const CODES: [char; 9] =
    [BOLD, COLOUR, HEX_COLOUR, RESET, MONOSPACE, REVERSE, ITALIC, STRIKETHROUGH, UNDERLINE];

impl Style {
    /// Whether a text holds any code.
    #[must_use]
    pub fn is_used(text: &str) -> bool {
        text.contains(CODES)
    }

    /// Changes it as the codes of a text do.
    pub fn follow(&mut self, text: &str) {
        *self = runs(text, *self).1;
    }

    /// The codes that switch it on from nothing.
    #[must_use]
    pub fn opening(&self) -> String {
        let mut codes = String::new();
        for (on, code) in [
            (self.bold, BOLD),
            (self.italic, ITALIC),
            (self.underline, UNDERLINE),
            (self.strikethrough, STRIKETHROUGH),
            (self.monospace, MONOSPACE),
            (self.reverse, REVERSE),
        ] {
            if on {
                codes.push(code);
            }
        }
        match (self.colour, self.ground) {
            (colour, Some(ground)) => {
                codes.push_str(&format!("{COLOUR}{:02},{ground:02}", colour.unwrap_or(DEFAULT_COLOUR)));
            }
            // The pair of codes keeps a comma that follows from being read as a ground's.
            (Some(colour), None) => codes.push_str(&format!("{COLOUR}{colour:02}{BOLD}{BOLD}")),
            (None, None) => {}
        }
        codes
    }

    fn apply(&mut self, code: char) {
        match code {
            BOLD => self.bold = !self.bold,
            ITALIC => self.italic = !self.italic,
            UNDERLINE => self.underline = !self.underline,
            STRIKETHROUGH => self.strikethrough = !self.strikethrough,
            MONOSPACE => self.monospace = !self.monospace,
            REVERSE => self.reverse = !self.reverse,
            RESET => *self = Self::default(),
            _ => {}
        }
    }
}

/// The number that means no colour of one's own.
const DEFAULT_COLOUR: u8 = 99;

/// A text in runs of one style, without its codes; and the style behind it.
#[must_use]
pub fn runs(text: &str, mut style: Style) -> (Vec<(&str, Style)>, Style) {
    let (mut runs, mut rest) = (Vec::new(), text);
    while let Some((plain, code)) = next_code(rest) {
        if !plain.is_empty() {
            runs.push((plain, style));
        }
        let behind = rest.get(plain.len() + code.len_utf8()..).unwrap_or_default();
        rest = match code {
            COLOUR => colours(behind, &mut style),
            // Sixteen million colours: passed over, as most clients do.
            HEX_COLOUR => pair(behind, 6, 6, |c| c.is_ascii_hexdigit()).1,
            other => {
                style.apply(other);
                behind
            }
        };
    }
    if !rest.is_empty() {
        runs.push((rest, style));
    }
    (runs, style)
}

/// What stands before the next code, and the code.
fn next_code(text: &str) -> Option<(&str, char)> {
    let at = text.find(CODES)?;
    let (plain, behind) = text.split_at_checked(at)?;
    Some((plain, behind.chars().next()?))
}

/// Reads what follows 0x03: a colour of one or two digits, a ground behind a comma; without any, both end.
fn colours<'a>(text: &'a str, style: &mut Style) -> &'a str {
    let ((colour, ground), rest) = pair(text, 1, 2, |c| c.is_ascii_digit());
    let own = |number: &str| number.parse().ok().filter(|number| *number != DEFAULT_COLOUR);
    match (colour, ground) {
        ("", _) => (style.colour, style.ground) = (None, None),
        (colour, "") => style.colour = own(colour),
        (colour, ground) => (style.colour, style.ground) = (own(colour), own(ground)),
    }
    rest
}

/// Reads `A` or `A,B`, each of `least` to `most` digits; and the rest.
fn pair(text: &str, least: usize, most: usize, digit: fn(char) -> bool) -> ((&str, &str), &str) {
    let one = |text: &'_ str| {
        let end = text.chars().take(most).take_while(|c| digit(*c)).count();
        if end < least { 0 } else { end }
    };
    // Digits are one octet each.
    let (first, rest) = text.split_at_checked(one(text)).unwrap_or(("", text));
    if !first.is_empty()
        && let Some(behind) = rest.strip_prefix(',')
        && let Some((second, rest)) = behind.split_at_checked(one(behind))
        && !second.is_empty()
    {
        return ((first, second), rest);
    }
    ((first, ""), rest)
}

/// A text without its codes.
#[must_use]
pub fn plain(text: &str) -> String {
    runs(text, Style::default()).0.into_iter().map(|(run, _)| run).collect()
}

/// The sixteen colours of mIRC, by number.
pub(super) const COLOURS: [&str; 16] = [
    "#ffffff", "#000000", "#00007f", "#009300", "#ff0000", "#7f0000", "#9c009c", "#fc7f00", "#ffff00",
    "#00fc00", "#009393", "#00ffff", "#0000fc", "#ff00ff", "#7f7f7f", "#d2d2d2",
];

/// A text as HTML: its lines parted by `<br>`, its formatting as elements.
///
/// 0x02 is `b`, 0x1d `i`, 0x1f `u`, 0x1e `s`, 0x11 `code`, 0x16 `mark`, and a colour of the first sixteen a `span`
/// with `color` and `background-color`; other colours are left out. Each line begins without formatting.
#[must_use]
pub fn to_html(text: &str) -> String {
    let mut html = String::new();
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            html.push_str("<br>\r\n");
        }
        for (run, style) in runs(line, Style::default()).0 {
            let mut closing = String::new();
            for (on, name) in [
                (style.bold, "b"),
                (style.italic, "i"),
                (style.underline, "u"),
                (style.strikethrough, "s"),
                (style.monospace, "code"),
                (style.reverse, "mark"),
            ] {
                if on {
                    html.push_str(&format!("<{name}>"));
                    closing.insert_str(0, &format!("</{name}>"));
                }
            }
            let named = |number: Option<u8>| COLOURS.get(usize::from(number?)).copied();
            let colour = named(style.colour).map(|colour| format!("color:{colour}"));
            let ground = named(style.ground).map(|ground| format!("background-color:{ground}"));
            let css: Vec<String> = colour.into_iter().chain(ground).collect();
            if !css.is_empty() {
                html.push_str(&format!("<span style=\"{}\">", css.join(";")));
                closing.insert_str(0, "</span>");
            }
            escape_html(run, &mut html);
            html.push_str(&closing);
        }
    }
    html
}

fn escape_html(text: &str, into: &mut String) {
    for c in text.chars() {
        match c {
            '&' => into.push_str("&amp;"),
            '<' => into.push_str("&lt;"),
            '>' => into.push_str("&gt;"),
            '"' => into.push_str("&quot;"),
            other => into.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_told_from_text() {
        assert_eq!(plain("\u{2}a\u{2}\u{3}4,12b\u{3}c\u{3}4,d\u{3}123\u{4}ff00aae\u{f}\u{1f}"), "abc,d3e");
        let (runs, end) = runs("a\u{2}b\u{3}04,05c\u{f}d\u{1d}", Style::default());
        assert_eq!(runs.iter().map(|(run, _)| *run).collect::<Vec<_>>(), ["a", "b", "c", "d"]);
        assert!(runs[2].1.bold && runs[2].1.colour == Some(4) && runs[2].1.ground == Some(5));
        assert_eq!(runs[3].1, Style::default());
        assert!(end.italic && !end.bold);
    }

    #[test]
    fn formatting_becomes_elements() {
        assert_eq!(to_html("\u{2}a<\u{1d}b\u{f}c\nd"), "<b>a&lt;</b><b><i>b</i></b>c<br>\r\nd");
        assert_eq!(to_html("\u{3}4x"), "<span style=\"color:#ff0000\">x</span>");
    }

    #[test]
    fn a_style_is_opened_as_it_was() {
        for text in ["\u{2}\u{1d}\u{1f}\u{1e}\u{11}\u{16}\u{3}4,5", "\u{3}99,3", "\u{3}7", ""] {
            let mut style = Style::default();
            style.follow(text);
            let opened = format!("{},5", style.opening());
            let (runs, _) = runs(&opened, Style::default());
            assert_eq!(runs.last(), Some(&(",5", style)), "{text:?}");
        }
    }
}
