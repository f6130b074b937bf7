//! The jobs of the configuration, ready to run: every option checked, and each endpoint opened with its object store.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use adapter::{Format, Options};
use client::Address;
use config::suggest::nearest;
use config::{Config, Endpoint, Job, Kind, Merge, Problem, Problems, SameField, StoreChoice};
use delta::Policy;
use engine::objects::Objects;
use engine::objects::memory::Memory;
use engine::objects::sqlite::Sqlite;
use engine::{Guard, Settings};
use protocol::Collection;

use crate::cause::About;
use crate::doors::{Machine, host_name};
use crate::failure::{Failure, Outcome};
use crate::formats;
use crate::progress::Meter;
use crate::reach::Server;
use crate::state::{Device, Home};
use crate::terminal::{Terminal, shown};

/// A job whose configuration is known to be right.
pub(crate) struct Prepared<'c> {
    /// What the configuration says.
    pub(crate) job: &'c Job,
    /// The collection.
    pub(crate) collection: Collection,
    /// The configuration as a whole.
    config: &'c Config,
    endpoints: Vec<Configured<'c>>,
    /// The server that keeps the collection; none: it is kept on this machine.
    server: Option<Arc<Server>>,
}

struct Configured<'c> {
    endpoint: &'c Endpoint,
    format: &'static dyn Format,
    options: Options,
}

/// Whether the state directory may be made and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// What is missing is made.
    Make,
    /// What is missing is only imagined.
    Look,
}

/// Reads the configuration: the named file, else `syncretic.toml` here, else the user's own.
pub(crate) fn read(named: Option<&Path>) -> Outcome<Config> {
    let here = PathBuf::from("syncretic.toml");
    let path = match named {
        Some(named) => named.to_owned(),
        None if here.exists() => here,
        None => own().filter(|path| path.exists()).ok_or_else(absent)?,
    };
    Ok(config::read(&path)?)
}

fn own() -> Option<PathBuf> {
    let folder = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|folder| folder.is_absolute());
    let folder = folder.or_else(|| std::env::home_dir().map(|home| home.join(".config")));
    folder.map(|folder| folder.join("syncretic").join("syncretic.toml"))
}

fn absent() -> Failure {
    let own = own().map(|path| format!(" or `{}`", path.display())).unwrap_or_default();
    let failure = Failure::usage("there is no configuration: no `syncretic.toml` in this folder");
    let failure =
        failure.note(format!("put these seven lines into `syncretic.toml`{own}, with your own paths:\n{}", config::SMALLEST.trim_end()));
    failure.help("then type `syncretic plan`; or type `syncretic demo` to see it at work")
}

/// Checks the whole configuration and returns the jobs of these names, all if there are none.
///
/// Everything is checked before anything is synced, so that a slip in the second job does not leave the first one done.
pub(crate) fn prepare<'c>(config: &'c Config, names: &[String]) -> Outcome<Vec<Prepared<'c>>> {
    let mut problems = Problems::default();
    let server = server(config).unwrap_or_else(|problem| {
        problems.push(|| *problem);
        None
    });
    let mut jobs = Vec::new();
    for job in &config.jobs {
        match check(config, job, server.as_ref()) {
            Ok(job) => jobs.push(job),
            Err(found) => problems.extend(found),
        }
    }
    if !problems.is_empty() {
        return Err(problems.into());
    }
    choose(jobs, names)
}

fn choose<'c>(jobs: Vec<Prepared<'c>>, names: &[String]) -> Outcome<Vec<Prepared<'c>>> {
    let known: Vec<&str> = jobs.iter().map(|job| job.job.name.value.as_str()).collect();
    if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
        let failure = Failure::usage(format!("no job is called `{}`", shown(unknown)));
        let failure = failure.note(format!("jobs: {}", known.join(", ")));
        return Err(match nearest(unknown, known.iter().copied()) {
            Some(meant) => failure.help(format!("did you mean `{meant}`?")),
            None => failure,
        });
    }
    Ok(jobs.into_iter().filter(|job| names.is_empty() || names.contains(&job.job.name.value)).collect())
}

