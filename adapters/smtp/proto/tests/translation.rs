//! Operations that cross mail: to a peer and back whole, to a person as mail, from a person as a message.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in a test, a panic is a failed test")]

use std::time::Duration;

use bytes::Bytes;
use cpim_adapter::{
    Basic, Class, Content, Domain, ImUri, LangTag, Mapper, Message, Metadata, Notify, Operation, OperationId,
    Passage, PresUri, Presence, Publish, Response, Selectors, Standing, Status, Subject, Subscribe,
    SubscriptId, Tuple, Unsubscribe,
};
use cpim_smtp_proto::address::Mailbox;
use cpim_smtp_proto::mail::{Answer, Incoming, Letter, Lossy, Mail, Notice, Parcel, Peers, Slip};
use proptest::prelude::*;

const NOW: u64 = 1_764_000_000;

fn domain(text: &str) -> Domain {
    Domain::parse(text).unwrap()
}

fn mailbox(text: &str) -> Mailbox {
    Mailbox::parse(text).unwrap()
}

fn mapper() -> Mapper {
    Mapper::new(domain("gw.b.example"), Selectors::default())
}

fn peers(own: &str, other: &str) -> Peers {
    Peers::new(&domain(own), [(&domain(other), &b"secret"[..])])
}

fn passage() -> Passage {
    Passage {
        id: OperationId::parse("op-1").unwrap(),
        hops: 99,
        via: vec![domain("gw.x.example"), domain("gw.a.example")],
        wait: Some(Duration::from_secs(60)),
    }
}

fn message(content: Content, metadata: Metadata) -> Message {
    Message {
        source: ImUri::parse("im:fred@a.example").unwrap(),
        destination: ImUri::parse("im:Bob@B.example").unwrap(),
        content,
        metadata,
    }
}

/// The mail of an operation to the peer gw.b.example.
fn parcel(operation: &Operation, eight_bit: bool) -> Vec<u8> {
    let (from, to) =
        (mailbox("im=fred~40a.example@gw.a.example"), mailbox("im=Bob~40b.example@gw.b.example"));
    let (peers, relay, passage) = (peers("gw.a.example", "gw.b.example"), domain("gw.a.example"), passage());
    let slip = Slip { from: &from, alias_of: None, to: &to, passage: &passage, relay: &relay, now_s: NOW };
    let key = peers.key_to(&domain("gw.b.example")).unwrap();
    Parcel { slip, operation, standing: Standing::Verified, key }.write(eight_bit).unwrap().0.octets
}

/// What the mail is at gw.b.example.
fn arrive(octets: &[u8], recipient: &str, peers: &Peers, now_s: u64) -> Incoming {
    let mapper = mapper();
    // As SMTP brings it: with an end to its last line.
    let octets = match octets.ends_with(b"\r\n") {
        true => Bytes::copy_from_slice(octets),
        false => [octets, b"\r\n"].concat().into(),
    };
    let mail = Mail::read(&octets).unwrap();
    let source = mail.from().unwrap().mailbox.as_stranger(Class::Im, &mapper).unwrap();
    let recipient = mailbox(recipient);
    let destination = recipient.as_resident(Class::Im, &mapper).unwrap();
    let ends = (ImUri::try_from(source).unwrap(), ImUri::try_from(destination).unwrap());
    mail.incoming(ends.0, (&recipient, ends.1), &mapper, peers, now_s)
}

fn whole(operation: &Operation) -> (String, Option<Bytes>) {
    (format!("{operation:?}"), operation.content().map(|content| content.octets().clone()))
}

fn assert_crosses(operation: &Operation, eight_bit: bool) {
    let octets = parcel(operation, eight_bit);
    for recipient in ["im=Bob~40b.example@gw.b.example", "gateway@gw.b.example"] {
        let incoming = arrive(&octets, recipient, &peers("gw.b.example", "gw.a.example"), NOW + 5);
        assert_eq!(incoming.peer, Some(domain("gw.a.example")));
        assert_eq!(whole(&incoming.operation), whole(operation));
        let passage = passage();
        assert_eq!((incoming.id, incoming.hops), (Some(passage.id), Some(passage.hops)));
        assert_eq!((incoming.via, incoming.wait), (passage.via, passage.wait));
        assert_eq!(incoming.standing, Some(Standing::Verified));
    }
}

