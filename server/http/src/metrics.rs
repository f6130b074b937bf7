//! Figures for Prometheus, in its text format. No name of a device or a collection is in them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use protocol::routes::Route;

/// The upper bounds of the buckets, in seconds.
const BUCKETS: [f64; 9] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];

/// The figures.
#[derive(Default)]
pub(crate) struct Metrics {
    requests: Mutex<BTreeMap<(&'static str, u16), u64>>,
    buckets: [AtomicU64; BUCKETS.len()],
    count: AtomicU64,
    microseconds: AtomicU64,
    appended_bytes: AtomicU64,
    /// Connections that are open.
    pub(crate) connections: AtomicI64,
    /// Event streams that are open.
    pub(crate) streams: AtomicI64,
}

impl Metrics {
    /// Notes an answer.
    pub(crate) fn answered(&self, route: Option<Route>, status: u16, time: Duration) {
        let name = route.map_or("none", Route::name);
        *self.requests.lock().unwrap_or_else(PoisonError::into_inner).entry((name, status)).or_default() += 1;
        let seconds = time.as_secs_f64();
        for (bucket, _) in self.buckets.iter().zip(BUCKETS).filter(|(_, bound)| seconds <= *bound) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.count.fetch_add(1, Ordering::Relaxed);
        self.microseconds.fetch_add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Notes the bytes of an append.
    pub(crate) fn appended(&self, bytes: usize) {
        self.appended_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Returns everything as text.
    pub(crate) fn render(&self) -> String {
        let mut text = String::from("# TYPE syncretic_requests_total counter\n");
        for ((route, status), count) in self.requests.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let _ = writeln!(text, "syncretic_requests_total{{route=\"{route}\",status=\"{status}\"}} {count}");
        }
        let count = self.count.load(Ordering::Relaxed);
        text.push_str("# TYPE syncretic_request_seconds histogram\n");
        for (bucket, bound) in self.buckets.iter().zip(BUCKETS) {
            let _ = writeln!(text, "syncretic_request_seconds_bucket{{le=\"{bound}\"}} {}", bucket.load(Ordering::Relaxed));
        }
        let seconds = Duration::from_micros(self.microseconds.load(Ordering::Relaxed)).as_secs_f64();
        let _ = writeln!(text, "syncretic_request_seconds_bucket{{le=\"+Inf\"}} {count}");
        let _ = writeln!(text, "syncretic_request_seconds_sum {seconds}\nsyncretic_request_seconds_count {count}");
        for (name, kind, value) in [
            ("appended_bytes_total", "counter", i64::try_from(self.appended_bytes.load(Ordering::Relaxed)).unwrap_or(i64::MAX)),
            ("connections", "gauge", self.connections.load(Ordering::Relaxed)),
            ("event_streams", "gauge", self.streams.load(Ordering::Relaxed)),
        ] {
            let _ = writeln!(text, "# TYPE syncretic_{name} {kind}\nsyncretic_{name} {value}");
        }
        text
    }
}
