//! Arguments that are numbers of elements or bytes.

use std::fmt;

use pyo3::prelude::*;

use crate::arguments::cdata::type_name;
use crate::error;

/// Any Python integer, or object with `__index__()`. Values outside of 64 bits become the nearest
/// limit, which no count reaches.
#[derive(Clone, Copy)]
pub(crate) struct Integer(i64);

/// The value in error messages. Python would refuse to print thousands of digits.
impl fmt::Display for Integer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            i64::MIN => write!(f, "{} or less", i64::MIN),
            i64::MAX => write!(f, "{} or more", i64::MAX),
            value => value.fmt(f),
        }
    }
}

impl Integer {
    /// Default of `size` in `write` and `read`: all.
    pub(crate) const ALL: Self = Self(-1);
    /// Default of `size` in waits.
    pub(crate) const ONE: Self = Self(1);
    /// All numbers below the 64-bit range.
    pub(crate) const LEAST: Self = Self(i64::MIN);
    /// Default of `blocksize`.
    pub(crate) const BLOCK: Self = Self(256);

    /// An int that fits; `None` for other objects. Cannot fail, and runs no Python code.
    #[inline]
    pub(crate) fn exact(object: Borrowed<'_, '_, PyAny>) -> Option<Self> {
        let mut overflow = 0;
        // SAFETY: the object is alive. It is exactly an int, so no method can change its value, and
        // numbers that do not fit raise no exception.
        let value = unsafe {
            if pyo3::ffi::PyLong_CheckExact(object.as_ptr()) == 0 {
                return None;
            }
            pyo3::ffi::PyLong_AsLongLongAndOverflow(object.as_ptr(), &mut overflow)
        };
        (overflow == 0).then_some(Self(value))
    }

    /// An argument that is not an `int`, or a large one.
    #[cold]
    pub(crate) fn named(object: Borrowed<'_, '_, PyAny>, argument: &str) -> PyResult<Self> {
        let refused = || {
            error::type_error(format_args!(
                "{argument} must be an integer, not {}",
                type_name(&object)
            ))
        };
        // SAFETY: the object is alive.
        if unsafe { pyo3::ffi::PyIndex_Check(object.as_ptr()) } == 0 {
            return Err(refused());
        }
        object
            .extract::<Self>()
            .map_err(|error| error::unless_raised(object.py(), error, refused))
    }

    /// `None` for negative numbers.
    pub(crate) fn count(self) -> Option<usize> {
        // Beyond the address space, all counts are equivalent.
        (self.0 >= 0).then(|| usize::try_from(self.0).unwrap_or(usize::MAX))
    }

    /// The number of a frame: 0 or more, not limited by memory.
    pub(crate) fn frame(self, argument: &str) -> PyResult<u64> {
        u64::try_from(self.0).map_err(|_| {
            error::value_error(format_args!("{argument} must be 0 or more, not {self}"))
        })
    }

    /// A number of elements, 0 or more.
    pub(crate) fn required(self, argument: &str) -> PyResult<usize> {
        self.count().ok_or_else(|| {
            error::value_error(format_args!("{argument} must be 0 or more, not {self}"))
        })
    }

    pub(crate) fn value(self) -> i64 {
        self.0
    }
}

impl From<usize> for Integer {
    fn from(number: usize) -> Self {
        Self(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl<'py> FromPyObject<'_, 'py> for Integer {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if let Some(value) = Self::exact(object) {
            return Ok(value);
        }
        let py = object.py();
        // SAFETY: the object is alive; the result is a new reference or null with an exception.
        let index = unsafe {
            Bound::from_owned_ptr_or_err(py, pyo3::ffi::PyNumber_Index(object.as_ptr()))
        }?;
        let mut overflow = 0;
        // SAFETY: the result of PyNumber_Index is an int.
        let value =
            unsafe { pyo3::ffi::PyLong_AsLongLongAndOverflow(index.as_ptr(), &mut overflow) };
        match overflow {
            0 if value == -1 => match PyErr::take(py) {
                Some(error) => Err(error),
                None => Ok(Self(value)),
            },
            0 => Ok(Self(value)),
            overflow => Ok(Self(if overflow < 0 { i64::MIN } else { i64::MAX })),
        }
    }
}