fn contents() -> impl Strategy<Value = Content> {
    let header = prop_oneof![
        Just("Content-Type: text/plain; charset=utf-8\r\n".to_owned()),
        Just(
            "Content-Type: image/png\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <1@a>\r\n"
                .to_owned()
        ),
        Just("Content-type: multipart/signed;\r\n boundary=x\r\nX-Own: 1\r\n".to_owned()),
        Just("Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n".to_owned()),
        Just(String::new()),
        "Content-Type: .{0,20}\r\n",
    ];
    let piece = prop_oneof![
        Just(b"\r\n".to_vec()),
        Just(b".\r\n".to_vec()),
        Just(b"\n.\r\n\r".to_vec()),
        "[ -~]{0,60}".prop_map(String::into_bytes),
        Just(vec![b'a'; 1_200]),
        proptest::collection::vec(any::<u8>(), 0..30),
    ];
    let body = proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat());
    prop_oneof![
        8 => (header, body).prop_map(|(header, body)| Content::new([header.as_bytes(), b"\r\n", &body].concat().into())),
        1 => proptest::collection::vec(any::<u8>(), 0..40).prop_map(|octets| Content::new(octets.into())),
    ]
}

proptest! {
    #[test]
    fn a_message_comes_out_of_a_peer_octet_for_octet(
        content in contents(), subject in any::<String>(), name in any::<Option<String>>(), eight_bit in any::<bool>(),
    ) {
        let metadata = Metadata {
            subjects: vec![Subject { lang: None, text: subject.into() }],
            date: Some("2026-11-20T12:00:00Z".into()),
            source_name: name.map(Into::into),
            message_ref: Some("<1@a.example>".into()),
            references: vec!["<0@a.example>".into(), "no id".into()],
            ..Metadata::default()
        };
        assert_crosses(&Operation::Message(message(content, metadata)), eight_bit);
    }

    #[test]
    fn no_field_ends_a_header_and_no_line_is_too_long(
        content in contents(), words in any::<String>(), more in "(\r\n)?Bcc: x@y\r\n\r\n.{0,9}", eight_bit in any::<bool>(),
    ) {
        let words = format!("{words}{more}");
        let metadata = Metadata {
            subjects: vec![Subject { lang: None, text: words.as_str().into() }],
            date: Some(words.as_str().into()),
            source_name: Some(words.as_str().into()),
            destination_name: Some(words.as_str().into()),
            message_ref: Some(words.as_str().into()),
            references: vec![words.as_str().into()],
            automatic: true,
        };
        let message = message(content, metadata);
        let (from, to, relay, passage) =
            (mailbox("fred@gw.example"), mailbox("bob@mail.example"), domain("gw.example"), passage());
        let slip = Slip { from: &from, alias_of: None, to: &to, passage: &passage, relay: &relay, now_s: NOW };
        let written = Letter { slip, message: &message, after: None }.write(eight_bit).map(|(post, _)| post);
        let Ok(post) = written else {
            return Ok(());
        };
        let header_end = post.octets.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let header = std::str::from_utf8(&post.octets[..header_end]).unwrap();
        prop_assert!(header.is_ascii() && !header.to_ascii_lowercase().contains("\nbcc"));
        prop_assert!(post.octets.split(|octet| *octet == b'\n').all(|line| line.len() <= 999));
        prop_assert!(post.octets.is_ascii() || post.eight_bit && eight_bit);
        let bare = String::from_utf8_lossy(&post.octets).replace("\r\n", "");
        prop_assert!(!bare.contains(['\r', '\n', '\0']));
        prop_assert_eq!(Mail::read(&post.octets.into()).unwrap().from().unwrap().mailbox.clone(), from);
    }

    #[test]
    fn whatever_comes_is_read(octets in proptest::collection::vec(any::<u8>(), 0..200), text in any::<String>()) {
        for octets in [octets, format!("CPIM-Envelope: {text}\r\nFrom: {text}\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n{text}").into()] {
            if let Ok(mail) = Mail::read(&octets.into()) {
                let _asked = (mail.entity(), mail.via(), mail.hops(), mail.received());
            }
        }
    }
}

