//! A sheet as it is kept: a JSON document with a version.

use cpim_adapter::{Address, Basic, Standing};
use serde::{Deserialize, Serialize};

use super::{Appearance, Ask, Decision, Forward, Mark, Sheet, Show, Topic, Who};
use crate::clock::UnixMs;

/// The version that is written. One that is higher cannot be read, and then nobody may anything.
const VERSION: u32 = 1;

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Note {
    v: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    marks: Vec<MarkNote>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    appears: Vec<AppearNote>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    seen_by: Vec<(Who, bool)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    forward: Option<ForwardNote>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    delegates: Vec<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct MarkNote {
    who: Who,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    standing: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ask: Option<Ask>,
    say: Decision,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct AppearNote {
    who: Who,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    only: Option<Vec<String>>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ForwardNote {
    to: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<UnixMs>,
}

/// Writes a sheet; nothing where nothing is said in it.
pub(super) fn write(sheet: &Sheet) -> Option<Vec<u8>> {
    if sheet.is_empty() {
        return None;
    }
    let note = Note {
        v: VERSION,
        marks: sheet.marks.iter().map(mark_note).collect(),
        appears: sheet.appearances.iter().map(appear_note).collect(),
        seen_by: sheet.seen_by.clone(),
        forward: sheet
            .forward
            .as_ref()
            .map(|forward| ForwardNote { to: forward.to.to_string(), until: forward.until }),
        delegates: sheet.delegates.iter().map(Address::to_string).collect(),
    };
    serde_json::to_vec(&note).ok()
}

/// Reads a sheet. What cannot be read is sealed, with the reason.
pub(super) fn read(octets: &[u8]) -> (Sheet, Option<String>) {
    match read_note(octets) {
        Ok(sheet) => (sheet, None),
        Err(why) => (Sheet { sealed: true, ..Sheet::default() }, Some(why)),
    }
}

fn read_note(octets: &[u8]) -> Result<Sheet, String> {
    let note: Note = serde_json::from_slice(octets).map_err(|error| error.to_string())?;
    if note.v != VERSION {
        return Err(format!("version {}; this gateway reads {VERSION}", note.v));
    }
    let address = |text: &str| Address::parse(text).map_err(|error| error.to_string());
    Ok(Sheet {
        marks: note.marks.into_iter().map(mark).collect::<Result<_, _>>()?,
        appearances: note.appears.into_iter().map(appearance).collect::<Result<_, _>>()?,
        seen_by: note.seen_by,
        forward: match note.forward {
            Some(forward) => Some(Forward { to: address(&forward.to)?, until: forward.until }),
            None => None,
        },
        delegates: note.delegates.iter().map(|text| address(text)).collect::<Result<_, _>>()?,
        sealed: false,
    })
}

fn mark_note(mark: &Mark) -> MarkNote {
    MarkNote {
        who: mark.who.clone(),
        standing: mark.standing.map(|standing| standing.as_str().to_owned()),
        ask: match mark.topic {
            Topic::Everything => None,
            Topic::One(ask) => Some(ask),
        },
        say: mark.decision,
    }
}

fn mark(note: MarkNote) -> Result<Mark, String> {
    let standing = note.standing.map(|word| {
        Standing::from_word(&word).ok_or_else(|| format!("{word:?} is not how well somebody is known"))
    });
    Ok(Mark {
        who: note.who,
        standing: standing.transpose()?,
        topic: note.ask.map_or(Topic::Everything, Topic::One),
        decision: note.say,
    })
}

fn appear_note(appearance: &Appearance) -> AppearNote {
    let who = appearance.who.clone();
    match &appearance.show {
        Show::All => AppearNote { who, status: None, note: None, only: None },
        Show::Basic(basic, note) => {
            AppearNote { who, status: Some(basic.as_str().to_owned()), note: note.clone(), only: None }
        }
        Show::Only(only) => AppearNote { who, status: None, note: None, only: Some(only.clone()) },
    }
}

fn appearance(note: AppearNote) -> Result<Appearance, String> {
    let show = match (note.status, note.only) {
        (Some(word), None) => {
            let basic = Basic::from_word(&word).ok_or_else(|| format!("{word:?} is no status"))?;
            Show::Basic(basic, note.note)
        }
        (None, Some(only)) => Show::Only(only),
        (None, None) => Show::All,
        (Some(_), Some(_)) => return Err("a status and tuples at once".to_owned()),
    };
    Ok(Appearance { who: note.who, show })
}
