//! A callback with its data, as a device needs them: addresses, and the objects that keep them
//! valid.

use pa_ringbuffer_callback::finished;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::arguments::function::{function_argument, user_data_argument};
use crate::error;
use crate::object;
use crate::stream::callback::StreamCallback;

/// A callback, its `userData` and its finished callback. A missing one has the address 0.
pub(crate) struct Compiled {
    pub(crate) function: usize,
    pub(crate) user_data: usize,
    pub(crate) finished: usize,
    /// Objects that must live as long as the addresses are used: the callback itself comes first.
    pub(crate) kept: [Py<PyAny>; 3],
}

impl Compiled {
    pub(crate) fn new(
        callback: &Bound<'_, PyAny>,
        userdata: Option<&Bound<'_, PyAny>>,
        finished_callback: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let py = callback.py();
        let ours = callback.cast::<StreamCallback>().ok().map(Bound::get);
        let (function, (user_data, data)) = match (ours, userdata) {
            (Some(_), Some(_)) => {
                return Err(error::type_error(
                    "userdata must not be given with a StreamCallback, which has its own",
                ));
            }
            (Some(ours), None) => (
                ours.function() as *const () as usize,
                (ours.state().expose_provenance(), py.None()),
            ),
            (None, Some(userdata)) => (
                function_argument(callback, "callback")?,
                user_data_argument(userdata, "userdata")?,
            ),
            (None, None) => (function_argument(callback, "callback")?, (0, py.None())),
        };
        let finished = match finished_callback {
            Some(object) => function_argument(object, "finished_callback")?,
            // A StreamCallback always gets the notification.
            None if ours.is_some() => finished as *const () as usize,
            None => 0,
        };
        let finished_callback = finished_callback.map_or_else(|| py.None(), |f| f.clone().unbind());
        Ok(Self {
            function,
            user_data,
            finished,
            kept: [callback.clone().unbind(), data, finished_callback],
        })
    }
}

/// For `CompiledStream`: the addresses of the callback, of its data and of the finished callback, 0
/// where there is none, and what has to be kept as long as a stream uses them.
#[pyfunction]
#[pyo3(signature = (callback, userdata=None, finished_callback=None))]
pub(crate) fn compiled_callback<'py>(
    callback: &Bound<'py, PyAny>,
    userdata: Option<&Bound<'py, PyAny>>,
    finished_callback: Option<&Bound<'py, PyAny>>,
) -> PyResult<(usize, usize, usize, Bound<'py, PyTuple>)> {
    let py = callback.py();
    let compiled = Compiled::new(callback, userdata, finished_callback)?;
    let kept = object::tuple(py, compiled.kept.map(|object| object.into_bound(py)))?;
    Ok((
        compiled.function,
        compiled.user_data,
        compiled.finished,
        kept,
    ))
}