#[test]
fn everything_else_comes_out_of_a_peer_whole_too() {
    let (fred, bob) =
        (PresUri::parse("pres:fred@a.example").unwrap(), PresUri::parse("pres:bob@b.example").unwrap());
    let tuple = |markup: &str| Tuple {
        destination: "im:fred@a.example".into(),
        status: Basic::Open,
        markup: markup.into(),
        namespaces: vec![("".into(), "urn:x".into())],
    };
    let large = Presence::new(tuple(&"<x>é</x>".repeat(400)), vec![tuple("busy")]);
    let document = Some(Content::new(Bytes::from_static(
        b"Content-Type: application/pidf+xml\r\n\r\n<presence\xc3\xa9/>\n",
    )));
    let to_bob = mailbox("im=bob~40b.example@gw.b.example");
    for operation in [
        Operation::Subscribe(Subscribe {
            watcher: fred.clone(),
            target: bob.clone(),
            duration: 3_600,
            subscript_id: Some(SubscriptId::parse("s;1").unwrap()),
        }),
        Operation::Unsubscribe(Unsubscribe { watcher: fred.clone(), target: bob.clone() }),
        Operation::Notify(Notify {
            watcher: bob.clone(),
            target: fred.clone(),
            presence: large.clone(),
            document: document.clone(),
        }),
        Operation::Notify(Notify {
            watcher: bob.clone(),
            target: fred,
            presence: large.clone(),
            document: None,
        }),
        Operation::Publish(Publish { target: bob, presence: large, document, duration: Some(60) }),
    ] {
        let octets = parcel(&operation, false);
        let here = peers("gw.b.example", "gw.a.example");
        let incoming = arrive(&octets, &to_bob.to_string(), &here, NOW);
        assert_eq!(whole(&incoming.operation), whole(&operation));
        assert!(!incoming.is_replay);
        here.note(incoming.proof().unwrap());
        assert!(arrive(&octets, &to_bob.to_string(), &here, NOW).is_replay);
        let late = arrive(&octets, &to_bob.to_string(), &here, NOW + 4_000);
        assert!(late.peer.is_none(), "presence so old is presence no more");
    }
}

#[test]
fn an_envelope_is_believed_from_the_peer_only_for_its_recipient_and_its_content() {
    let operation = Operation::Message(message(Content::text("Yabba, dabba!"), Metadata::default()));
    let octets = parcel(&operation, false);
    let (here, bob) = (peers("gw.b.example", "gw.a.example"), "im=Bob~40b.example@gw.b.example");
    let elsewhere = "im=barney~40b.example@gw.b.example";
    let changed = String::from_utf8(octets.clone()).unwrap().replace("dabba!", "dabba?").into_bytes();
    for incoming in [
        arrive(&octets, elsewhere, &here, NOW),
        arrive(&changed, bob, &here, NOW),
        arrive(&octets, bob, &peers("gw.b.example", "gw.c.example"), NOW),
        arrive(&octets, bob, &here, NOW + 6 * 24 * 3_600),
    ] {
        assert_eq!(incoming.peer, None);
        assert_eq!(incoming.id, None);
        let source = incoming.operation.speaks_for().address().to_string();
        assert_eq!(source, "im:mailto=im~3dfred~7e40a.example~40gw.a.example@gw.b.example");
        assert!(incoming.operation.content().unwrap().field("CPIM-Envelope").is_none());
    }
}

