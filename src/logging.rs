//! The log: events to standard error, as aligned lines for people or as JSON for machines.
//!
//! Who logs sees to it that no content and no secret is in a field. What is seen to
//! here is that an event is one line whatever its fields hold, so that nobody can forge a line from outside.

use std::fmt::{self, Debug};

use thiserror::Error;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields, MakeWriter};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, reload};

use crate::config::{Log, LogFormat};

/// The running log, whose level can be changed.
#[derive(Debug)]
pub struct Logging {
    filter: reload::Handle<Targets, Registry>,
}

impl Logging {
    /// Begins to log to standard error. Once in a process.
    ///
    /// # Errors
    /// When the level is none, or the process logs already.
    pub fn start(log: &Log) -> Result<Self, LoggingError> {
        let (subscriber, logging) = Self::make(log, std::io::stderr)?;
        subscriber.try_init().map_err(|e| LoggingError::Started(e.to_string()))?;
        Ok(logging)
    }

    /// Takes the level over. The format remains until a restart.
    ///
    /// # Errors
    /// When the level is none; the old one remains.
    pub fn reload(&self, log: &Log) -> Result<(), LoggingError> {
        self.filter.reload(filter(&log.level)?).map_err(|e| LoggingError::Started(e.to_string()))
    }

    /// Puts the parts together; the test writes elsewhere.
    fn make<W>(log: &Log, writer: W) -> Result<(impl Subscriber + Send + Sync + 'static, Self), LoggingError>
    where
        W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
    {
        let (targets, handle) = reload::Layer::new(filter(&log.level)?);
        let to = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(false);
        let layer: Box<dyn Layer<Registry> + Send + Sync> = match log.format {
            LogFormat::Json => {
                Box::new(to.json().flatten_event(true).with_current_span(false).with_filter(targets))
            }
            LogFormat::Text => Box::new(to.fmt_fields(Line).event_format(Line).with_filter(targets)),
        };
        Ok((tracing_subscriber::registry().with(layer), Self { filter: handle }))
    }
}

/// Why there is no log.
#[derive(Debug, Error)]
pub enum LoggingError {
    /// A part of the filter that is none.
    #[error(
        "{part:?} is no level; error, warn, info, debug, trace or off is accepted, or module=level, parted by commas"
    )]
    Level {
        /// The part.
        part: String,
    },
    /// The process logs already, or no more.
    #[error("the log cannot be changed: {0}")]
    Started(String),
}

/// Reads a level or filter, such as `info` or `info,cpim_native=debug`.
///
/// # Errors
/// When a part is neither a level nor `module=level`. A bare module is refused: it is a misspelt level.
pub fn filter(text: &str) -> Result<Targets, LoggingError> {
    text.split(',').try_fold(Targets::new(), |targets, part| {
        let wrong = || LoggingError::Level { part: part.to_owned() };
        let (module, level) = match part.split_once('=') {
            Some((module, level)) => (Some(module.trim()), level),
            None => (None, part),
        };
        // The library also takes numbers, and nothing at all for `error`; the contract is words.
        let word = Some(level.trim())
            .filter(|word| word.chars().all(|c| c.is_ascii_alphabetic()) && !word.is_empty());
        let level: LevelFilter = word.and_then(|word| word.parse().ok()).ok_or_else(wrong)?;
        match module {
            Some("") => Err(wrong()),
            Some(module) => Ok(targets.with_target(module, level)),
            None => Ok(targets.with_default(level)),
        }
    })
}

/// The columns that a line begins with: the longest level, and room for most modules.
const LEVEL_WIDTH: usize = 5;
const MODULE_WIDTH: usize = 12;

/// One aligned line: time (UTC), level, module, message, then `key=value` of the event and of the spans around it.
struct Line;

impl<S> FormatEvent<S, Self> for Line
where
    S: Subscriber + for<'s> LookupSpan<'s>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, Self>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        let module = metadata.target();
        let module = module.strip_prefix("cpim_gateway::").unwrap_or(module);
        let (now, level) = (jiff::Timestamp::now(), level(*metadata.level()));
        write!(writer, "{now:.3} {level:LEVEL_WIDTH$} {module:MODULE_WIDTH$}")?;
        self.format_fields(writer.by_ref(), event)?;
        for span in context.event_scope().into_iter().flatten() {
            if let Some(fields) = span.extensions().get::<FormattedFields<Self>>() {
                write!(writer, "{fields}")?;
            }
        }
        writeln!(writer)
    }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

