//! Start lines, counts and cuts.

use proptest::prelude::*;

use cpim_adapter::{Domain, OperationId, Standing};
use std::time::Duration;

use super::*;

fn decode(octets: &[u8]) -> Result<Option<Frame>, FrameError> {
    Decoder::new(Limits::default()).decode(&mut BytesMut::from(octets))
}

#[test]
fn start_lines_of_this_form() {
    for (line, parameters) in [
        ("CPIM/1 4 0", Parameters::default()),
        ("CPIM/1 4 0 hops=0", Parameters { hops: Some(0), ..Parameters::default() }),
        ("CPIM/1 4 0 hops=255", Parameters { hops: Some(255), ..Parameters::default() }),
        (
            "CPIM/1 4 0 wait=4294967295",
            Parameters { wait: Some(Duration::from_secs(4_294_967_295)), ..Parameters::default() },
        ),
        (
            "CPIM/1 4 0 via=A.example,xn--bcher-kva.example",
            Parameters {
                via: vec![
                    Domain::parse("a.example").unwrap(),
                    Domain::parse("xn--bcher-kva.example").unwrap(),
                ],
                ..Parameters::default()
            },
        ),
        (
            "CPIM/1 4 0 auth=claimed id=a-B_9.",
            Parameters {
                auth: Some(Standing::Claimed),
                id: Some(OperationId::parse("a-B_9.").unwrap()),
                ..Parameters::default()
            },
        ),
        // What is unknown is passed over, also when it comes twice, is empty, or looks like something known.
        ("CPIM/1 4 0 x=1 x=2 y= HOPS=9 hops.=x z=a=b !=~ via2=,", Parameters::default()),
    ] {
        let frame = decode(format!("{line}\r\n<a/>").as_bytes()).unwrap().unwrap();
        assert_eq!(
            (frame.parameters, &*frame.xml, &*frame.content),
            (parameters, &b"<a/>"[..], &b""[..]),
            "{line}"
        );
    }
}

#[test]
fn start_lines_that_are_none() {
    use LineFault::*;
    let seventeen = vec!["a.example"; 17].join(",");
    for (line, fault, at) in [
        ("cpim/1 4 0\r\n", Prefix, 0),
        ("CPIM/2 4 0\r\n", Prefix, 5),
        ("CPIM/1\t4 0\r\n", Prefix, 6),
        ("CPIM/10 4 0\r\n", Prefix, 6),
        ("GET / HTTP/1.1\r\n", Prefix, 0),
        ("\r\nCPIM/1 4 0\r\n", Prefix, 0),
        ("CPIM/1 \r\n", Count, 7),
        ("CPIM/1 4\r\n", Count, 8),
        ("CPIM/1 4 \r\n", Count, 9),
        ("CPIM/1  4 0\r\n", Count, 7),
        ("CPIM/1 4  0\r\n", Count, 9),
        ("CPIM/1 +4 0\r\n", Count, 7),
        ("CPIM/1 -4 0\r\n", Count, 7),
        ("CPIM/1 04 0\r\n", Count, 7),
        ("CPIM/1 4 00\r\n", Count, 9),
        ("CPIM/1 0x4 0\r\n", Count, 7),
        ("CPIM/1 4.0 0\r\n", Count, 7),
        ("CPIM/1 65537 0\r\n", XmlTooLong(65_536), 7),
        ("CPIM/1 99999999999999999999999 0\r\n", XmlTooLong(65_536), 7),
        ("CPIM/1 4 1048577\r\n", ContentTooLong(1_048_576), 9),
        ("CPIM/1 4 0 \r\n", Parameter, 11),
        ("CPIM/1 4 0  hops=1\r\n", Parameter, 11),
        ("CPIM/1 4 0 hops=1 \r\n", Parameter, 18),
        ("CPIM/1 4 0 hops\r\n", Parameter, 11),
        ("CPIM/1 4 0 =1\r\n", Parameter, 11),
        ("CPIM/1 4 0 hops=1 hops=1\r\n", Duplicate("hops"), 18),
        ("CPIM/1 4 0 id=a x=1 id=b\r\n", Duplicate("id"), 20),
        ("CPIM/1 4 0 via=a.example via=b.example\r\n", Duplicate("via"), 25),
        ("CPIM/1 4 0 wait=1 wait=2\r\n", Duplicate("wait"), 18),
        ("CPIM/1 4 0 auth=claimed auth=claimed\r\n", Duplicate("auth"), 24),
        ("CPIM/1 4 0\n", LineEnd, 10),
        ("CPIM/1 4 0\r\r\n", LineEnd, 10),
        ("CPIM/1 4\r 0\r\n", LineEnd, 8),
        ("CPIM/1 4\t0\r\n", Character(b'\t'), 8),
        ("CPIM/1 4 0 x=\0\r\n", Character(0), 13),
        ("CPIM/1 4 0 x=\u{E9}\r\n", Character(0xC3), 13),
    ] {
        assert_eq!(decode(line.as_bytes()), Err(FrameError { fault, at }), "{line:?}");
    }
    for value in [
        "hops=256",
        "hops=-1",
        "hops=x",
        "hops=",
        "hops=01",
        "hops=1.0",
        "wait=4294967296",
        "wait=-1",
        "wait=",
        "id=",
        "id=a/b",
        "id=\u{7E}",
        "auth=",
        "auth=Verified",
        "auth=none",
        "via=",
        "via=a.example,",
        "via=a..example",
        "via=[127.0.0.1]",
        &format!("id={}", "a".repeat(65)),
        &format!("via={seventeen}"),
    ] {
        let refused = decode(format!("CPIM/1 4 0 {value}\r\n<a/>").as_bytes()).unwrap_err();
        assert!(matches!(refused, FrameError { fault: Value(_), at: 11 }), "{value}: {refused:?}");
    }
}

