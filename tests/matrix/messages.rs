//! Every ordered pair, every feature of a message, through one gateway and through two.

use cpim_adapter::Feature;
use cpim_gateway::matrix::{Crossing, Side};

use crate::lines::sides;
use crate::stage::Stage;
use crate::users::{Heard, Said, cross};

const NAME: &str = "Flintstone, Fred";

/// A message that has this feature, and beside it nothing that matters.
fn said(feature: Feature) -> Said {
    let text =
        |body: &str| Said { content_type: "text/plain; charset=utf-8", body: body.into(), ..Said::default() };
    match feature {
        Feature::AnyContent => Said {
            content_type: "application/octet-stream",
            body: (0..=u8::MAX).collect(),
            ..Said::default()
        },
        Feature::Date => Said { date: Some("2026-11-20T12:00:00Z"), ..text("dated") },
        Feature::DisplayNames => Said { name: Some(NAME), ..text("named") },
        Feature::MultiLine => text("one\r\ntwo\r\n\r\nfour"),
        Feature::Subject => Said { subject: Some("Yabba"), ..text("with a subject") },
        Feature::Threads => Said { follows: Some("<earlier@mail.example>"), ..text("an answer") },
        Feature::Unicode => text("Gr\u{f6}\u{df}e \u{1f9e9} \u{30cd}\u{30b3}"),
        Feature::Outcome | Feature::RichPresence => text("Yabba, dabba!"),
    }
}

/// What of it is wrong with what was heard, by what was promised.
fn judge(
    feature: Feature,
    crossing: Crossing,
    said: &Said,
    (heard, told): &(Heard, String),
) -> Option<String> {
    let wrong = |what: &str| Some(format!("{what}: {heard:?}"));
    let (text, body) = (heard.text(), String::from_utf8_lossy(&said.body).into_owned());
    let is_whole = match feature {
        Feature::AnyContent => heard.body == said.body && said.content_type == heard.content_type,
        Feature::Date => {
            heard.date.as_deref().is_some_and(|date| date.contains("2026") && date.contains("12:00:00"))
        }
        Feature::DisplayNames => heard.name.as_deref() == Some(NAME),
        Feature::MultiLine => {
            text.trim_end().replace("\r\n", "\n") == body.replace("\r\n", "\n") && heard.messages == 1
        }
        Feature::Subject => heard.subject.as_deref() == said.subject,
        Feature::Threads => {
            heard.follows.as_deref().is_some_and(|follows| follows.contains("<earlier@mail.example>"))
        }
        Feature::Unicode => text.trim_end() == body,
        Feature::Outcome | Feature::RichPresence => told == "success",
    };
    let shows = match feature {
        Feature::AnyContent => text.contains("show "),
        Feature::DisplayNames => heard.name.as_deref().is_some_and(|name| name.contains(NAME)),
        Feature::MultiLine => text.lines().map(str::trim).collect::<Vec<_>>() == ["one", "two", "", "four"],
        Feature::Subject => text.contains("Yabba") && text.contains("with a subject"),
        Feature::Outcome => told == "success" || told == "indeterminant",
        _ => false,
    };
    match crossing {
        Crossing::Refused => (!told.starts_with("failure")).then(|| format!("not refused: {told}")),
        Crossing::Whole if !is_whole => wrong("not whole"),
        Crossing::Changed(_) if !shows && !is_whole => wrong("not in the form that is promised"),
        Crossing::Lost if is_whole || shows => wrong("not lost"),
        _ if told.starts_with("failure") => Some(told.clone()),
        _ => None,
    }
}

#[test]
fn every_message_arrives_as_the_matrix_says() {
    every_pair(&mut Stage::one());
}

#[test]
fn every_message_arrives_as_the_matrix_says_over_two_gateways() {
    every_pair(&mut Stage::two());
}

fn every_pair(stage: &mut Stage) {
    let sides = sides();
    let mut wrong = Vec::new();
    for from in &sides {
        for to in &sides {
            wrong.extend(pair(stage, from, to));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn pair(stage: &mut Stage, from: &Side, to: &Side) -> Vec<String> {
    let mut wrong = Vec::new();
    for feature in Feature::ALL {
        let crossing = Crossing::of(feature, from, to);
        if crossing == Crossing::Unsaid || feature == Feature::RichPresence {
            continue;
        }
        let said = said(feature);
        let got = cross(stage, from.name, to.name, &said, crossing == Crossing::Refused);
        let fault = judge(feature, crossing, &said, &got);
        wrong.extend(fault.map(|fault| format!("{} to {}, {}: {fault}", from.name, to.name, feature.name())));
    }
    wrong
}
