//! Users settle conflicts: on any endpoint, knowing what it lists.

use std::collections::BTreeSet;

use engine::Doors;
use engine::decide::{Dispute, Take, disputes, resolve};
use record::{Against, RecordId};

use super::endpoint::Endpoint;
use super::faults::Fault;
use super::keys::DeviceKey;
use super::token::{Form, Token, token};
use super::world::World;

impl World {
    /// Lets a user settle one of the conflicts that some endpoint lists.
    pub(super) fn decide(&mut self) {
        let free = |endpoint: &Endpoint| endpoint.running.is_none() && !disputes(&endpoint.keeper).unwrap_or_default().is_empty();
        let places: Vec<usize> = self.endpoints.iter().enumerate().filter(|(_, endpoint)| free(endpoint)).map(|(at, _)| at).collect();
        let Some(at) = self.dice.pick(&places).filter(|_| self.faults.on(Fault::Settled)) else { return };
        let Some(endpoint) = self.endpoints.get(at) else { return };
        let Some(dispute) = self.dice.pick(&disputes(&endpoint.keeper).unwrap_or_default()) else { return };
        let form = endpoint.application.look().shape.form;
        self.weather.look().struck(Fault::Settled);
        let (take, fresh) = self.take(&dispute, form);
        self.say(|| {
            format!(
                "USER of e{at} settles {:.17?} of {} with {take:?}; listed: {:?} and {:?}",
                dispute.id, dispute.field, dispute.stands, dispute.kept
            )
        });
        self.mean(&dispute, &take);
        let done = self.resolve(at, &dispute, &take);
        if let Some(fresh) = fresh.filter(|_| !done) {
            // Nobody told the user whether it came to pass: it may stand or not.
            self.history.dismiss(fresh);
        }
    }

    fn take(&mut self, dispute: &Dispute, form: Form) -> (Take, Option<Token>) {
        match self.dice.below(4) {
            0 => (Take::Standing, None),
            1 => (Take::Kept, None),
            2 if dispute.base.is_some() => (Take::Base, None),
            _ => {
                let token = self.history.fresh();
                (Take::Value(form.write(token)), Some(token))
            }
        }
    }

    /// Takes note of what the user means by it.
    fn mean(&mut self, dispute: &Dispute, take: &Take) {
        let (standing, kept) = (dispute.stands.as_ref().and_then(token), token(&dispute.kept));
        let overruled: BTreeSet<Token> = match take {
            Take::Standing => kept.into_iter().collect(),
            Take::Kept => standing.into_iter().collect(),
            Take::Base | Take::Value(_) => standing.into_iter().chain(kept).collect(),
        };
        let revived = match take {
            Take::Standing => None,
            Take::Kept => kept,
            Take::Base => dispute.base.as_ref().and_then(token),
            Take::Value(value) => token(value),
        };
        for token in overruled {
            match take {
                Take::Value(_) => revived.iter().for_each(|new| self.history.overwrite(token, *new)),
                _ => self.history.dismiss(token),
            }
        }
        if !matches!(take, Take::Standing | Take::Value(_)) {
            revived.iter().for_each(|token| self.history.revive(*token));
        }
        if dispute.against == Against::Death && *take != Take::Standing {
            self.revive_record(dispute.record);
        }
    }

    /// Whoever takes a value of a dead record brings the record back.
    fn revive_record(&mut self, id: RecordId) {
        let Some(account) = self.ledger.records.get(&self.ledger.resolve(id)) else { return };
        account.ever.iter().for_each(|token| self.history.revive(*token));
    }

    fn resolve(&mut self, at: usize, dispute: &Dispute, take: &Take) -> bool {
        let settings = self.settings(at);
        let Some(mut errand) = self.errand(at, settings) else { return false };
        let Some(device) = self.endpoints.get(at).map(|endpoint| endpoint.device) else { return false };
        let doors =
            Doors { store: &errand.wire, keys: &DeviceKey(device), randomness: &self.ids, progress: &engine::Nobody, pass: &|_| true };
        let result = resolve(&doors, &self.collection, &mut errand.keeper, dispute.id, take);
        self.say(|| format!("  {result:?}"));
        result.is_ok()
    }
}
