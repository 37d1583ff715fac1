//! From offer to placement, as a council and its providers live through it.

#[cfg(test)]
mod approvals;
#[cfg(test)]
mod call_off;
#[cfg(test)]
mod clocks;
#[cfg(test)]
mod conditions;
#[cfg(test)]
mod council;
#[cfg(test)]
mod decision;
#[cfg(test)]
mod places;
