//! The native CPIM binding without I/O.
