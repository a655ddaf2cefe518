//! What the adapter is built from: plain values, read and checked by whoever owns the configuration file.

/// Everything that the IRC adapter has to know.
#[derive(Clone, Debug, Default)]
pub struct Settings {}
