//! Words on what we sent, by mail: delivery reports, and the answers of peer gateways. They settle its operations.

use std::time::Duration;

use bytes::Bytes;
use cpim_adapter::envelope::OpenedReply;
use cpim_adapter::{AdapterContext, DeliveryError, Domain, LegRef, Report, Word};
use cpim_smtp_proto::dsn;
use tracing::{debug, info, warn};

/// The space of envelopes that went to peer gateways and are not answered, by their legs.
const ASKED: &str = "smtp.asked";
/// For how long an answer is known to be one: longer than any is waited for.
const KEEP: Duration = Duration::from_secs(24 * 3_600);

/// Takes a mail that came to the reverse-path of a leg, once the key of that path has proven it (RFC 3464 section 4.1:
/// nothing else does).
///
/// What is no report, or not the last word, changes nothing. `true`: whatever it changes is durable, and the mail may be
/// answered 250; `false`: it is to come again.
///
/// # Cancel safety
/// Cancelled, the report was made.
pub async fn take_report(leg: u64, mail: &Bytes, cx: &AdapterContext) -> bool {
    let Some(report) = dsn::read(mail) else {
        debug!(leg, "a mail to a reverse-path is no report that can be read");
        return true;
    };
    // One recipient, one group; should there be more, the first last word holds, as with several reports.
    let Some(response) = report.groups.iter().find_map(dsn::Group::response) else {
        return true;
    };
    info!(leg, %response, "reported");
    cx.reported(Report { leg: LegRef::Number(leg), word: Word::Answered(response) }).await
}

/// Notes what a peer gateway is about to be asked, so that its answer is known also after a restart: the key of the leg is
/// known to whoever sees the mail, the envelope only to the two gateways.
///
/// # Errors
/// Where it cannot be noted.
pub(super) async fn expect_answer(
    leg: u64,
    peer: &Domain,
    name: &str,
    cx: &AdapterContext,
) -> Result<(), DeliveryError> {
    let noted =
        cx.memory.set_note(ASKED, &leg.to_string(), format!("{peer} {name}").into(), Some(KEEP)).await;
    noted.map_err(|error| DeliveryError::transport(error.to_string()))
}

/// Takes a proven answer of a peer gateway. `true`: whatever it changes is durable; `false`: it is to come again.
pub(super) async fn take_answer(leg: u64, peer: &Domain, answer: OpenedReply, cx: &AdapterContext) -> bool {
    let key = leg.to_string();
    let asked = match cx.memory.note(ASKED, &key).await {
        Ok(asked) => asked,
        Err(error) => {
            warn!(%error, "it cannot be said what an answer answers");
            return false;
        }
    };
    if asked.is_none_or(|asked| asked != format!("{peer} {}", answer.to)) {
        debug!(leg, %peer, "an answer to something else, or the second one");
        return true;
    }
    info!(leg, %peer, response = %answer.response, "answered");
    let word = Word::Answered(answer.response);
    if !cx.reported(Report { leg: LegRef::Number(leg), word }).await {
        return false;
    }
    if let Err(error) = cx.memory.forget(ASKED, &key).await {
        debug!(%error, "a note on a leg stays until its time is over");
    }
    true
}
