//! Where the configuration comes from: one TOML file, and environment variables on top of it. Values go to figment,
//! which merges and types them; where each was written is kept beside, so that an error can name the place.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use figment::providers::Serialized;
use figment::value::{Dict, Value};
use figment::{Figment, Profile, Provider};
use toml_edit::{Document, Item, TableLike};

use super::error::{ConfigError, Place};

/// What every variable of the gateway begins with.
pub const PREFIX: &str = "CPIM_GATEWAY_";

/// The largest configuration file, in octets: one of this size has thousands of rules and is still read at once.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// A key and what it is inside of: `route`, `0`, `to`.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub(crate) struct KeyPath(Vec<String>);

impl KeyPath {
    pub(crate) fn new(keys: &[&str]) -> Self {
        Self(keys.iter().map(|key| (*key).to_owned()).collect())
    }

    /// The key `key` of this table.
    pub(crate) fn key(&self, key: &str) -> Self {
        let mut path = self.clone();
        path.0.push(key.to_owned());
        path
    }

    /// The element `nth` of this list, counted from 0.
    pub(crate) fn nth(&self, nth: usize) -> Self {
        self.key(&nth.to_string())
    }

    pub(crate) fn keys(&self) -> &[String] {
        &self.0
    }

    /// Itself, then what it is inside of, up to the whole.
    fn outwards(&self) -> impl Iterator<Item = Self> {
        (0..=self.0.len()).rev().map(|length| Self(self.0.iter().take(length).cloned().collect()))
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, key) in self.0.iter().enumerate() {
            match (nth, key.parse::<usize>()) {
                (_, Ok(element)) => write!(f, "[{element}]")?,
                (0, Err(_)) => f.write_str(key)?,
                (_, Err(_)) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}

/// Where each key was written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origins {
    file: PathBuf,
    lines: HashMap<KeyPath, usize>,
    variables: HashMap<KeyPath, String>,
}

impl Origins {
    /// The place of `path` or, where it is not written, of the innermost table around it that is.
    pub(crate) fn place(&self, path: &KeyPath) -> Place {
        let above = || path.outwards().find_map(|path| self.variables.get(&path));
        // Where the file does not have it, it is there because of what is set in it.
        let inside = || {
            let set = self.variables.iter().filter(|(set, _)| set.0.starts_with(&path.0));
            set.map(|(_, variable)| variable).min().filter(|_| !self.lines.contains_key(path))
        };
        if let Some(variable) = above().or_else(inside) {
            return Place::Variable { variable: variable.clone() };
        }
        match path.outwards().find_map(|path| self.lines.get(&path)) {
            Some(line) => Place::File { file: self.file.clone(), line: *line, column: None },
            None => Place::Whole { file: self.file.clone() },
        }
    }

    /// Whether `path` was written, in the file or as a variable.
    pub(crate) fn is_written(&self, path: &KeyPath) -> bool {
        self.lines.contains_key(path) || self.variables.contains_key(path)
    }

    /// The error `message` about `path`.
    pub(crate) fn error(&self, path: &KeyPath, message: impl Into<String>) -> ConfigError {
        ConfigError { place: self.place(path), key: path.to_string(), message: message.into() }
    }