impl<'w> FormatFields<'w> for Line {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut line = Fields { writer, result: Ok(()) };
        fields.record(&mut line);
        line.result
    }
}

/// Writes fields, each with a space before it; what is not plain is quoted and escaped.
struct Fields<'w> {
    writer: Writer<'w>,
    result: fmt::Result,
}

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let value = format!("{value:?}");
        let (name, message) = (field.name(), field.name() == "message");
        let unsafe_in_line = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
        let plain = !value.contains(unsafe_in_line)
            && (message || !value.contains([' ', '"', '=']) && !value.is_empty());
        let written = match (message, plain) {
            (true, true) => write!(self.writer, " {value}"),
            (true, false) => write!(self.writer, " {value:?}"),
            (false, true) => write!(self.writer, " {name}={value}"),
            (false, false) => write!(self.writer, " {name}={value:?}"),
        };
        self.result = self.result.and(written);
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Buffer {
        fn lines(&self) -> Vec<String> {
            let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
            text.lines().map(str::to_owned).collect()
        }
    }

    impl io::Write for Buffer {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(octets)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, level: &str, events: impl FnOnce(&Logging)) -> Vec<String> {
        let buffer = Buffer::default();
        let to = buffer.clone();
        let log = Log { format, level: level.to_owned() };
        let (subscriber, logging) = Logging::make(&log, move || to.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, || events(&logging));
        buffer.lines()
    }

    #[test]
    fn a_line_is_aligned_and_has_the_fields_of_its_spans() {
        let lines = logged(LogFormat::Text, "info", |_| {
            let _inside =
                tracing::info_span!(target: "cpim_gateway::router", "operation", id = "a1").entered();
            tracing::info!(target: "cpim_gateway::router", source = "im:fred@a.example", count = 3, "accepted");
            tracing::warn!(target: "cpim_native", words = "two words", "closed");
        });
        let after_time: Vec<&str> = lines.iter().map(|line| line.split_once(' ').unwrap().1).collect();
        assert_eq!(
            after_time,
            [
                "info  router       accepted source=im:fred@a.example count=3 id=a1",
                "warn  cpim_native  closed words=\"two words\" id=a1",
            ]
        );
        assert_eq!(lines[0].find(' '), Some("2025-01-01T00:00:00.000Z".len()));
    }

    #[test]
    fn nobody_forges_a_line() {
        let forged = "x\n2025-01-01T00:00:00.000Z error router all is lost\u{1b}[31m";
        for format in [LogFormat::Text, LogFormat::Json] {
            let lines = logged(format, "info", |_| {
                tracing::info!(forged, "peer said");
                tracing::info!("{forged}");
            });
            assert_eq!(lines.len(), 2, "{lines:?}");
            assert!(lines.iter().all(|line| !line.contains('\u{1b}')), "{lines:?}");
        }
    }

    #[test]
    fn json_is_flat() {
        let lines = logged(LogFormat::Json, "info", |_| tracing::info!(id = "a1", "accepted"));
        let object: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(
            (&object["id"], &object["message"], &object["level"]),
            (&"a1".into(), &"accepted".into(), &"INFO".into())
        );
    }

    #[test]
    fn the_level_is_reloaded() {
        let lines = logged(LogFormat::Text, "warn", |logging| {
            tracing::info!("before");
            logging.reload(&Log { level: "off,cpim_gateway=debug".to_owned(), ..Log::default() }).unwrap();
            tracing::debug!(target: "cpim_gateway::router", "after");
            tracing::error!(target: "hickory", "elsewhere");
            assert!(logging.reload(&Log { level: "loud".to_owned(), ..Log::default() }).is_err());
            tracing::debug!(target: "cpim_gateway::router", "still");
        });
        let words: Vec<&str> = lines.iter().filter_map(|line| line.split_whitespace().last()).collect();
        assert_eq!(words, ["after", "still"]);
    }

    #[test]
    fn a_misspelt_level_is_an_error() {
        for wrong in ["", "inof", "info,", "cpim_native", "=debug", "cpim_native=", "cpim_native=loud", "5"] {
            assert!(filter(wrong).is_err(), "{wrong}");
        }
        for right in ["info", "OFF", "warn,cpim_native=trace", "info, hickory = off"] {
            assert!(filter(right).is_ok(), "{right}");
        }
    }
}