/// Returns the server of a configuration, if it names one.
pub(crate) fn server(config: &Config) -> Result<Option<Arc<Server>>, Box<Problem>> {
    let StoreChoice::Url(url) = &config.store else { return Ok(None) };
    match url.value.parse() {
        Ok(address) => Ok(Some(Arc::new(Server::at(address)))),
        Err(client::address::NotAnAddress { reason, .. }) => {
            let problem =
                Problem::at(&config.source, url.span, Kind::WrongValue, format!("`url` in `[store]` is no address of a server: {reason}"));
            Err(Box::new(problem.help("write for instance `url = \"https://sync.example.org\"`")))
        }
    }
}

fn check<'c>(config: &'c Config, job: &'c Job, server: Option<&Arc<Server>>) -> Result<Prepared<'c>, Vec<Problem>> {
    let source = &config.source;
    let mut problems = Vec::new();
    let mut endpoints = Vec::new();
    for endpoint in &job.endpoints {
        match formats::check(source, endpoint) {
            Ok((format, options)) => {
                problems.extend(misfit(config, job, endpoint, format));
                endpoints.push(Configured { endpoint, format, options: with_kind(format, options, job) });
            }
            Err(found) => problems.extend(found),
        }
    }
    let collection = job.collection.value.parse::<Collection>();
    match collection {
        Ok(collection) if problems.is_empty() => Ok(Prepared { job, collection, config, endpoints, server: server.cloned() }),
        Ok(_) => Err(problems),
        Err(error) => {
            problems.push(Problem::at(source, job.collection.span, Kind::WrongValue, error.to_string()));
            Err(problems)
        }
    }
}

/// Reports an adapter that cannot hold the kind of record that the job is about.
fn misfit(config: &Config, job: &Job, endpoint: &Endpoint, format: &dyn Format) -> Option<Problem> {
    let kind = job.kind.as_ref()?;
    let description = format.describe();
    if description.kinds.iter().any(|held| held.as_str() == kind.value) {
        return None;
    }
    let held: Vec<&str> = description.kinds.iter().map(record::Kind::as_str).collect();
    let message = format!("adapter `{}` holds no records of kind `{}`", description.id, shown(&kind.value));
    let problem = Problem::at(&config.source, kind.span, Kind::WrongValue, message);
    let problem = problem.note(format!("endpoint `{}` can hold: {}", endpoint.name.value, held.join(", ")));
    Some(problem.help("correct `kind`, or leave it out"))
}

/// Hands the job's kind on to an adapter that takes it as an option.
fn with_kind(format: &dyn Format, mut options: Options, job: &Job) -> Options {
    let takes = format.describe().options.iter().any(|spec| spec.name == "kind");
    if let Some(kind) = job.kind.as_ref().filter(|_| takes) {
        options.entry("kind".to_owned()).or_insert_with(|| adapter::OptionValue::Text(kind.value.clone()));
    }
    options
}

