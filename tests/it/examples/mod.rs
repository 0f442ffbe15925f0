//! Published examples, run through the binary: files in, settled, exported. Every one names its source.
//!
//! | file | what it holds together |
//! |---|---|
//! | `home` | the harness: a home, tables that go in, tables that must come out |
//! | `time` | use cut at clock hours, when an hour is settled, to which month it belongs |
//! | `price` | prices, discounts, minimum charges, what is cut off |
//! | `payment` | which source pays first |
//! | `tiers` | graduated, volume and package prices |
//! | `late` | late use and reruns: only the difference |
//! | `oci` | a provider's cost report of 506 rows |
//! | `page` | `docs/examples.md` names tests that exist |

mod home;
mod late;
mod oci;
mod page;
mod payment;
mod price;
mod tiers;
mod time;