#[test]
fn a_start_line_has_1024_octets_at_most() {
    let line = |octets: usize| {
        let filled = format!("CPIM/1 4 0 x={}\r\n", "y".repeat(octets - 15));
        assert_eq!(filled.len(), octets);
        filled
    };
    assert!(decode((line(1_024) + "<a/>").as_bytes()).unwrap().is_some());
    let too_long = Err(FrameError { fault: LineFault::LineTooLong, at: 1_024 });
    assert_eq!(decode(line(1_025).as_bytes()), too_long);
    // Told as soon as it is sure, with or without an end.
    assert_eq!(decode(line(1_026).trim_end().as_bytes()), too_long);
    assert_eq!(decode(&line(1_024).as_bytes()[..1_023]), Ok(None));
}

#[test]
fn the_limits_themselves_are_allowed() {
    let (xml, content) = ("x".repeat(65_536), "y".repeat(1_048_576));
    let frame = decode(format!("CPIM/1 65536 1048576\r\n{xml}{content}").as_bytes()).unwrap().unwrap();
    assert_eq!((frame.xml.len(), frame.content.len()), (65_536, 1_048_576));
}

#[test]
fn a_bad_frame_stays_bad() {
    let mut decoder = Decoder::new(Limits::default());
    let mut input = BytesMut::from("CPIM/1 x 0\r\n");
    let refused = decoder.decode(&mut input).unwrap_err();
    input.extend_from_slice(b"CPIM/1 4 0\r\n<a/>");
    assert_eq!(decoder.decode(&mut input), Err(refused));
}

#[test]
fn a_claim_costs_nothing_until_octets_arrive() {
    let mut decoder = Decoder::new(Limits::default());
    let mut input = BytesMut::from("CPIM/1 65536 1048576\r\n<");
    let before = input.capacity();
    assert_eq!(decoder.decode(&mut input), Ok(None));
    assert!(input.capacity() <= before);
}

#[test]
fn a_content_is_a_view_of_what_was_read() {
    let mut input = BytesMut::from("CPIM/1 4 5\r\n<a/>helloCPIM");
    let place = input.as_ptr().wrapping_add(16);
    let frame = Decoder::new(Limits::default()).decode(&mut input).unwrap().unwrap();
    assert_eq!(frame.content.as_ptr(), place);
    assert_eq!(&input[..], b"CPIM");
}