impl<'c> Prepared<'c> {
    /// Returns what errors of this job are about.
    pub(crate) fn about(&self) -> About<'c> {
        About { source: &self.config.source, job: self.job, planned: false }
    }

    /// Returns the engine's settings.
    pub(crate) fn settings(&self, machine: &Machine) -> Settings {
        let policy = match &self.job.same_field {
            SameField::Store => Policy::Store,
            SameField::Mine => Policy::Mine,
            // On the preferred device its own value stands, on all others the store's.
            SameField::Prefer(device) if is_device(&machine.device(), device) || machine.name() == Some(device) => Policy::Mine,
            SameField::Prefer(_) => Policy::Store,
        };
        let minimum = usize::try_from(self.job.guard.min_delete).unwrap_or(usize::MAX);
        Settings {
            collection: self.collection.clone(),
            policy,
            guard: Guard { percent: u32::from(self.job.guard.max_delete_percent), minimum },
            link: self.job.link.auto,
            confirmed: BTreeSet::new(),
            merge_text: self.job.merge == Merge::Text,
            device: machine.name().map(str::to_owned).or_else(host_name).unwrap_or_else(|| machine.device()),
        }
    }

    /// Opens the endpoints.
    pub(crate) fn open(&self, home: &Home, meter: &Arc<Meter>, state: State) -> Outcome<Vec<engine::Endpoint>> {
        if state == State::Make {
            home.make_objects(&self.collection)?;
        }
        self.endpoints.iter().map(|configured| self.open_endpoint(configured, home, meter, state)).collect()
    }

    fn open_endpoint(&self, configured: &Configured<'c>, home: &Home, meter: &Arc<Meter>, state: State) -> Outcome<engine::Endpoint> {
        let Configured { endpoint, format, options } = configured;
        let name = endpoint.name.value.clone();
        let adapter =
            formats::open(*format, &endpoint.path, options, meter.host(&name)).map_err(|error| self.about().adapter(&name, &error))?;
        let objects = self.objects(home, endpoint, state)?;
        Ok(engine::Endpoint { name, adapter, objects })
    }

    /// Opens each endpoint's adapter and returns what stands in the way of any.
    pub(crate) fn try_endpoints(&self, terminal: &Terminal) -> Vec<Failure> {
        let open = |configured: &Configured<'c>| {
            let name = &configured.endpoint.name.value;
            let host = Meter::new(None, terminal).host(name);
            let opened = formats::open(configured.format, &configured.endpoint.path, &configured.options, host);
            opened.err().map(|error| self.about().adapter(name, &error))
        };
        self.endpoints.iter().filter_map(open).collect()
    }

    /// Opens an endpoint's object store.
    pub(crate) fn objects(&self, home: &Home, endpoint: &Endpoint, state: State) -> Outcome<Box<dyn Objects>> {
        let path = home.objects(self.address(), &self.collection, &endpoint.name, &endpoint.path);
        if state == State::Look && !path.exists() {
            return Ok(Box::new(Memory::default()));
        }
        Ok(Box::new(Sqlite::open(&path).map_err(|error| self.about().engine(error))?))
    }

    /// Returns the server that keeps the collection, if one does.
    pub(crate) fn server(&self) -> Option<&Arc<Server>> {
        self.server.as_ref()
    }

    fn address(&self) -> Option<&Address> {
        self.server.as_ref().map(|server| server.address())
    }

    /// Opens the store and the key; what is missing is made, or only imagined.
    ///
    /// On a server the first question is where the collection stands and what this device may do.
    pub(crate) fn machine(&self, home: &Home, state: State) -> Outcome<Machine> {
        let Some(server) = &self.server else { return machine(home, &self.collection, state) };
        match server.machine(home, &self.collection, state == State::Make) {
            Ok(Some(machine)) => Ok(machine),
            Ok(None) => imagined(),
            Err(failure) => Err(failure.within(&format!("cannot sync job `{}`", self.job.name.value))),
        }
    }

    /// Returns the endpoints' names.
    pub(crate) fn endpoints(&self) -> impl Iterator<Item = &'c Endpoint> {
        self.job.endpoints.iter()
    }
}

/// Tells whether a device is the one that a person named by the first digits of its id.
fn is_device(device: &str, named: &str) -> bool {
    named.len() >= 4 && device.starts_with(&named.to_ascii_lowercase())
}

/// Returns a store that is empty and a key that is nobody's, for a look at what is known on this machine.
pub(crate) fn imagined() -> Outcome<Machine> {
    Ok(Machine::new(store::Memory::new(), Device::passing()?))
}

/// Opens this machine's own store and key for a job; what is missing is made, or only imagined.
fn machine(home: &Home, collection: &Collection, state: State) -> Outcome<Machine> {
    let store = || store::Sqlite::open(&home.store()).map_err(|error| crate::cause::store(&error));
    if state == State::Make {
        home.establish()?;
        return Ok(Machine::new(store()?, home.device()?));
    }
    home.check()?;
    let device = home.known_device()?.map_or_else(Device::passing, Ok)?;
    if home.store().exists() {
        let store = store()?;
        let known = store.known_head(collection).map_err(|error| crate::cause::store(&error))?;
        if known.is_some() {
            return Ok(Machine::new(store, device));
        }
    }
    Ok(Machine::new(store::Memory::new(), device))
}
