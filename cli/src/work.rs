//! One job's work: locked, opened, run or planned, and summed up, whatever became of it.

use std::collections::BTreeSet;

use engine::decide::{Dispute, disputes};
use engine::objects::Objects;
use engine::{Doors, Endpoint, JobReport, Report};
use protocol::{DeviceId, State as Standing};
use record::RecordId;
use serde_json::{Map, Value, json};

use crate::arrival::{WentBack, arrive, went_back};
use crate::cause::About;
use crate::doors::Machine;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::jobs::{Prepared, State, imagined};
use crate::progress::Meter;
use crate::report::held::Quarantined;
use crate::report::{json, network};
use crate::state::{Home, Lock};
use crate::terminal::Terminal;

/// What is done with a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// It is synced.
    Sync,
    /// It is only found out what a sync would do.
    Plan,
}

/// What became of a job.
pub(crate) struct Done {
    /// Its name.
    pub(crate) job: String,
    /// What it did, as far as it came.
    pub(crate) report: JobReport,
    /// How many records its endpoints hold.
    pub(crate) records: usize,
    /// The conflicts that are open.
    pub(crate) disputes: Vec<Dispute>,
    /// What is quarantined.
    pub(crate) quarantined: Vec<Quarantined>,
    /// Pairs that may be one record, and wait for a decision.
    pub(crate) doubts: usize,
    /// Why it stopped, if it did.
    pub(crate) failure: Option<Failure>,
    /// Name, adapter and path of each endpoint.
    pub(crate) endpoints: Vec<(String, String, String)>,
    /// Where the collection stands on the network, and which device this is, if it is there.
    pub(crate) standing: Option<(Standing, DeviceId)>,
    /// Set if this device knows less than it once did.
    pub(crate) went_back: Option<WentBack>,
}

/// A job with everything that a command needs to work on it.
pub(crate) struct Opened {
    /// The store and the key.
    pub(crate) machine: Machine,
    /// The endpoints' object stores, in the order of the configuration.
    pub(crate) objects: Vec<Box<dyn Objects>>,
    _lock: Option<Lock>,
}

/// Opens the store and the object stores of a job, without its adapters.
pub(crate) fn open(prepared: &Prepared<'_>, home: &Home, state: State) -> Outcome<Opened> {
    let lock = lock(prepared, home, state)?;
    let machine = match state {
        State::Make => prepared.machine(home, state)?,
        // What waits for a person is known here, whoever keeps the log.
        State::Look => imagined()?,
    };
    if state == State::Make {
        home.make_objects(&prepared.collection)?;
    }
    let objects = prepared.endpoints().map(|endpoint| prepared.objects(home, endpoint, state)).collect::<Outcome<_>>()?;
    Ok(Opened { machine, objects, _lock: lock })
}

fn lock(prepared: &Prepared<'_>, home: &Home, state: State) -> Outcome<Option<Lock>> {
    match state {
        State::Make => {
            home.establish()?;
            home.lock(&prepared.collection).map(Some)
        }
        State::Look => Ok(None),
    }
}

/// Syncs or plans a job; `confirmed` are the deletions that a person confirmed.
pub(crate) fn work(prepared: &Prepared<'_>, home: &Home, terminal: &Terminal, deed: Deed, confirmed: &BTreeSet<RecordId>) -> Done {
    let described = |endpoint: &config::Endpoint| {
        (endpoint.name.value.clone(), endpoint.adapter.value.clone(), endpoint.path.value.display().to_string())
    };
    let mut done = Done {
        job: prepared.job.name.value.clone(),
        report: JobReport::default(),
        records: 0,
        disputes: Vec::new(),
        quarantined: Vec::new(),
        doubts: 0,
        failure: None,
        endpoints: prepared.endpoints().map(described).collect(),
        standing: None,
        went_back: None,
    };
    let state = match deed {
        Deed::Sync => State::Make,
        Deed::Plan => State::Look,
    };
    if let Err(failure) = attempt(prepared, home, terminal, (deed, state), confirmed, &mut done) {
        done.failure = Some(failure);
    }
    done
}

