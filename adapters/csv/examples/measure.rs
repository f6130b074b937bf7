//! Measures reading and writing of a large table: `cargo run --release -p syncretic-csv --example measure -- 1000000`; ten million
//! rows are more than a gigabyte.
#![expect(clippy::print_stdout, reason = "a measurement is printed")]

use std::collections::HashMap;
use std::error::Error;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;
use std::time::Instant;

use adapter::format::Silent;
use adapter::staging::digest_whole;
use adapter::{Adapter, Blobs, Broken, Expect, Fingerprint, Item, Key, Known, Mode, Op, Options, Outcome, Outcomes, Sink, StepId};
use record::{Digest, RecordId, Value};

/// The program's allocator, so that what is measured is what it does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Up to how many rows this program can remember as an engine would, without being what is measured.
const REMEMBERED: usize = 2_000_000;

/// Counts what a scan reports, and remembers what an engine would.
#[derive(Default)]
struct Tally {
    known: HashMap<Key, Fingerprint>,
    keep: bool,
    first: Option<Item>,
    items: usize,
    unchanged: usize,
    broken: usize,
}

impl Sink for Tally {
    fn item(&mut self, item: Item) {
        self.items += 1;
        if self.keep {
            self.known.insert(item.key.clone(), item.fingerprint.clone());
        }
        self.first.get_or_insert(item);
    }

    fn unchanged(&mut self, _key: Key, _fingerprint: Fingerprint) {
        self.unchanged += 1;
    }

    fn broken(&mut self, _broken: Broken) {
        self.broken += 1;
    }
}

struct Memory(HashMap<Key, Fingerprint>);

impl Known for Memory {
    fn fingerprint(&self, key: &Key) -> Option<Fingerprint> {
        self.0.get(key).cloned()
    }

    fn count(&self) -> usize {
        self.0.len()
    }
}

struct Written(u64);

impl Outcomes for Written {
    fn outcome(&mut self, _index: usize, outcome: Outcome) {
        if let Outcome::Put { bytes, .. } = outcome {
            self.0 += bytes;
        }
    }
}

struct NoBlobs;

impl Blobs for NoBlobs {
    fn open(&self, digest: Digest) -> Result<Box<dyn Read + '_>, adapter::Error> {
        Err(adapter::Error::Fatal(format!("no blob {digest}")))
    }
}

/// Writes a table, and returns its size.
fn write_table(path: &Path, rows: usize, keyed: bool) -> io::Result<u64> {
    let mut file = BufWriter::new(File::create(path)?);
    file.write_all(if keyed { b"uid," } else { b"" })?;
    file.write_all(b"First name,Last name,Mobile,Work e-mail,Street,City,Birthday,Notes,Colour\n")?;
    for n in 0..rows {
        if keyed {
            write!(file, "urn:uuid:{n:032x},")?;
        }
        writeln!(file, "Ada{n},Lovelace,+44 20 7946 {n:06},ada{n}@example.org,\"Main Street {n}, back\",London,1815-12-10,,red")?;
    }
    file.flush()?;
    Ok(std::fs::metadata(path)?.len())
}

/// Returns the seconds that all threads of this process have worked so far.
fn worked() -> f64 {
    let status = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks: u32 = status.split(' ').skip(13).take(2).filter_map(|ticks| ticks.parse::<u32>().ok()).sum();
    f64::from(ticks) / 100.0
}

fn timed<T>(what: &str, bytes: u64, work: impl FnOnce() -> T) -> T {
    let (start, before) = (Instant::now(), worked());
    let out = work();
    let (seconds, worked) = (start.elapsed().as_secs_f64(), worked() - before);
    #[expect(clippy::cast_precision_loss, reason = "sizes of files are small enough")]
    let megabytes = bytes as f64 / 1e6;
    println!(
        "{what:<32} {seconds:>7.3} s, {:>5.0} MB/s; of work {worked:>6.2} s, {:>5.0} MB/s a core",
        megabytes / seconds,
        megabytes / worked
    );
    out
}

fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM: unknown").to_owned()
}

fn main() -> Result<(), Box<dyn Error>> {
    let rows: usize = std::env::args().nth(1).map_or(Ok(100_000), |rows| rows.parse())?;
    let path = std::env::temp_dir().join(format!("measure-{}.csv", std::process::id()));
    for keyed in [false, true] {
        let bytes = write_table(&path, rows, keyed)?;
        println!("{rows} rows, {} MB, {}", bytes / 1_000_000, if keyed { "uid column" } else { "no key" });
        timed("SHA-256 of the file", bytes, || digest_whole(&path))?;
        let open = || adapter_csv::format().open(path.clone(), &Options::new(), Box::new(Silent));
        let mut adapter = open()?;
        let mut tally = Tally::default();
        timed("scan, every row mapped", bytes, || adapter.scan(&Memory(HashMap::new()), &mut tally))?;
        println!("{} items, {} broken, {}", tally.items, tally.broken, peak());
        if rows <= REMEMBERED {
            let mut all = Tally { keep: true, ..Tally::default() };
            adapter.scan(&Memory(HashMap::new()), &mut all)?;
            let known = Memory(std::mem::take(&mut all.known));
            let mut again = Tally::default();
            timed("scan, every row known", bytes, || adapter.scan(&known, &mut again))?;
            println!("{} unchanged, {} items", again.unchanged, again.items);
        }
        write_one(adapter.as_mut(), tally.first, bytes)?;
    }
    std::fs::remove_file(&path)?;
    Ok(())
}

fn write_one(adapter: &mut dyn Adapter, item: Option<Item>, bytes: u64) -> Result<(), adapter::Error> {
    let Some(item) = item else { return Ok(()) };
    let record = item.record.clone().with("name/given", Value::text("Ida"));
    let expect = Expect::Fingerprint(&item.fingerprint);
    let op = Op::Put { id: RecordId([1; 16]), key: Some(&item.key), expect, record: &record, changed: &[] };
    let mut written = Written(0);
    timed("one cell written and read back", bytes, || adapter.apply(StepId([1; 16]), &[op], Mode::Perform, &NoBlobs, &mut written))?;
    adapter.settle(StepId([1; 16]))?;
    println!("{} bytes changed, {}", written.0, peak());
    Ok(())
}
