//! What each header says (sections 2.3 and 4).

use cpim_adapter::message_cpim::{CORE, DateTime, Flag, HeaderError, Mode};
use cpim_adapter::{Content, MessageCpim, Subject};

use super::{DONKEY, body, builder, read, read_mode, subject_of, subjects};

#[test]
fn c02_the_worked_example() {
    let message = read(body(DONKEY)).unwrap();
    assert_eq!(message.from().unwrap().unwrap().name.as_deref(), Some("MR SANDERS"));
    assert_eq!(message.to().next().unwrap().unwrap().name.as_deref(), Some("Depressed Donkey"));
    assert_eq!(message.date_time().unwrap().unwrap().timestamp(), "2000-12-13T21:40:00Z".parse().unwrap());
    assert_eq!(
        subjects(&message),
        [(None, "the first".to_owned()), (Some("fr".to_owned()), "le second".to_owned())]
    );
    let languages: Vec<_> = message.headers()[3..5].iter().map(|header| header.lang_or_default()).collect();
    assert_eq!(languages, ["i-default", "fr"]);
    assert_eq!(message.require().len(), 1);
    assert_eq!(message.require()[0].namespace.as_deref(), Some("mid:MessageFeatures@id.example"));
    assert_eq!(message.require()[0].name.as_str(), "VitalMessageOption");
    let option = message.header("mid:MessageFeatures@id.example", "WackyMessageOption").unwrap();
    assert_eq!(option.value().unwrap(), "Use-silly-font");
    assert_eq!(message.headers().len(), 9);
    assert!(message.flags().is_empty());
}

#[test]
fn c05_a_second_space_belongs_to_the_value() {
    assert_eq!(subject_of("|Subject:  two spaces"), " two spaces");
    let message = read(body("|From:  <im:a@x>")).unwrap();
    assert_eq!(message.from(), Err(HeaderError::Address { line: 1 }));
}

/// Section 2.2: names compare exactly, and unknown ones are kept.
#[test]
fn names_are_case_sensitive_and_unknown_headers_kept() {
    let message = read(body("|from: <im:a@x>|CC: <im:c@x>|cc: <im:d@x>|Top&Tail: x|Empty: ")).unwrap();
    assert_eq!(message.from(), Ok(None));
    assert_eq!(message.cc().count(), 1);
    assert_eq!(message.header(CORE, "Top&Tail").unwrap().raw(), "x");
    assert_eq!(message.header(CORE, "Empty").unwrap().value().unwrap(), "");
}

#[test]
fn c10_c11_escapes() {
    assert_eq!(subject_of(r"|Subject: back\\slash \u0007 \q end\"), "back\\slash \u{7} q end");
    assert_eq!(subject_of(r"|Subject: \u00e9"), "é");
    let entity =
        builder().subject(Subject { lang: None, text: "é\u{7}".into() }).build(&Content::text("x")).unwrap();
    let message = MessageCpim::read(&entity, Mode::Strict).unwrap();
    assert_eq!(message.header(CORE, "Subject").unwrap().raw(), "é\\u0007");
}

/// Section 2.3; half a surrogate pair is no character.
#[test]
fn surrogates() {
    assert_eq!(subject_of(r"|Subject: \uD83D\uDE00"), "😀");
    let message = read(body(r"|Subject: \uD83D|Subject:;lang=fr ok")).unwrap();
    let subjects: Vec<_> = message.subjects().collect();
    assert_eq!(subjects[0], Err(HeaderError::UnpairedSurrogate { line: 1 }));
    assert_eq!(&*subjects[1].as_ref().unwrap().text, "ok");
    assert_eq!(message.headers()[0].raw(), r"\uD83D");
}

#[test]
fn c13_formal_names() {
    for (value, want) in [
        ("Pooh Bear <im:pooh@x>", Some("Pooh Bear")),
        (r#""Bear, P." <im:pooh@x>"#, Some("Bear, P.")),
        (r#""Bear, P."<im:pooh@x>"#, Some("Bear, P.")),
        ("Bear, P. <im:pooh@x>", None),
    ] {
        let message = read(body(&format!("|To: {value}"))).unwrap();
        let to = message.to().next().unwrap();
        assert_eq!(to.ok().and_then(|to| to.name).as_deref(), want, "{value}");
    }
    let bare = body("|To: Bear<im:pooh@x>");
    assert!(read(bare.clone()).unwrap().to().next().unwrap().is_err());
    assert!(read_mode(bare, Mode::Tolerant).unwrap().to().next().unwrap().is_ok());
}

/// What is not to be repeated is kept, flagged, and the first holds.
#[test]
fn duplicates() {
    let message = read(body(
        "|From: <im:a@x>|From: <im:b@x>|To: <im:c@x>|To: <im:d@x>|cc: <im:e@x>|cc: <im:f@x>\
         |Subject: 1|Subject:;lang=fr 2|Subject:;lang=FR 3|Subject:;lang=i-default 4|Other: 1|Other: 2",
    ))
    .unwrap();
    assert_eq!(message.from().unwrap().unwrap().uri.as_str(), "im:a@x");
    assert_eq!((message.to().count(), message.cc().count(), message.subjects().count()), (2, 2, 4));
    let flagged = [2, 9, 10].map(|line| Flag::Duplicate { line });
    assert_eq!(message.flags(), flagged);
    assert_eq!(message.headers().len(), 12);
}

#[test]
fn c19_parameters() {
    let message = read(body("|Subject:;lang=fr bonjour")).unwrap();
    assert_eq!(subjects(&message), [(Some("fr".to_owned()), "bonjour".to_owned())]);
    let message = read(body("|Subject: ;lang=fr bonjour")).unwrap();
    assert_eq!(subjects(&message), [(None, ";lang=fr bonjour".to_owned())]);
    let message = read(body(r#"|Subject:;x="a;b \"c\"";y=7.5 t"#)).unwrap();
    let header = &message.headers()[0];
    let parameters: Vec<_> =
        header.parameters().iter().map(|it| (it.name.as_str(), it.value.as_str())).collect();
    assert_eq!(parameters, [("x", "a;b \"c\""), ("y", "7.5")]);
    assert_eq!((header.raw().as_ref(), header.lang()), (&b"t"[..], None));
}

#[test]
fn c20_date_and_time() {
    for (value, valid) in [
        ("2001-02-01T12:16:49-05:00", true),
        ("2001-02-01T12:16:49.5Z", true),
        ("1990-12-31T23:59:60Z", true),
        ("2001-02-01 12:16:49", false),
        ("2015-11-07T22:35+0000", false),
        ("2001-02-30T00:00:00Z", false),
    ] {
        let message = read(body(&format!("|DateTime: {value}"))).unwrap();
        let want = if valid { Ok(DateTime::parse(value)) } else { Err(HeaderError::DateTime { line: 1 }) };
        assert_eq!(message.date_time(), want, "{value}");
        assert_eq!(message.headers()[0].raw(), value);
    }
}
