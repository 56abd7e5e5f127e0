//! Rules for reading and changing a ring's state without a GIL.
//!
//! Each side of a ring has its own critical section, so that the producer does not wait for the
//! consumer, nor the consumer for the producer. A thread in either section may read the state that
//! the sides share; a thread in both may change it. With a GIL, there is nothing to enter.
//!
//! These are CPython's critical sections rather than plain locks, because a thread leaves them
//! whenever it has to wait for anything: they can be entered in any order.

use pyo3::prelude::*;
#[cfg(Py_GIL_DISABLED)]
use pyo3::sync::critical_section::{with_critical_section_mutex, with_critical_section_mutex2};
#[cfg(Py_GIL_DISABLED)]
use pyo3::sync::nonpoison::PyMutex;

use crate::side::Side;

pub(crate) struct Sections {
    #[cfg(Py_GIL_DISABLED)]
    producer: PyMutex<()>,
    #[cfg(Py_GIL_DISABLED)]
    consumer: PyMutex<()>,
}

#[cfg_attr(not(Py_GIL_DISABLED), allow(unused_variables))]
impl Sections {
    pub(crate) const fn new() -> Self {
        Self {
            #[cfg(Py_GIL_DISABLED)]
            producer: PyMutex::new(()),
            #[cfg(Py_GIL_DISABLED)]
            consumer: PyMutex::new(()),
        }
    }

    /// Enters one side's section. `f` must not run Python code, which would leave it.
    #[inline]
    pub(crate) fn one<R>(&self, py: Python<'_>, side: Side, f: impl FnOnce() -> R) -> R {
        #[cfg(Py_GIL_DISABLED)]
        {
            let section = match side {
                Side::Producer => &self.producer,
                Side::Consumer => &self.consumer,
            };
            with_critical_section_mutex(py, &section, |_| f())
        }
        #[cfg(not(Py_GIL_DISABLED))]
        f()
    }

    /// Enters both sides' sections. `f` must not run Python code, which would leave them.
    #[inline]
    pub(crate) fn both<R>(&self, py: Python<'_>, f: impl FnOnce() -> R) -> R {
        #[cfg(Py_GIL_DISABLED)]
        {
            with_critical_section_mutex2(py, &&self.producer, &&self.consumer, |_, _| f())
        }
        #[cfg(not(Py_GIL_DISABLED))]
        f()
    }
}
