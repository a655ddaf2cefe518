//! `response`: what became of an operation.

use cpim_adapter::{LangTag, Response, Status, SubscriptId, TransId};

use super::{Element, Rejection, Violation, cut, text, trans_id};
use crate::frame::decimal;
use cpim_adapter::xml::{Reader, Tag, Writer};

/// Writes the response to an operation or a ping. Over [`Response::MAX_TEXT_OCTETS`] its words are cut,
/// because an explanation is not content.
pub fn write_response(out: &mut String, trans_id: &TransId, response: &Response) {
    let mut writer = Writer::new(out);
    writer
        .start("response")
        .attribute("status", response.status().as_str())
        .attribute("transID", trans_id.as_str());
    if let Some(duration) = response.duration() {
        writer.number("duration", duration);
    }
    if let Some(id) = response.subscript_id() {
        writer.attribute("subscriptID", id.as_str());
    }
    if let Some(lang) = response.lang() {
        writer.attribute("xml:lang", lang.as_str());
    }
    match (response.code(), cut(response.words(), Response::MAX_TEXT_OCTETS)) {
        (None, "") => writer.empty(),
        (None, words) => writer.open().text(words).close("response"),
        (Some(code), "") => writer.open().text(code.as_str()).close("response"),
        (Some(code), words) => {
            writer.open().text(code.as_str()).text(": ").text(words).close("response");
        }
    }
}

/// Reads a response. Of a malformed one nobody could say what became of the operation, and there is no
/// answering it: it ends the session. A language that is none is no language.
pub(super) fn read(tag: &Tag<'_>, reader: &mut Reader<'_>) -> Result<Element, Rejection> {
    let text = text(reader)?;
    let trans_id = trans_id(tag)?;
    let malformed = |what: &str| Violation::malformed("response", what.to_owned());
    let status = tag.attribute("status").and_then(Status::from_word);
    let status =
        status.ok_or_else(|| malformed("expected `status` of `success`, `failure` or `indeterminant`"))?;
    let duration = tag.attribute("duration").map(decimal);
    let subscript_id = tag.attribute("subscriptID").map(SubscriptId::parse).transpose();
    let text = text.ok_or_else(|| malformed("expected text, and no element"))?;
    let response = Response::from_text(status, &text)
        .with_lang(tag.attribute("xml:lang").and_then(LangTag::parse))
        .with_duration(match duration {
            Some(None) => return Err(malformed("`duration`: expected a number of seconds").into()),
            duration => duration.flatten(),
        })
        .with_subscript_id(subscript_id.map_err(|error| malformed(&format!("`subscriptID`: {error}")))?);
    Ok(Element::Response { trans_id, response })
}