    /// A path from the configuration as seen from the folder of the file.
    pub(crate) fn beside(&self, path: &Path) -> PathBuf {
        self.file.parent().map_or_else(|| path.to_owned(), |folder| folder.join(path))
    }
}

/// Reads the file and lays the environment over it.
///
/// Beside the values comes what is wrong with single variables, which are left out.
///
/// # Errors
/// When the file cannot be read or is not TOML.
pub(crate) fn read(
    file: &Path,
    environment: &[(OsString, OsString)],
) -> Result<(Dict, Origins, Vec<ConfigError>), ConfigError> {
    let text = read_text(file).map_err(whole(file))?;
    lay_over(file, &text, environment)
}

/// As [`read`], of a text that stands for the file.
pub(crate) fn lay_over(
    file: &Path,
    text: &str,
    environment: &[(OsString, OsString)],
) -> Result<(Dict, Origins, Vec<ConfigError>), ConfigError> {
    let document = Document::parse(text).map_err(|e| syntax(file, text, &e))?;
    let mut walk = Walk { text, lines: HashMap::new() };
    let values = walk.table(document.as_table(), &KeyPath::default());
    let mut origins = Origins { file: file.to_owned(), lines: walk.lines, variables: HashMap::new() };
    let mut figment = Figment::from(Serialized::from(values, Profile::Default));

    let mut errors = Vec::new();
    for (name, value) in environment {
        let Some((variable, key)) = name.to_str().and_then(|name| Some((name, name.strip_prefix(PREFIX)?)))
        else {
            continue;
        };
        match overlay(key, value) {
            Ok((keys, value)) => {
                record(&value, &keys, variable, &mut origins.variables);
                figment = figment.merge(Serialized::default(&keys.keys().join("."), value));
            }
            Err(message) => {
                let place = Place::Variable { variable: variable.to_owned() };
                errors.push(ConfigError { place, key: String::new(), message });
            }
        }
    }
    let mut data = figment.data().map_err(|e| whole(file)(e.to_string()))?;
    Ok((data.remove(&Profile::Default).unwrap_or_default(), origins, errors))
}

/// What is wrong with all of it.
fn whole(file: &Path) -> impl Fn(String) -> ConfigError {
    let place = Place::Whole { file: file.to_owned() };
    move |message| ConfigError { place: place.clone(), key: String::new(), message }
}

/// What the variable `PREFIX` + `key` sets, and to what.
fn overlay(key: &str, value: &OsStr) -> Result<(KeyPath, Value), String> {
    let keys = key.to_lowercase();
    let keys: Vec<&str> = keys.split("__").collect();
    if keys.contains(&"") {
        return Err(format!(
            "no key has this name; one such as {PREFIX}LIMITS__HOPS, for limits.hops, is accepted"
        ));
    }
    let value = value.to_str().ok_or("the value is not UTF-8")?;
    // A value of TOML, or a bare string (`5m`, `gw.example`) that is none and does not begin like one.
    let value = match value.parse::<toml_edit::Value>() {
        Ok(value) => Walk::default().value(&value, &KeyPath::default()),
        Err(e) if value.trim_start().starts_with(['[', '{', '"', '\'']) => {
            return Err(format!("not a value of TOML: {}", e.message().replace('\n', "; ")));
        }
        Err(_) => Value::from(value),
    };
    Ok((KeyPath::new(&keys), value))
}

fn read_text(file: &Path) -> Result<String, String> {
    let opened = File::open(file).map_err(|e| format!("cannot be read: {e}"))?;
    let mut text = String::new();
    let read = opened.take(MAX_FILE.saturating_add(1)).read_to_string(&mut text);
    let octets = read.map_err(|e| format!("cannot be read: {e}"))?;
    if u64::try_from(octets).is_ok_and(|octets| octets <= MAX_FILE) {
        Ok(text)
    } else {
        Err(format!("longer than {MAX_FILE} octets"))
    }
}

/// An error of the TOML grammar, with its line and column.
fn syntax(file: &Path, text: &str, error: &toml_edit::TomlError) -> ConfigError {
    let before = text.get(..error.span().map_or(0, |span| span.start)).unwrap_or(text);
    let column = before.chars().rev().take_while(|c| *c != '\n').count().saturating_add(1);
    let place = Place::File { file: file.to_owned(), line: line_after(before), column: Some(column) };
    // The commonest slip is a bare word, for which the parser only knows what it could have become.
    let line = before.rsplit('\n').next().unwrap_or_default();
    let hint = if line.trim_end().ends_with('=') { "; text stands in quotes" } else { "" };
    let message = format!("not TOML: {}{hint}", error.message().replace('\n', "; "));
    ConfigError { place, key: String::new(), message }
}

/// The number of the line on which what follows `before` stands.
fn line_after(before: &str) -> usize {
    before.matches('\n').count().saturating_add(1)
}

/// Notes for each value of `value` that is no table itself that it came from `variable`; tables are merged with the file's.
fn record(value: &Value, path: &KeyPath, variable: &str, variables: &mut HashMap<KeyPath, String>) {
    match value {
        Value::Dict(_, dict) if !dict.is_empty() => {
            dict.iter().for_each(|(key, value)| record(value, &path.key(key), variable, variables));
        }
        _ => {
            variables.insert(path.clone(), variable.to_owned());
        }
    }
}

/// Turns a parsed document into figment's values, and notes the line of each key on the way.
#[derive(Default)]
struct Walk<'a> {
    text: &'a str,
    lines: HashMap<KeyPath, usize>,
}

impl Walk<'_> {
    fn table(&mut self, table: &dyn TableLike, path: &KeyPath) -> Dict {
        let mut values = Dict::new();
        for (name, item) in table.iter() {
            let path = path.key(name);
            let key = table.get_key_value(name).and_then(|(key, _)| key.span());
            self.note(&path, key.or_else(|| item.span()));
            if let Some(value) = self.item(item, &path) {
                values.insert(name.to_owned(), value);
            }
        }
        values
    }

    fn item(&mut self, item: &Item, path: &KeyPath) -> Option<Value> {
        match item {
            Item::ArrayOfTables(tables) => {
                let elements = tables.iter().enumerate().map(|(nth, table)| {
                    let path = path.nth(nth);
                    self.note(&path, table.span());
                    Value::from(self.table(table, &path))
                });
                Some(Value::from(elements.collect::<Vec<_>>()))
            }
            Item::None => None,
            Item::Table(table) => Some(Value::from(self.table(table, path))),
            Item::Value(value) => Some(self.value(value, path)),
        }
    }

    fn value(&mut self, value: &toml_edit::Value, path: &KeyPath) -> Value {
        match value {
            toml_edit::Value::Array(array) => {
                let elements = array.iter().enumerate().map(|(nth, value)| {
                    let path = path.nth(nth);
                    self.note(&path, value.span());
                    self.value(value, &path)
                });
                Value::from(elements.collect::<Vec<_>>())
            }
            toml_edit::Value::Boolean(value) => Value::from(*value.value()),
            toml_edit::Value::Datetime(value) => Value::from(value.value().to_string()),
            toml_edit::Value::Float(value) => Value::from(*value.value()),
            toml_edit::Value::InlineTable(table) => Value::from(self.table(table, path)),
            toml_edit::Value::Integer(value) => Value::from(*value.value()),
            toml_edit::Value::String(value) => Value::from(value.value().as_str()),
        }
    }

    fn note(&mut self, path: &KeyPath, span: Option<std::ops::Range<usize>>) {
        if let Some(before) = span.and_then(|span| self.text.get(..span.start)) {
            self.lines.insert(path.clone(), line_after(before));
        }
    }
}
