//! Message/CPIM, vector by vector. A vector that others refer to has a number; the clauses are those of RFC 3862.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is a failed test")]

mod headers;
mod namespaces;
mod nesting;
mod properties;
mod structure;

use bytes::Bytes;
use cpim_adapter::message_cpim::{AbsoluteUri, Builder, Mode, Name, ReadError};
use cpim_adapter::{MessageCpim, Subject};

const ENTITY: &str = "Content-Type: text/plain\r\n\r\nhi";

/// `|` begins each header line; the content is always the same.
fn body(headers: &str) -> String {
    let lines: String = headers.split('|').skip(1).map(|line| format!("{line}\r\n")).collect();
    format!("{lines}\r\n{ENTITY}")
}

fn read_mode(octets: impl Into<Vec<u8>>, mode: Mode) -> Result<MessageCpim, ReadError> {
    MessageCpim::read_body(&Bytes::from(octets.into()), mode)
}

fn read(octets: impl Into<Vec<u8>>) -> Result<MessageCpim, ReadError> {
    read_mode(octets, Mode::Strict)
}

/// Both modes refuse it, for the same reason.
fn refused(octets: impl Into<Vec<u8>>) -> ReadError {
    let octets = octets.into();
    let error = read(octets.clone()).unwrap_err();
    assert_eq!(read_mode(octets, Mode::Tolerant), Err(error.clone()));
    error
}

fn subjects(message: &MessageCpim) -> Vec<(Option<String>, String)> {
    let plain =
        |Subject { lang, text }: Subject| (lang.map(|lang| lang.as_str().to_owned()), text.to_string());
    message.subjects().map(|subject| plain(subject.unwrap())).collect()
}

fn subject_of(line: &str) -> String {
    subjects(&read(body(line)).unwrap())[0].1.clone()
}

fn uri(text: &str) -> AbsoluteUri {
    AbsoluteUri::parse(text).unwrap()
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn builder() -> Builder {
    Builder::new(uri("im:a@x.example").into(), uri("im:b@x.example").into())
}

/// Section 5.1, restated.
const DONKEY: &str = "|From: MR SANDERS <im:piglet@100akerwood.example>\
    |To: Depressed Donkey <im:eeyore@100akerwood.example>\
    |DateTime: 2000-12-13T13:40:00-08:00\
    |Subject: the first\
    |Subject:;lang=fr le second\
    |NS: MyFeatures <mid:MessageFeatures@id.example>\
    |Require: MyFeatures.VitalMessageOption\
    |MyFeatures.VitalMessageOption: Confirmation-requested\
    |MyFeatures.WackyMessageOption: Use-silly-font";