#[test]
fn a_mail_becomes_a_message_with_its_entity_octet_for_octet() {
    let mail = "Received: from [192.0.2.1]\r\nCPIM-Via: gw.a.example\r\nCPIM-Via: gw.x.example\r\nCPIM-Max-Forwards: 7\r\n\
        From: =?utf-8?Q?Andr=C3=A9?= <andre@mail.example>\r\nTo: \"Fred, of A\" <im=fred~40a.example@gw.b.example>\r\n\
        Subject: =?iso-8859-1?Q?caf=E9?=\r\nDate: Fri, 20 Nov 2026 12:00:00 +0100\r\nMessage-ID: <2@mail.example>\r\n\
        In-Reply-To: <1@gw.b.example>\r\nReferences: <0@mail.example>\r\n <1@gw.b.example>\r\nAuto-Submitted: auto-replied (x)\r\n\
        MIME-Version: 1.0\r\nContent-Type: text/plain;\r\n\tcharset=utf-8\r\nX-Originating-IP: 192.0.2.1\r\n\
        Content-Transfer-Encoding: quoted-printable\r\n\r\nh=C3=A9\r\n";
    let incoming = arrive(
        mail.as_bytes(),
        "im=fred~40a.example@gw.b.example",
        &peers("gw.b.example", "gw.a.example"),
        NOW,
    );
    let Operation::Message(message) = &incoming.operation else { panic!("{incoming:?}") };
    assert_eq!(message.source.spelled(), "im:mailto=andre~40mail.example@gw.b.example");
    assert_eq!(message.destination.address().to_string(), "im:im=fred~40a.example@gw.b.example");
    assert_eq!(
        message.content.octets(),
        "Content-Type: text/plain;\r\n\tcharset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nh=C3=A9\r\n"
    );
    let metadata = &message.metadata;
    assert_eq!(metadata.subjects.first().map(|subject| &*subject.text), Some("café"));
    assert_eq!(metadata.date.as_deref(), Some("2026-11-20T12:00:00+01:00"));
    assert_eq!(metadata.source_name.as_deref(), Some("André"));
    assert_eq!(metadata.destination_name.as_deref(), Some("Fred, of A"));
    assert_eq!(metadata.message_ref.as_deref(), Some("<2@mail.example>"));
    assert_eq!(
        metadata.references.iter().map(|r| &**r).collect::<Vec<_>>(),
        ["<0@mail.example>", "<1@gw.b.example>"]
    );
    assert!(metadata.automatic);
    assert_eq!(
        (incoming.hops, incoming.via),
        (Some(7), vec![domain("gw.x.example"), domain("gw.a.example")])
    );
    let plain = arrive(
        b"From: a@b.example\r\n\r\nhi\r\n",
        "gateway@gw.b.example",
        &peers("gw.b.example", "x.example"),
        NOW,
    );
    let content = plain.operation.content().unwrap().octets().clone();
    assert_eq!(content, "Content-Type: text/plain; charset=us-ascii\r\n\r\nhi\r\n");
}

fn letter(content: Content, metadata: Metadata, eight_bit: bool) -> Result<String, Lossy> {
    let (from, to, relay, passage) = (
        mailbox("im=fred~40a.example@gw.example"),
        mailbox("bob@mail.example"),
        domain("gw.example"),
        passage(),
    );
    let slip = Slip { from: &from, alias_of: None, to: &to, passage: &passage, relay: &relay, now_s: NOW };
    let (post, _) = Letter { slip, message: &message(content, metadata), after: None }.write(eight_bit)?;
    Ok(String::from_utf8(post.octets).unwrap())
}

#[test]
fn a_message_is_a_mail_that_people_expect() {
    let metadata = Metadata {
        subjects: vec![Subject { lang: None, text: "Lunch".into() }],
        source_name: Some("Fred \"the\" Flintstone".into()),
        references: vec!["<0@mail.example>".into()],
        ..Metadata::default()
    };
    let mail = letter(Content::text("Yabba, dabba!\nSee you"), metadata, false).unwrap();
    for line in [
        "CPIM-Via: gw.a.example\r\nCPIM-Via: gw.x.example\r\nCPIM-Max-Forwards: 99\r\nCPIM-Operation-ID: op-1\r\n",
        "From: \"Fred \\\"the\\\" Flintstone\"\r\n <im=fred~40a.example@gw.example>\r\n",
        "To: <bob@mail.example>\r\n",
        "Message-ID: <op-1@gw.example>\r\nSubject: Lunch\r\nIn-Reply-To: <0@mail.example>\r\nReferences: <0@mail.example>\r\n",
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nYabba, dabba!\r\nSee you",
    ] {
        assert!(mail.contains(line), "{line}\n{mail}");
    }
    assert!(!mail.contains("Auto-Submitted") && !mail.contains("CPIM-Envelope"));
}

#[test]
fn signed_content_crosses_untouched_or_not_at_all() {
    let signed = |body: &str| {
        let header =
            "Content-Type: multipart/signed; boundary=x; protocol=\"application/pgp-signature\"\r\n\r\n";
        Content::new(format!("{header}{body}").into())
    };
    let plain = "--x\r\nContent-Type: text/plain\r\n\r\nhi\r\n--x--\r\n";
    assert!(letter(signed(plain), Metadata::default(), false).unwrap().ends_with(plain));
    let eight_bit = plain.replace("hi", "hé");
    assert_eq!(letter(signed(&eight_bit), Metadata::default(), false), Err(Lossy));
    assert!(letter(signed(&eight_bit), Metadata::default(), true).unwrap().ends_with(&eight_bit));
    assert_eq!(letter(signed("--x\n\nhi\n--x--\n"), Metadata::default(), true), Err(Lossy));
}

