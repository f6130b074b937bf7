//! Tables of all sorts: read, edited in place, damaged.

mod damage;
mod dialects;
mod laws;
mod mapping;
mod presets;
mod sheet;
mod steps;
