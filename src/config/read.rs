//! From values to typed sections, with every mistake and not only the first: serde stops at one, so what it named is
//! noted, taken out, and the rest is read again.

use std::collections::{HashMap, HashSet};

use figment::error::{Actual, Kind};
use figment::value::{Dict, Value};
use serde::de::DeserializeOwned;

use super::error::ConfigError;
use super::source::{KeyPath, Origins};
use super::words;

/// Reads sections, and gathers what is wrong.
pub(crate) struct Reader<'a> {
    pub(crate) origins: &'a Origins,
    pub(crate) errors: Vec<ConfigError>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(origins: &'a Origins) -> Self {
        Self { origins, errors: Vec::new() }
    }

    /// Notes that `path` is wrong.
    pub(crate) fn wrong(&mut self, path: &KeyPath, message: impl Into<String>) {
        self.errors.push(self.origins.error(path, message));
    }

    /// Takes the table `name` out of `values`, with its defaults for what is missing or wrong.
    pub(crate) fn table<T: Default + DeserializeOwned>(&mut self, values: &mut Dict, name: &str) -> T {
        let path = KeyPath::new(&[name]);
        values.remove(name).map(|value| self.right_of_table(value, &path)).unwrap_or_default()
    }

    /// Takes the list of tables `name` out of `values`: those that are right, each with the path it was written at.
    pub(crate) fn tables<T: DeserializeOwned>(&mut self, values: &mut Dict, name: &str) -> Vec<(KeyPath, T)> {
        let path = KeyPath::new(&[name]);
        let elements = match values.remove(name) {
            None => Vec::new(),
            Some(Value::Array(_, elements)) => elements,
            Some(_) => {
                self.wrong(&path, format!("a list of tables is accepted, each begun by [[{name}]]"));
                Vec::new()
            }
        };
        let elements = elements.into_iter().enumerate().map(|(nth, value)| (path.nth(nth), value));
        elements.filter_map(|(path, value)| self.one_table(value, &path).map(|table| (path, table))).collect()
    }

    /// Reads one table; none where anything in it is wrong.
    pub(crate) fn one_table<T: DeserializeOwned>(&mut self, value: Value, at: &KeyPath) -> Option<T> {
        self.is_no_list(&value, at).then(|| self.value(value, at)).flatten()
    }

    /// Reads one value; none where anything in it is wrong.
    pub(crate) fn value<T: DeserializeOwned>(&mut self, value: Value, at: &KeyPath) -> Option<T> {
        let errors_before = self.errors.len();
        let read = self.what_is_right(value, at);
        read.filter(|_| self.errors.len() == errors_before)
    }

    /// Reads what is right of one table, with defaults for the rest.
    pub(crate) fn right_of_table<T: Default + DeserializeOwned>(&mut self, value: Value, at: &KeyPath) -> T {
        let value = self.is_no_list(&value, at).then_some(value);
        value.and_then(|value| self.what_is_right(value, at)).unwrap_or_default()
    }

    /// Serde would take a list for a table, with the keys in the order of the type.
    fn is_no_list(&mut self, value: &Value, at: &KeyPath) -> bool {
        let list = matches!(value, Value::Array(..));
        if list {
            self.wrong(at, "found a list; a table is accepted");
        }
        !list
    }

    /// Reads what of a value can be read, and notes the rest; none where too little remains.
    fn what_is_right<T: DeserializeOwned>(&mut self, mut value: Value, at: &KeyPath) -> Option<T> {
        let mut taken = Taken::default();
        loop {
            let error = match value.deserialize::<T>() {
                Ok(read) => return Some(read),
                Err(error) => error,
            };
            let written = taken.written(at, &error.path);
            let missing = match &error.kind {
                Kind::MissingField(name) => Some(written.key(name)),
                _ => None,
            };
            match missing {
                Some(missing) if taken.keys.contains(&missing) => {}
                Some(missing) => self.wrong(&missing, "is missing; it must be given"),
                None => self.wrong(&written, message(&error.kind)),
            }
            if !taken.take(&mut value, &error.path, written) {
                return None;
            }
        }
    }
}

/// What has been taken out of a value, so that what remains can still be found where it was written.
#[derive(Default)]
struct Taken {
    keys: HashSet<KeyPath>,
    /// How many elements of a list are gone. Serde reads in order, so all of them stood before the next error.
    elements: HashMap<KeyPath, usize>,
}

impl Taken {
    /// Where `path` of the remaining value was written.
    fn written(&self, at: &KeyPath, path: &[String]) -> KeyPath {
        path.iter().fold(at.clone(), |above, key| match (self.elements.get(&above), key.parse::<usize>()) {
            (Some(gone), Ok(nth)) => above.nth(nth.saturating_add(*gone)),
            _ => above.key(key),
        })
    }

    /// Takes out what stands at `path`; false where that is the whole.
    fn take(&mut self, value: &mut Value, path: &[String], written: KeyPath) -> bool {
        let Some((last, above)) = path.split_last() else {
            return false;
        };
        let inside = above.iter().try_fold(value, |value, key| match value {
            Value::Dict(_, dict) => dict.get_mut(key),
            Value::Array(_, elements) => elements.get_mut(key.parse::<usize>().ok()?),
            _ => None,
        });
        let took = match inside {
            Some(Value::Dict(_, dict)) => dict.remove(last).is_some(),
            Some(Value::Array(_, elements)) => match last.parse::<usize>() {
                Ok(nth) if nth < elements.len() => {
                    elements.remove(nth);
                    let list: Vec<&str> = written.keys().iter().map(String::as_str).collect();
                    let list =
                        list.split_last().map_or_else(KeyPath::default, |(_, list)| KeyPath::new(list));
                    *self.elements.entry(list).or_default() += 1;
                    true
                }
                _ => false,
            },
            _ => false,
        };
        self.keys.insert(written);
        took
    }
}

/// What is wrong, and what is accepted, in words.
fn message(kind: &Kind) -> String {
    match kind {
        Kind::InvalidType(found, expected) | Kind::InvalidValue(found, expected) => {
            format!("{}; {} is accepted", found_words(found), accepted_words(expected))
        }
        Kind::Message(message) => message.clone(),
        Kind::UnknownField(name, accepted) => words::unknown("key", name, accepted),
        Kind::UnknownVariant(name, accepted) => words::unknown("value", name, accepted),
        other => other.to_string(),
    }
}

fn found_words(found: &Actual) -> String {
    match found {
        Actual::Bool(value) => value.to_string(),
        Actual::Float(value) => value.to_string(),
        Actual::Map => "found a table".to_owned(),
        Actual::Seq => "found a list".to_owned(),
        Actual::Signed(value) => value.to_string(),
        Actual::Str(value) => format!("{value:?}"),
        Actual::Unsigned(value) => value.to_string(),
        other => format!("found {other}"),
    }
}

/// Serde names Rust's types; people write numbers, lists and tables.
fn accepted_words(expected: &str) -> &str {
    match expected {
        "a boolean" => "true or false",
        "a map" => "a table",
        "a sequence" => "a list",
        "path string" => "a path, as a string,",
        "u16" => "a whole number from 0 to 65535",
        "u32" | "u64" | "usize" => "a whole number, 0 or more,",
        "u8" => "a whole number from 0 to 255",
        expected if expected.starts_with("struct ") => "a table",
        expected if expected.starts_with("variant ") || expected.starts_with("enum ") => {
            "one word, as a string,"
        }
        other => other,
    }
}
