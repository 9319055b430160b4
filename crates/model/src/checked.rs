//! The world as the checker sees it.

use crate::rules::Rule;
use crate::scenario::Scenario;
use crate::world::{Action, World};
use sockeye_wire::StateName;
use stateright::{Model, Property};
use std::fmt;
use std::hash::{Hash, Hasher};

/// A scenario, every order of its events to be tried.
#[derive(Clone, Debug)]
pub struct OpenAndClose {
    /// What happens.
    pub scenario: Scenario,
    /// States, of A and of B, that some order must lead to at the same time: else the scenario does not try what it is for.
    pub visits: &'static [Visit],
}

/// A name, and what it is the name of.
pub type Visit = (&'static str, fn(&OpenAndClose, &Moment) -> bool);

/// A state of the model: how it came about, and what may follow.
#[derive(Clone)]
pub struct Moment {
    pub(crate) history: Vec<Action>,
    pub(crate) actions: Vec<Action>,
    /// The states of both ends.
    pub states: [StateName; 2],
    /// The first rule that was broken.
    pub broken: Option<Rule>,
    pub(crate) digest: u64,
}

impl PartialEq for Moment {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl Hash for Moment {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.digest.hash(state);
    }
}

impl fmt::Debug for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b] = self.states;
        write!(f, "A {a}, B {b}")?;
        self.broken.map_or(Ok(()), |rule| write!(f, ", broken: {}", rule.name()))
    }
}

impl Model for OpenAndClose {
    type State = Moment;
    type Action = Action;

    fn init_states(&self) -> Vec<Moment> {
        vec![World::new(&self.scenario).moment(Vec::new())]
    }

    fn actions(&self, moment: &Moment, actions: &mut Vec<Action>) {
        actions.extend_from_slice(&moment.actions);
    }

    fn next_state(&self, last: &Moment, action: Action) -> Option<Moment> {
        let mut world = World::after(&self.scenario, &last.history);
        world.apply(&action);
        let mut history = last.history.clone();
        history.push(action);
        Some(world.moment(history))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            Property::always(Rule::Transition.name(), |_, moment| keeps(moment, Rule::Transition)),
            Property::always(Rule::Segment.name(), |_, moment| keeps(moment, Rule::Segment)),
            Property::always(Rule::Data.name(), |_, moment| keeps(moment, Rule::Data)),
            Property::always(Rule::EndOfData.name(), |_, moment| keeps(moment, Rule::EndOfData)),
            Property::always(Rule::Agreement.name(), |_, moment| keeps(moment, Rule::Agreement)),
            Property::always(Rule::Endless.name(), |_, moment| keeps(moment, Rule::Endless)),
            Property::always(Rule::Ending.name(), |_, moment| keeps(moment, Rule::Ending)),
            Property::sometimes("it ends as it has to", |_, moment: &Moment| {
                moment.broken.is_none() && moment.actions.is_empty()
            }),
        ];
        properties
            .extend(self.visits.iter().map(|&(name, visited)| Property::sometimes(name, visited)));
        properties
    }
}

fn keeps(moment: &Moment, rule: Rule) -> bool {
    moment.broken != Some(rule)
}
