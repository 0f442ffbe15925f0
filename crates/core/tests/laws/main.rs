//! What the pure part promises, as laws over random input and as tables of borders.
//!
//! | file | what it holds |
//! |---|---|
//! | `settling` | twice is once, splitting and order leave no trace, two deliveries equal one |
//! | `plain` | the short ways say what the long ways say |
//! | `prices` | tier borders, minimum and steps, the least charge, discounts, which row holds when |
//! | `calendar` | windows tile time, nights with a clock change included; where a day begins |
//! | `expiry` | when subscriptions expire, when renewals are tried, where unified dates lie |
//! | `world` | rows, prices and terms that the others are made of |

mod calendar;
mod expiry;
mod plain;
mod prices;
mod rerun;
mod settling;
mod world;
