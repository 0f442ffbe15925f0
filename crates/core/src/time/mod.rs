//! Time that is passed in: instants, billing zones, half-open windows. Nothing here asks what time it is.

mod instant;
mod window;
mod zone;

pub use instant::{Instant, InstantError};
pub use window::Window;
pub use zone::{TZDB_VERSION, Zone, ZoneError};
