//! What the pure part promises, as laws over random input and as tables of borders.
//!
//! | file | what it holds |
//! |---|---|
//! | `settling` | twice is once, splitting and order leave no trace, two deliveries equal one |
//! | `frozen` | what is used while an account is frozen: counted in full, charged at nothing |
//! | `plain` | the short ways say what the long ways say |
//! | `prices` | tier borders, minimum and steps, the least charge, discounts, which row holds when |
//! | `calendar` | windows tile time, nights with a clock change included; where a day begins |
//! | `expiry` | when subscriptions expire, when renewals are tried, where unified dates lie |
//! | `refunds` | what comes back of a paid period, and to whom |
//! | `terms_bought` | what terms, moves to a unified day and changes cost |
//! | `world` | rows, prices and terms that the others are made of |

mod calendar;
mod expiry;
mod frozen;
mod plain;
mod prices;
mod refunds;
mod rerun;
mod settling;
mod terms_bought;
mod world;
