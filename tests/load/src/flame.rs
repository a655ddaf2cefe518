//! A flame graph: which functions call which, each as wide as its share of the time. Drawn here, because the programs
//! that draw them bring terms which the tree does not take.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Width of the picture, and height of one row, in pixels.
const WIDTH: f64 = 1_200.0;
const ROW: f64 = 16.0;

/// The least share that is drawn, so that a picture stays small.
const LEAST: f64 = 0.004;

/// Width of a letter, about.
const LETTER: f64 = 6.6;

/// A function, and what it calls.
#[derive(Debug, Default)]
struct Frame {
    samples: u64,
    calls: BTreeMap<String, Self>,
}

/// Draws what `perf script -F ip,sym` says: a line for each function of a stack, the innermost first, and a blank line
/// behind each stack. Nothing where there is none.
pub(crate) fn draw(title: &str, script: &str) -> Option<String> {
    let mut all = Frame::default();
    for stack in script.split("\n\n") {
        let mut names: Vec<String> = stack.lines().filter_map(name).collect();
        if names.is_empty() {
            continue;
        }
        names.reverse();
        all.add(names);
    }
    if all.samples == 0 {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let (whole, rows) = (all.samples as f64, all.depth(all.samples) as f64);
    let height = (rows + 2.0) * ROW;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"monospace\" font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"4\" y=\"12\" font-size=\"12\">{}</text>\n",
        escaped(title)
    );
    all.draw(&mut svg, whole, 0.0, height - ROW);
    svg.push_str("</svg>\n");
    Some(svg)
}

impl Frame {
    fn add(&mut self, names: Vec<String>) {
        self.samples += 1;
        let mut frame = self;
        for name in names {
            frame = frame.calls.entry(name).or_default();
            frame.samples += 1;
        }
    }

    /// Rows of what is drawn.
    fn depth(&self, whole: u64) -> usize {
        let drawn = self.calls.values().filter(|call| call.is_drawn(whole));
        drawn.map(|call| 1 + call.depth(whole)).max().unwrap_or(0)
    }

    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    fn is_drawn(&self, whole: u64) -> bool {
        self.samples as f64 >= whole as f64 * LEAST
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "pixels"
    )]
    fn draw(&self, svg: &mut String, whole: f64, left: f64, top: f64) {
        let mut left = left;
        for (name, call) in &self.calls {
            let share = call.samples as f64 / whole;
            let width = share * WIDTH;
            if share >= LEAST {
                let letters = ((width - 4.0) / LETTER).max(0.0) as usize;
                let shown: String = short(name).chars().take(letters).collect();
                // Writing to a String cannot fail.
                let _written = write!(
                    svg,
                    "<g><title>{} ({:.1} %)</title><rect x=\"{left:.1}\" y=\"{top:.0}\" width=\"{:.1}\" height=\"15\" \
                     fill=\"{}\"/>",
                    escaped(name),
                    share * 100.0,
                    (width - 0.5).max(0.5),
                    colour(name)
                );
                if letters > 2 {
                    let _written = write!(
                        svg,
                        "<text x=\"{:.1}\" y=\"{:.0}\">{}</text>",
                        left + 2.0,
                        top + 11.0,
                        escaped(&shown)
                    );
                }
                svg.push_str("</g>\n");
                call.draw(svg, whole, left, top - ROW);
            }
            left += width;
        }
    }
}

/// What stands below or within everything, and says nothing of it.
const PLUMBING: &[&str] = &[
    "<core::future::poll_fn",
    "<core::panic",
    "<std::sys",
    "<tokio::future",
    "<tokio::runtime",
    "<tokio::task",
    "<tokio::time::timeout",
    "<tokio_util::task",
    "__libc_start",
    "__rust_try",
    "__x64_sys",
    "_start",
    "clone3",
    "core::ops::function",
    "do_syscall_64",
    "entry_SYSCALL",
    "start_thread",
    "std::panic",
    "std::rt",
    "std::sys",
    "tokio::runtime",
    "tokio::task",
];

/// The function of a line: `    ffff8000 name`. What has none is left out, and so is plumbing.
fn name(line: &str) -> Option<String> {
    let (_, name) = line.trim_start().split_once(' ')?;
    let whole = name.trim();
    let name = match whole.rsplit_once("::h") {
        Some((name, hash)) if hash.len() == 16 => name,
        _ => whole,
    };
    let is_plumbing = PLUMBING.iter().any(|start| name.starts_with(start));
    (!name.is_empty() && name != "[unknown]" && !is_plumbing).then(|| name.to_owned())
}

/// Its last two words, which are what one looks for.
fn short(name: &str) -> String {
    let mut depth = 0_usize;
    let mut words = vec![String::new()];
    let mut letters = name.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '<' => depth += 1,
            '>' => depth = depth.saturating_sub(1),
            ':' if depth == 0 && letters.peek() == Some(&':') => {
                letters.next();
                words.push(String::new());
                continue;
            }
            _ => {}
        }
        words.last_mut().into_iter().for_each(|word| word.push(letter));
    }
    let closures = words.iter().rev().take_while(|word| word.starts_with("{{")).count();
    let first = words.len().saturating_sub(2 + closures);
    words.get(first..).unwrap_or_default().join("::").replace("{{closure}}", "{}")
}

/// Warm; the same for the same crate.
fn colour(name: &str) -> String {
    let start = name.trim_start_matches(['<', '&']);
    let of_crate = start.split("::").next().unwrap_or_default();
    let mixed =
        of_crate.bytes().fold(7_u32, |mixed, octet| mixed.wrapping_mul(31).wrapping_add(u32::from(octet)));
    format!("hsl({},{}%,{}%)", mixed % 50, 70 + mixed / 64 % 20, 62 + mixed / 4_096 % 14)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: &str = "\
        \n    55 app::read::h0123456789abcdef\n    56 app::run\n    57 __rust_try\n    58 main\n\
        \n    55 app::read::h0123456789abcdef\n    56 app::run\n    58 main\n\
        \n    60 write\n    56 app::run\n    58 main\n\n";

    #[test]
    fn each_is_as_wide_as_its_share_and_stands_on_its_caller() {
        let svg = draw("a <b>", SCRIPT).unwrap();
        assert!(svg.contains(">a &lt;b&gt;</text>"), "{svg}");
        assert!(
            svg.contains("<title>main (100.0 %)</title><rect x=\"0.0\" y=\"64\" width=\"1199.5\""),
            "{svg}"
        );
        assert!(
            svg.contains("<title>app::read (66.7 %)</title><rect x=\"0.0\" y=\"32\" width=\"799.5\""),
            "{svg}"
        );
        assert!(svg.contains("<title>write (33.3 %)</title><rect x=\"800.0\""), "{svg}");
        assert!(!svg.contains("__rust_try"), "{svg}");
        assert_eq!(draw("", "\n\n"), None);
    }

    #[test]
    fn names_are_short() {
        assert_eq!(short("a::b::c"), "b::c");
        assert_eq!(short("<a::b as c::d>::e::{{closure}}"), "<a::b as c::d>::e::{}");
        assert_eq!(short("write"), "write");
    }
}
