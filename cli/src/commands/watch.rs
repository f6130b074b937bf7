//! `syncretic watch`: syncs whenever files change, the store moves, or it is time, until it is asked to stop.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use config::Config;
use serde_json::json;

use crate::arguments::Format;
use crate::commands::sync::tell;
use crate::context::Context;
use crate::doors::random;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::interrupt;
use crate::jobs::{self, Prepared};
use crate::summary;
use crate::terminal::shown;
use crate::watch::files::{Place, Watched, owners, uprooted};
use crate::watch::schedule::{Cause, Schedule};
use crate::watch::streams::Streams;
use crate::watch::systemd;
use crate::work::{Deed, Done, work};

/// How long nobody looks whether someone asked to stop, where the system does not wake us.
const NAP: Duration = if cfg!(unix) { Duration::from_secs(3600) } else { Duration::from_millis(500) };

/// What wakes the watch.
struct Wake {
    /// Which reading of the configuration it is about.
    reading: u64,
    what: What,
}

enum What {
    /// Files changed; one number a job, and the number after the last for the configuration. With the paths at which a folder may be another one.
    Changed(Vec<usize>, Vec<PathBuf>),
    /// The head of a job's collection is at least here.
    Moved(usize, u64),
    /// Someone asked to stop.
    Stop,
}

/// How one reading of the configuration ended.
enum Ended {
    Stopped,
    Changed(Box<Config>),
}

/// Watches the jobs of these names, all if there are none.
pub(crate) fn watch(context: &Context, names: &[String], every: Duration) -> Outcome<Exit> {
    if context.terminal.format == Format::Json {
        return Err(Failure::usage("a watch has no end, so there is no one object to print").help("use `--format ndjson`"));
    }
    let mut config = Box::new(jobs::read(context.config.as_deref())?);
    jobs::prepare(&config, names)?;
    interrupt::is_the_end();
    let (sender, wakes) = channel();
    let stop = sender.clone();
    interrupt::when_asked(move || drop(stop.send(Wake { reading: 0, what: What::Stop })));
    let mut reading = 0;
    loop {
        reading += 1;
        let prepared = jobs::prepare(&config, names)?;
        let watch = Watch::begin(context, &config, &prepared, (reading, &sender), every);
        match watch.run(names, &wakes) {
            Ended::Stopped => break,
            Ended::Changed(changed) => config = changed,
        }
    }
    systemd::tell("STOPPING=1");
    context.terminal.line("stopped");
    context.terminal.event(&json!({ "v": 1, "type": "stopped" }));
    Ok(Exit::Done)
}

/// Prints the unit of a user's service that watches this configuration.
pub(crate) fn print_unit(context: &Context) -> Outcome<Exit> {
    let config = jobs::read(context.config.as_deref())?;
    let file = config.source.file();
    let file = std::path::absolute(file).map_err(|error| Failure::io("find", file, &error))?;
    let program = std::env::current_exe().map_err(|error| Failure::io("find", "syncretic".as_ref(), &error))?;
    let state = std::env::var_os(crate::state::VARIABLE).is_some_and(|value| !value.is_empty()).then(|| context.home.root());
    let unit = systemd::unit(&program, &file, state);
    context.terminal.line(unit.trim_end());
    let object = json!({ "schema": "syncretic.unit/1", "unit": unit, "exit": 0 });
    context.terminal.object(&object);
    context.terminal.event(&object);
    Ok(Exit::Done)
}

/// One reading of the configuration, watched.
struct Watch<'w> {
    context: &'w Context,
    config: &'w Config,
    prepared: &'w [Prepared<'w>],
    reading: u64,
    schedule: Schedule,
    places: Arc<Vec<Place<usize>>>,
    files: Option<Watched>,
    /// Where a folder that is watched may be another one by now.
    uprooted: Vec<PathBuf>,
    /// What cannot be watched and was said.
    blind: BTreeSet<PathBuf>,
    /// What was said of each job last.
    said: Vec<String>,
    /// The head of each job's collection as its last sync left it.
    heads: Vec<u64>,
    _streams: Streams,
}