fn attempt(
    prepared: &Prepared<'_>,
    home: &Home,
    terminal: &Terminal,
    (deed, state): (Deed, State),
    confirmed: &BTreeSet<RecordId>,
    done: &mut Done,
) -> Outcome<()> {
    let _lock = lock(prepared, home, state)?;
    let machine = prepared.machine(home, state).inspect_err(|_| drop(sum_up(prepared, home, None, done)))?;
    done.standing = machine.state().map(|state| (state.clone(), machine.id()));
    let meter = Meter::new(Some(&done.job), terminal);
    let mut endpoints = match prepared.open(home, &meter, state) {
        Ok(endpoints) => endpoints,
        Err(failure) => {
            // The summary still says what is open and held, where that can be read.
            let _ = sum_up(prepared, home, Some(&machine), done);
            return Err(failure);
        }
    };
    let objects = || endpoints.iter().map(|endpoint| endpoint.objects.as_ref());
    done.went_back = done.standing.as_ref().and_then(|(state, own)| went_back(state, *own, objects()));
    let mut settings = prepared.settings(&machine);
    settings.confirmed.clone_from(confirmed);
    let doors = Doors { progress: &*meter, ..machine.doors() };
    let result = match deed {
        Deed::Sync => engine::run(&doors, &mut endpoints, &settings),
        Deed::Plan => engine::plan(&doors, &mut endpoints, &settings),
    };
    meter.end();
    match result {
        Ok(report) => {
            for report in &report.reports {
                done.quarantined.extend(report.held.iter().map(|held| Quarantined::new(&done.job, &report.endpoint, held)));
            }
            done.report = report;
            if deed == Deed::Plan {
                done.report.head = head(prepared, &machine);
            }
            let objects = endpoints_of(prepared, home, endpoints, deed)?;
            look(&objects, done);
            if deed == Deed::Sync {
                if let Some(standing) = &mut done.standing {
                    arrive(machine.store(), &prepared.collection, standing, objects.iter().map(AsRef::as_ref));
                }
                home.holds().forget(&prepared.collection)?;
            }
            Ok(())
        }
        Err(error) => {
            drop(endpoints);
            let _ = sum_up(prepared, home, Some(&machine), done);
            if deed == Deed::Sync {
                prepared.about().keep(&home.holds(), &prepared.collection, &error)?;
            }
            Err(About { planned: deed == Deed::Plan, ..prepared.about() }.engine(error))
        }
    }
}

/// Returns the object stores; a plan has used its own up.
fn endpoints_of(prepared: &Prepared<'_>, home: &Home, endpoints: Vec<Endpoint>, deed: Deed) -> Outcome<Vec<Box<dyn Objects>>> {
    match deed {
        Deed::Sync => Ok(endpoints.into_iter().map(|endpoint| endpoint.objects).collect()),
        Deed::Plan => prepared.endpoints().map(|endpoint| prepared.objects(home, endpoint, State::Look)).collect(),
    }
}

/// Fills in what the object stores say, where the run itself said nothing.
fn sum_up(prepared: &Prepared<'_>, home: &Home, machine: Option<&Machine>, done: &mut Done) -> Outcome<()> {
    let mut objects = Vec::new();
    for endpoint in prepared.endpoints() {
        let opened = prepared.objects(home, endpoint, State::Look)?;
        for held in opened.held().unwrap_or_default() {
            done.quarantined.push(Quarantined::new(&done.job, &endpoint.name, &held));
        }
        objects.push(opened);
    }
    let known = || newest(&objects).and_then(|(_, objects)| objects.meta().ok()?.cursor).map_or(0, |cursor| cursor.sequence.0);
    done.report.head = machine.map_or_else(known, |machine| head(prepared, machine));
    look(&objects, done);
    Ok(())
}

fn head(prepared: &Prepared<'_>, machine: &Machine) -> u64 {
    let head = machine.state().map(|state| state.head).or_else(|| machine.store().head(&prepared.collection).ok());
    head.map_or(0, |head| head.sequence.0)
}