#[test]
fn what_is_no_entity_or_wrapped_is_shown_as_well_as_may_be() {
    let odd = letter(Content::new("no entity at all".into()), Metadata::default(), false).unwrap();
    assert!(odd.contains("multipart/mixed") && odd.contains("bm8gZW50aXR5IGF0IGFsbA=="), "{odd}");
    let wrapped = "Content-Type: Message/CPIM\r\n\r\nFrom: Fred <im:fred@a.example>\r\nTo: <im:bob@b.example>\r\n\
        DateTime: 2026-11-20T12:00:00Z\r\nSubject: Lunch\r\n\r\nContent-Type: text/plain\r\n\r\nhi";
    let mail = letter(Content::new(wrapped.into()), Metadata::default(), false).unwrap();
    assert!(
        mail.contains("Subject: Lunch\r\n") && mail.contains("Date: Fri, 20 Nov 2026 12:00:00 +0000\r\n")
    );
    assert!(
        mail.contains("From: \"Fred\"\r\n <im") && mail.ends_with("Content-Type: text/plain\r\n\r\nhi"),
        "{mail}"
    );
}

#[test]
fn presence_is_told_in_words_with_a_way_out() {
    let tuple = Tuple {
        destination: "im:fred@a.example".into(),
        status: Basic::Open,
        markup: "at <b>the</b> quarry &amp; happy".into(),
        namespaces: Vec::new(),
    };
    let notify = Notify {
        watcher: PresUri::parse("pres:mailto=bob~40mail.example@gw.example").unwrap(),
        target: PresUri::parse("pres:fred@a.example").unwrap(),
        presence: Presence::new(tuple, Vec::new()),
        document: Some(Content::new("Content-Type: application/pidf+xml\r\n\r\n<presence/>".into())),
    };
    let (from, to, relay, passage) = (
        mailbox("im=fred~40a.example@gw.example"),
        mailbox("bob@mail.example"),
        domain("gw.example"),
        passage(),
    );
    let slip = Slip { from: &from, alias_of: None, to: &to, passage: &passage, relay: &relay, now_s: NOW };
    let unsubscribe = mailbox("u=1@gw.example");
    let mail = String::from_utf8(Notice { slip, notify: &notify, unsubscribe: &unsubscribe }.write().octets)
        .unwrap();
    for line in [
        "Subject: pres:fred@a.example is available\r\n",
        "Auto-Submitted: auto-generated\r\n",
        "References: <presence.im=fred~40a.example@gw.example>\r\n",
        "List-Unsubscribe: <mailto:u=1@gw.example>\r\n",
        "open: im:fred@a.example (at the quarry & happy)",
        "Content-Type: application/pidf+xml\r\n",
        "PHByZXNlbmNlLz4=",
    ] {
        assert!(mail.contains(line), "{line}\n{mail}");
    }
}

proptest! {
    #[test]
    fn a_response_comes_back_word_for_word(
        status in prop_oneof![Just(Status::Success), Just(Status::Failure), Just(Status::Indeterminant)],
        text in any::<String>(), long in any::<bool>(), duration in any::<Option<u32>>(), named in any::<bool>(),
    ) {
        let text = if long { text.clone() + &"ß".repeat(4_000) } else { text };
        let response = Response::from_text(status, &text)
            .with_lang(LangTag::parse("de-CH"))
            .with_duration(duration)
            .with_subscript_id(named.then(|| SubscriptId::parse("s;1").unwrap()));
        let (to, relay) = (mailbox("b=7-00@gw.a.example"), domain("gw.b.example"));
        let there = peers("gw.b.example", "gw.a.example");
        let key = there.key_to(&domain("gw.a.example")).unwrap();
        let answer = Answer { relay: &relay, to: &to, answers: "name", id: "m1", response: &response, now_s: NOW, key };
        let octets: Bytes = answer.write().unwrap().into();
        prop_assert!(octets.split(|octet| *octet == b'\n').all(|line| line.len() <= 999));
        let mail = Mail::read(&octets).unwrap();
        let (peer, opened) = mail.answer(&peers("gw.a.example", "gw.b.example")).unwrap();
        prop_assert_eq!((peer, opened.to.as_str(), opened.response), (relay, "name", response));
        prop_assert!(mail.answer(&peers("gw.a.example", "gw.c.example")).is_none(), "nobody else can say so");
    }
}
