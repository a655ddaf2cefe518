//! What holds for every Message/CPIM, and for octets that are none.

use bytes::Bytes;
use cpim_adapter::message_cpim::{AbsoluteUri, Builder, DateTime, Extension, Mode, Name, Party};
use cpim_adapter::{Content, LangTag, MessageCpim, Subject};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

fn uri() -> impl Strategy<Value = AbsoluteUri> {
    "(im|sip|urn:x|http):[a-zA-Z0-9._~/?@!$&'()*+,;=-]{1,12}(%[0-9a-f]{2})?"
        .prop_map(|text| AbsoluteUri::parse(&text).unwrap())
}

fn party() -> impl Strategy<Value = Party> {
    let name = prop_oneof![any::<String>(), r#"[ab"\\<>,. é😀\t\r\n\u{7f}]{0,8}"#];
    (option::of(name), uri()).prop_map(|(name, uri)| Party { name: name.map(Into::into), uri })
}

fn lang() -> impl Strategy<Value = Option<LangTag>> {
    option::of("[a-z]{2}(-[A-Z]{2})?".prop_map(|text| LangTag::parse(&text).unwrap()))
}

fn subject() -> impl Strategy<Value = Subject> {
    (lang(), any::<String>()).prop_map(|(lang, text)| Subject { lang, text: text.into() })
}

fn extension() -> impl Strategy<Value = (AbsoluteUri, Name, Option<LangTag>, String)> {
    let name = "[A-Za-z0-9!#$%&'*+^_`|~-]{1,8}".prop_map(|text| Name::parse(&text).unwrap());
    (uri(), name, lang(), any::<String>())
}

/// Header lines of about the right shape, so that more than the first check is reached.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        "(From|To|cc): [a \"\\\\<>,]{0,4}<im:[a@x%#]{0,4}>",
        "(NS|Require): [a.,<>: ]{0,8}",
        "DateTime: [0-9T:Z.+-]{0,26}",
        "(a\\.)?[A-Za-z]{0,6}:(;[a-z]{1,3}=[a\"\\\\; ]{0,4})?[ ]{0,2}(\\\\u[dD89][8c][0-9a-f]{2}){0,3}.{0,8}",
        "Content-Type: (text/plain|multipart/signed|[a-z/;= ]{0,12})",
        any::<String>(),
    ];
    let end = prop_oneof![8 => Just("\r\n"), 1 => Just("\n"), 1 => Just("\r\n\r\n"), 1 => Just("")];
    vec((line, end), 0..8)
        .prop_map(|lines| lines.into_iter().map(|(line, end)| line + end).collect::<String>().into_bytes())
}

/// Everything there is to ask of one; none of it may panic.
fn ask(octets: Vec<u8>) {
    let octets = Bytes::from(octets);
    for mode in [Mode::Strict, Mode::Tolerant] {
        let content = Content::new(octets.clone());
        let _answers = (
            content.media_type(),
            content.field("Subject"),
            MessageCpim::read_nested(&content, mode).is_ok(),
        );
        if let Ok(message) = MessageCpim::read_body(&octets, mode) {
            assert!(octets.ends_with(message.content().octets()));
            let _answers = (message.from().is_ok(), message.to().count(), message.cc().count());
            let _answers = (message.date_time().is_ok(), message.subjects().count(), message.require().len());
            for header in message.headers() {
                let _value = header.value();
            }
        }
    }
}

proptest! {
    #[test]
    fn read_undoes_write(
        from in party(),
        to in vec(party(), 1..4),
        cc in vec(party(), 0..3),
        subjects in vec(subject(), 0..4),
        extensions in vec(extension(), 0..4),
        required in vec((uri(), "[A-Za-z]{1,8}"), 0..4),
        dated in any::<bool>(),
        body in vec(any::<u8>(), 0..64),
    ) {
        let content = Content::new([b"Content-Type: a/b\r\n\r\n", body.as_slice()].concat().into());
        let date_time = dated.then(|| DateTime::parse("1990-12-31T15:59:60.25-08:00").unwrap());

        let mut builder = Builder::new(from.clone(), to.first().unwrap().clone());
        for party in to.iter().skip(1) {
            builder = builder.to(party.clone());
        }
        for party in &cc {
            builder = builder.cc(party.clone());
        }
        if let Some(date_time) = &date_time {
            builder = builder.date_time(date_time.clone());
        }
        for subject in &subjects {
            builder = builder.subject(subject.clone());
        }
        for (namespace, name) in &required {
            builder = builder.require(namespace.clone(), Name::parse(name).unwrap());
        }
        for (namespace, name, lang, text) in &extensions {
            let extension = Extension::new(namespace.clone(), name.clone(), text).unwrap();
            builder = builder.extension(match lang {
                Some(lang) => extension.with_lang(lang.clone()),
                None => extension,
            });
        }
        let entity = builder.build(&content).unwrap();

        for mode in [Mode::Strict, Mode::Tolerant] {
            let message = MessageCpim::read(&entity, mode).unwrap();
            prop_assert_eq!(message.from(), Ok(Some(from.clone())));
            prop_assert_eq!(message.to().collect::<Result<Vec<_>, _>>(), Ok(to.clone()));
            prop_assert_eq!(message.cc().collect::<Result<Vec<_>, _>>(), Ok(cc.clone()));
            prop_assert_eq!(message.date_time(), Ok(date_time.clone()));
            prop_assert_eq!(message.subjects().collect::<Result<Vec<_>, _>>(), Ok(subjects.clone()));
            let read: Vec<_> = message.require().iter()
                .map(|it| (it.namespace.as_deref().unwrap().to_owned(), it.name.to_string()))
                .collect();
            let want: Vec<_> = required.iter().map(|(namespace, name)| (namespace.to_string(), name.clone())).collect();
            prop_assert_eq!(read, want);
            let tail = message.headers().len() - extensions.len();
            for ((namespace, name, lang, text), header) in extensions.iter().zip(message.headers().iter().skip(tail)) {
                prop_assert!(header.is(namespace.as_str(), name.as_str()));
                prop_assert_eq!(header.lang(), lang.as_ref().map(LangTag::as_str));
                prop_assert_eq!(&*header.value().unwrap(), text.as_str());
            }
            prop_assert_eq!(message.content(), &content);
        }
    }

    #[test]
    fn any_octets_are_safe(octets in vec(any::<u8>(), 0..256)) {
        ask(octets);
    }

    #[test]
    fn nearly_right_octets_are_safe(octets in nearly()) {
        ask(octets);
    }

    /// Whatever is read can be put into another, and stands there octet for octet.
    #[test]
    fn wrapping_keeps_the_original(headers in nearly(), body in vec(any::<u8>(), 0..64)) {
        let original = [b"Content-Type: message/cpim\r\n\r\n".as_slice(), &headers, b"\r\n\r\nContent-Type: a/b\r\n\r\n", &body].concat();
        let original = Content::new(original.into());
        let uri = AbsoluteUri::parse("im:gateway@gw.example").unwrap();
        let entity = Builder::new(uri.clone().into(), uri.into()).build(&original).unwrap();
        let outer = MessageCpim::read(&entity, Mode::Strict).unwrap();
        prop_assert_eq!(outer.content().octets(), original.octets());
    }
}
