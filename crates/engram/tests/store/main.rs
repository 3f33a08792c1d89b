//! A store as its users see it: what is put in comes back, whatever the order, the process or the accident.
#![allow(clippy::unwrap_used, missing_docs)]

mod erased;
mod faults;
mod folder;
mod handles;
mod hidden_ids;
mod history;
mod interrupted;
mod leftovers;
mod linear;
mod recall;
mod vault;
mod vaults_together;
mod vectors;
mod world;
mod writing;
