//! Which changes go into the history of the whole shop, of what one process found and of what all
//! live ones found together.

use crate::db::Timestamp;
use crate::metrics::health::component::{Component, Health};
use crate::metrics::health::diary::Turn;
use std::collections::HashMap;

/// How a component is for the whole shop, by what was written last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// How it is.
    pub health: Health,
    /// Since when.
    pub since: Timestamp,
}

/// How a component is now, by the worst of what live processes found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// How it is.
    pub health: Health,
    /// What is wrong.
    pub message: Option<String>,
}

/// What is to be written into the history, in its order.
pub fn changes(
    known: &HashMap<Component, Known>,
    turns: &[Turn],
    merged: &HashMap<Component, Merged>,
    now: Timestamp,
) -> Vec<Turn> {
    let of = |component| of_component(component, known, turns, merged, now);
    Component::ALL.into_iter().flat_map(of).collect()
}

fn of_component(
    component: Component,
    known: &HashMap<Component, Known>,
    turns: &[Turn],
    merged: &HashMap<Component, Merged>,
    now: Timestamp,
) -> Vec<Turn> {
    let mut known = known.get(&component).copied();
    let mut changes = gaps(component, known, turns);
    if let Some(last) = changes.last() {
        known = Some(Known { health: last.health, since: last.at });
    }
    let Some(Merged { health, message }) = merged.get(&component) else { return changes };
    if known.is_none_or(|known| known.health != *health) {
        // Who found it says when, unless the history is past that already.
        let found = turns.iter().rfind(|turn| turn.component == component);
        let found = found.filter(|turn| turn.health == *health).map(|turn| turn.at);
        let at = found.filter(|at| known.is_none_or(|known| known.since < *at)).unwrap_or(now);
        changes.push(Turn { component, health: *health, message: message.clone(), at });
    }
    changes
}

/// What happened while nothing could be written and is over since: from when something was not well
/// until it was. Nothing, when another process has told it.
fn gaps(component: Component, known: Option<Known>, turns: &[Turn]) -> Vec<Turn> {
    let own = turns.iter().filter(|turn| turn.component == component);
    let own: Vec<&Turn> = own.skip_while(|turn| turn.health == Health::Healthy).collect();
    let Some(begins) = own.first().map(|turn| turn.at) else { return Vec::new() };
    let is_told =
        known.is_some_and(|known| known.health != Health::Healthy || known.since >= begins);
    // What lasts is told as what all found together.
    let over = own.iter().rposition(|turn| turn.health == Health::Healthy);
    match over {
        Some(over) if !is_told => own.into_iter().take(over + 1).cloned().collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    fn turn(health: Health, seconds: i64) -> Turn {
        Turn { component: Component::Database, health, message: None, at: at(seconds) }
    }

    fn known(health: Health, seconds: i64) -> HashMap<Component, Known> {
        [(Component::Database, Known { health, since: at(seconds) })].into()
    }

    fn merged(health: Health) -> HashMap<Component, Merged> {
        [(Component::Database, Merged { health, message: None })].into()
    }

    fn told(
        known: &HashMap<Component, Known>,
        turns: &[Turn],
        all: Health,
    ) -> Vec<(Health, Timestamp)> {
        let changes = changes(known, turns, &merged(all), at(1_000));
        changes.into_iter().map(|turn| (turn.health, turn.at)).collect()
    }

    use Health::{Healthy, Unhealthy};

    #[test]
    fn the_first_finding_begins_the_history() {
        assert_eq!(told(&HashMap::new(), &[], Healthy), [(Healthy, at(1_000))]);
    }

    #[test]
    fn what_stays_as_it_was_is_no_change() {
        assert!(told(&known(Healthy, 0), &[], Healthy).is_empty());
        assert!(told(&known(Unhealthy, 0), &[turn(Unhealthy, 5)], Unhealthy).is_empty());
    }

    #[test]
    fn a_change_is_told_with_the_time_at_which_it_was_found() {
        let changes = told(&known(Healthy, 0), &[turn(Unhealthy, 5)], Unhealthy);
        assert_eq!(changes, [(Unhealthy, at(5))]);
    }

    #[test]
    fn what_another_process_still_finds_is_not_over() {
        assert!(told(&known(Unhealthy, 0), &[turn(Healthy, 5)], Unhealthy).is_empty());
    }

    #[test]
    fn when_the_one_that_found_it_is_gone_the_change_is_told_now() {
        assert_eq!(told(&known(Unhealthy, 0), &[], Healthy), [(Healthy, at(1_000))]);
    }

    #[test]
    fn a_gap_that_could_not_be_written_is_told_afterwards() {
        let turns = [turn(Unhealthy, 5), turn(Healthy, 50)];
        let changes = told(&known(Healthy, 0), &turns, Healthy);
        assert_eq!(changes, [(Unhealthy, at(5)), (Healthy, at(50))]);
    }

    #[test]
    fn a_gap_that_another_process_has_told_is_not_told_twice() {
        let turns = [turn(Unhealthy, 6), turn(Healthy, 49)];
        assert!(told(&known(Healthy, 50), &turns, Healthy).is_empty());
        let later = [turn(Unhealthy, 60), turn(Healthy, 90)];
        assert_eq!(told(&known(Healthy, 50), &later, Healthy).len(), 2);
    }

    #[test]
    fn a_gap_after_which_it_is_bad_again_is_told_with_what_lasts() {
        let turns = [turn(Unhealthy, 5), turn(Healthy, 50), turn(Unhealthy, 60)];
        let changes = told(&known(Healthy, 0), &turns, Unhealthy);
        assert_eq!(changes, [(Unhealthy, at(5)), (Healthy, at(50)), (Unhealthy, at(60))]);
    }

    #[test]
    fn the_history_never_goes_back() {
        let turns = [turn(Healthy, 3), turn(Unhealthy, 5), turn(Healthy, 50), turn(Unhealthy, 60)];
        for since in [-1, 4, 20, 55, 70] {
            for health in [Healthy, Unhealthy] {
                for all in [Healthy, Unhealthy] {
                    let changes = told(&known(health, since), &turns, all);
                    let times: Vec<_> = changes.iter().map(|(_, at)| *at).collect();
                    assert!(times.is_sorted(), "{times:?}");
                    assert!(times.first().is_none_or(|first| *first > at(since)));
                    let mut states: Vec<_> = vec![health];
                    states.extend(changes.iter().map(|(health, _)| *health));
                    assert!(states.windows(2).all(|pair| pair[0] != pair[1]), "{states:?}");
                    assert_eq!(states.last(), Some(&all));
                }
            }
        }
    }
}