impl<'w> Watch<'w> {
    fn begin(
        context: &'w Context,
        config: &'w Config,
        prepared: &'w [Prepared<'w>],
        (reading, sender): (u64, &Sender<Wake>),
        every: Duration,
    ) -> Self {
        let places = Arc::new(places(config, prepared));
        let (sent, looked_at, state) = (sender.clone(), Arc::clone(&places), context.home.root().to_owned());
        let files = Watched::new(move |event| {
            // What the system could not tell may have been anything.
            let event = event.unwrap_or_else(|_| notify::Event::new(notify::EventKind::Any).set_flag(notify::event::Flag::Rescan));
            let owners = owners(&looked_at, &state, &event);
            if !owners.is_empty() {
                let _ = sent.send(Wake { reading, what: What::Changed(owners, uprooted(&looked_at, &event)) });
            }
        });
        let mut watch = Self {
            context,
            config,
            prepared,
            reading,
            schedule: Schedule::new(prepared.len() + 1, every, Instant::now()),
            places,
            files: None,
            uprooted: Vec::new(),
            blind: BTreeSet::new(),
            said: vec![String::new(); prepared.len()],
            heads: vec![0; prepared.len()],
            _streams: listen(prepared, context, (reading, sender)),
        };
        match files {
            Ok(files) => watch.files = Some(files),
            Err(error) => {
                context.terminal.error(format!("warning: this system cannot watch files ({error}); they are looked at on schedule"));
            }
        }
        watch.arrange();
        watch.announce(every);
        watch
    }

    fn announce(&self, every: Duration) {
        let names: Vec<&str> = self.prepared.iter().map(|job| job.job.name.value.as_str()).collect();
        let shown: Vec<String> = names.iter().map(|name| shown(name)).collect();
        systemd::tell(&format!("READY=1\nSTATUS=watching {}", shown.join(", ")));
        self.context.terminal.line(format!("watching {}", shown.join(", ")));
        let file = self.config.source.file().display().to_string();
        let every = every.as_secs_f64();
        self.context.terminal.event(&json!({ "v": 1, "type": "watching", "jobs": names, "config": file, "every": every }));
    }

    /// Watches the folders that are there now.
    fn arrange(&mut self) {
        let uprooted = std::mem::take(&mut self.uprooted);
        let Some(files) = &mut self.files else { return };
        for (folder, error) in files.arrange(self.places.iter().map(|place| place.path.as_path()), &uprooted) {
            if self.blind.insert(folder.clone()) {
                let folder = folder.display();
                self.context.terminal.error(format!("warning: `{folder}` cannot be watched ({error}); it is looked at on schedule"));
            }
        }
    }

    fn run(mut self, names: &[String], wakes: &Receiver<Wake>) -> Ended {
        loop {
            if interrupt::asked() {
                return Ended::Stopped;
            }
            while let Some((at, cause)) = self.schedule.due(Instant::now()) {
                self.schedule.begin(at);
                match self.prepared.get(at) {
                    Some(job) => self.sync(at, job, cause),
                    None => {
                        if let Some(config) = self.reread(names) {
                            return Ended::Changed(Box::new(config));
                        }
                        self.schedule.end(at, false, 0, Instant::now());
                    }
                }
                if interrupt::asked() {
                    return Ended::Stopped;
                }
            }
            let idle = self.schedule.idle(Instant::now()).min(NAP);
            match wakes.recv_timeout(idle) {
                Ok(wake) => {
                    if self.take(wake) || wakes.try_iter().any(|wake| self.take(wake)) {
                        return Ended::Stopped;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ended::Stopped,
            }
        }
    }

    /// Takes in what woke the watch; true if it is to stop.
    fn take(&mut self, wake: Wake) -> bool {
        match wake.what {
            What::Stop => return true,
            _ if wake.reading != self.reading => {}
            What::Changed(owners, uprooted) => {
                self.uprooted.extend(uprooted);
                owners.into_iter().for_each(|owner| self.schedule.changed(owner, Instant::now()));
            }
            What::Moved(job, head) => {
                if self.heads.get(job).is_some_and(|known| head > *known) {
                    self.schedule.moved(job);
                }
            }
        }
        false
    }

    fn sync(&mut self, at: usize, job: &Prepared<'_>, cause: Cause) {
        let terminal = &self.context.terminal;
        // A folder that came, went or was replaced is watched from before it is read.
        self.arrange();
        let done = work(job, &self.context.home, terminal, Deed::Sync, &BTreeSet::new());
        let again = done.exit() == Exit::Temporary;
        self.schedule.end(at, again, random(), Instant::now());
        if let Some(head) = self.heads.get_mut(at) {
            *head = done.report.head;
        }
        let state = state(&done);
        let moved = done.sum(|report| report.pushed + report.pulled + report.effects.len()) > 0;
        let Some(said) = self.said.get_mut(at) else { return };
        if moved || *said != state {
            terminal.event(&json!({ "v": 1, "type": "synced", "job": done.job, "because": cause.word(), "head": done.report.head }));
            tell(self.context, &done, Deed::Sync);
            summary::print(terminal, std::slice::from_ref(&done), Deed::Sync);
            *said = state;
        }
    }

    /// Reads the configuration again; none if it says what it said, or is wrong, which is told.
    fn reread(&mut self, names: &[String]) -> Option<Config> {
        let path = self.config.source.file();
        let terminal = &self.context.terminal;
        let read = config::read(path).map_err(Failure::from).and_then(|config| jobs::prepare(&config, names).map(drop).map(|()| config));
        match read {
            Ok(config) if config.source.text() == self.config.source.text() => None,
            Ok(config) => {
                terminal.line(format!("{} was changed", path.display()));
                Some(config)
            }
            Err(failure) => {
                terminal.error(&failure);
                terminal.error("The watch goes on with the configuration as it was.");
                None
            }
        }
    }
}

/// Returns what a person has to know of a job once and not again.
fn state(done: &Done) -> String {
    let failure = done.failure.as_ref().map(|failure| failure.message.as_str()).unwrap_or_default();
    let held: Vec<&str> = done.quarantined.iter().map(|held| held.id.as_str()).collect();
    let open: Vec<String> = done.disputes.iter().map(|dispute| dispute.id.to_string()).collect();
    format!("{} {failure} {held:?} {open:?} {}", done.exit().code(), done.doubts)
}

fn places(config: &Config, prepared: &[Prepared<'_>]) -> Vec<Place<usize>> {
    let endpoints = prepared
        .iter()
        .enumerate()
        .flat_map(|(owner, job)| job.endpoints().map(move |endpoint| Place { owner, path: endpoint.path.value.clone() }));
    let file = config.source.file();
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    endpoints.chain([Place { owner: prepared.len(), path: file }]).collect()
}

/// Listens to the servers of the jobs.
fn listen(prepared: &[Prepared<'_>], context: &Context, (reading, sender): (u64, &Sender<Wake>)) -> Streams {
    let streams = Streams::default();
    for (at, job) in prepared.iter().enumerate() {
        if let Some(server) = job.server() {
            let sender = sender.clone();
            let tell = move |head| drop(sender.send(Wake { reading, what: What::Moved(at, head) }));
            streams.follow(Arc::clone(server), context.home.clone(), job.collection.clone(), tell);
        }
    }
    streams
}