/// Counts records and doubts, and gathers the conflicts.
fn look(objects: &[Box<dyn Objects>], done: &mut Done) {
    done.records = objects.iter().filter_map(|objects| objects.count().ok()).max().unwrap_or_default();
    done.disputes = open_disputes(objects);
    done.doubts = objects.iter().filter_map(|objects| objects.joined().ok()).flatten().filter(|joined| !joined.linked).count();
}

/// Returns the open conflicts as the endpoint that pulled last knows them.
pub(crate) fn open_disputes(objects: &[Box<dyn Objects>]) -> Vec<Dispute> {
    newest(objects).and_then(|(_, newest)| disputes(newest).ok()).unwrap_or_default()
}

/// Returns the object store of the endpoint that pulled last, and its place.
pub(crate) fn newest(objects: &[Box<dyn Objects>]) -> Option<(usize, &dyn Objects)> {
    let at = |objects: &dyn Objects| objects.meta().ok().and_then(|meta| meta.cursor).map_or(0, |cursor| cursor.sequence.0);
    objects.iter().map(AsRef::as_ref).enumerate().max_by_key(|(_, objects)| at(*objects))
}

impl Done {
    /// Returns the exit code of the job.
    pub(crate) fn exit(&self) -> Exit {
        let held = if self.quarantined.is_empty() { Exit::Done } else { Exit::Partial };
        let conflicts = if self.conflicts() == 0 { Exit::Done } else { Exit::Conflicts };
        let failed = self.failure.as_ref().map_or(Exit::Done, |failure| failure.exit);
        let unsettled = if self.failure.is_none() && !self.report.settled { Exit::Temporary } else { Exit::Done };
        held.or(conflicts).or(failed).or(unsettled)
    }

    /// Tells whether the network holds entries that this device has not got.
    pub(crate) fn is_behind(&self) -> bool {
        let own = self.standing.as_ref().is_some_and(|(state, own)| network::behind(state).iter().any(|member| member.device == *own));
        own && self.failure.is_none()
    }

    /// Returns the number of open conflicts.
    pub(crate) fn conflicts(&self) -> usize {
        let newest = self.report.reports.iter().max_by_key(|report| report.head);
        newest.map_or(self.disputes.len(), |report| report.conflicts)
    }

    /// Returns a sum over the endpoints.
    pub(crate) fn sum(&self, of: impl Fn(&Report) -> usize) -> usize {
        self.report.reports.iter().map(of).sum()
    }

    /// Returns the bytes that were written to applications' files and to the log.
    pub(crate) fn bytes_written(&self) -> u64 {
        self.report.reports.iter().map(|report| report.bytes_written).sum()
    }

    /// Returns it for programs.
    pub(crate) fn json(&self) -> Value {
        let endpoint = |(at, (name, adapter, path)): (usize, &(String, String, String))| {
            let report = self.report.reports.get(at).cloned().unwrap_or_else(|| Report { endpoint: name.clone(), ..Report::default() });
            json::endpoint(&report, adapter, path)
        };
        let mut object = Map::new();
        let mut put = |name: &str, value: Value| object.insert(name.to_owned(), value);
        put("job", json!(self.job));
        put("head", json!(self.report.head));
        put("records", json!(self.records));
        put("pushed", json!(self.sum(|report| report.pushed)));
        put("pulled", json!(self.sum(|report| report.pulled)));
        put("conflicts", json!(self.conflicts()));
        put("quarantined", json!(self.quarantined.len()));
        put("doubtful_links", json!(self.doubts));
        put("bytes_written", json!(self.bytes_written()));
        put("settled", json!(self.failure.is_none() && self.report.settled));
        put("rounds", json!(self.report.rounds));
        put("exit", json!(self.exit().code()));
        put("endpoints", self.endpoints.iter().enumerate().map(endpoint).collect());
        put("quarantine", self.quarantined.iter().map(Quarantined::json).collect());
        if let Some((state, own)) = &self.standing {
            put("network", network::json(state, *own));
            put("went_back", json!(self.went_back.map(|back| json!({ "was": back.was, "is": back.is }))));
        }
        if let Some(failure) = &self.failure {
            put("error", failure.json());
        }
        Value::Object(object)
    }
}
