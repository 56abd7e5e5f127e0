//! Random programs for rings: a model that they are compared with, and lanes in which two
//! contestants each run them.

mod lane;
mod model;
mod program;

pub use lane::Lane;
pub use model::Model;
pub use program::{Geometry, Program, Step, programs, run};