#[test]
fn what_is_too_large_is_not_encoded() {
    let mut out = BytesMut::from("before");
    let limits = Limits { xml_octets: 4, content_octets: 5, ..Limits::default() };
    let mut encode = |parameters: &Parameters, xml: &str, content| {
        encode_head(&mut out, parameters, xml, content, &limits)
    };
    let none = Parameters::default();
    assert_eq!(encode(&none, "<aa/>", 0), Err(EncodeError::Xml { octets: 5, max: 4 }));
    assert_eq!(encode(&none, "<a/>", 6), Err(EncodeError::Content { octets: 6, max: 5 }));
    let label = "a".repeat(60);
    let via = vec![Domain::parse(&format!("{label}.{label}.example")).unwrap(); 16];
    let long = encode(&Parameters { via, ..none.clone() }, "<a/>", 0);
    assert!(matches!(long, Err(EncodeError::StartLine { octets: 2_000.. })), "{long:?}");
    encode(&none, "<a/>", 5).unwrap();
    assert_eq!(&out[..], b"beforeCPIM/1 4 5\r\n<a/>");
}

fn parameters() -> impl Strategy<Value = Parameters> {
    let domain = "[a-z]{1,8}(\\.[a-z]{1,8}){0,2}".prop_map(|text| Domain::parse(&text).unwrap());
    let auth = prop::sample::select(vec![Standing::Anonymous, Standing::Claimed, Standing::Verified]);
    (
        prop::option::of(any::<u8>()),
        prop::collection::vec(domain, 0..=16),
        prop::option::of("[A-Za-z0-9._-]{1,64}".prop_map(|text| OperationId::parse(&text).unwrap())),
        prop::option::of(any::<u32>().prop_map(|seconds| Duration::from_secs(seconds.into()))),
        prop::option::of(auth),
    )
        .prop_map(|(hops, via, id, wait, auth)| Parameters { hops, via, id, wait, auth })
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded_however_it_is_cut(
        frames in prop::collection::vec((parameters(), "[ -~]{0,40}", prop::collection::vec(any::<u8>(), 0..40)), 1..4),
        cuts in prop::collection::vec(1_usize..30, 1..20),
    ) {
        let mut octets = BytesMut::new();
        for (parameters, xml, content) in &frames {
            encode_head(&mut octets, parameters, xml, content.len(), &Limits::default()).unwrap();
            octets.extend_from_slice(content);
        }
        let mut decoder = Decoder::new(Limits::default());
        let (mut input, mut decoded, mut cuts) = (BytesMut::new(), Vec::new(), cuts.into_iter().cycle());
        while !octets.is_empty() {
            let cut = cuts.next().unwrap().min(octets.len());
            input.unsplit(octets.split_to(cut));
            while let Some(frame) = decoder.decode(&mut input).unwrap() {
                decoded.push((frame.parameters, frame.xml.to_vec(), frame.content.to_vec()));
            }
        }
        prop_assert!(input.is_empty());
        let expected: Vec<_> = frames.into_iter().map(|(parameters, xml, content)| (parameters, xml.into_bytes(), content)).collect();
        prop_assert_eq!(decoded, expected);
    }

    #[test]
    fn any_octets_are_decoded_or_refused(octets in prop::collection::vec(any::<u8>(), 0..100), line in "CPIM/1 [0-9 a-z=,.\r\n]{0,40}") {
        drop(decode(&octets));
        drop(decode(line.as_bytes()));
    }

    #[test]
    fn a_start_line_is_refused_at_the_same_octet_however_it_is_cut(line in "CPIM/1 [0-9 =,.\r\nhops]{0,30}\n") {
        let whole = decode(line.as_bytes()).map(|_| ());
        let mut decoder = Decoder::new(Limits::default());
        let mut input = BytesMut::new();
        let mut cut = Ok(());
        for octet in line.as_bytes() {
            input.extend_from_slice(&[*octet]);
            cut = cut.and_then(|()| decoder.decode(&mut input).map(|_| ()));
        }
        prop_assert_eq!(cut, whole);
    }
}
