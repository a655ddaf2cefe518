//! The rows, one file for each part of the table.

pub(crate) mod chat;
pub(crate) mod fanout;
pub(crate) mod idle;
pub(crate) mod irc;
pub(crate) mod mail;
pub(crate) mod relay;
