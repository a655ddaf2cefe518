//! "What bad input gets", row by row.
