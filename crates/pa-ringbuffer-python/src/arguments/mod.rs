//! Arguments from Python: numbers, times, buffers, CFFI's CData, C functions, sample formats, and
//! scripts for a device.

pub(crate) mod cdata;
pub(crate) mod data;
pub(crate) mod function;
pub(crate) mod integer;
pub(crate) mod samples;
pub(crate) mod script;
pub(crate) mod seconds;
