//! Serves a store in a temporary folder with an administrator and a collection, until its standard input ends: for tools that test the API.
//!
//! Prints the URL and the administrator's token. `cargo run -p syncretic-http --example serve`

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it is a program that prints where it is")]

use std::env;
use std::io::Read;
use std::num::NonZeroU32;
use std::path::PathBuf;

use ed25519_dalek::{Signer, SigningKey};
use http::{Limits, Options};
use protocol::messages::{Challenge, Challenged, Enroll, Granted, Proof};
use protocol::routes::Route;
use protocol::{DeviceId, Signature, signed};
use serde::Serialize;
use serde::de::DeserializeOwned;
use syncretic_http as http;

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let folder = env::args().nth(1).map_or_else(|| env::temp_dir().join(format!("serve-{}", std::process::id())), PathBuf::from);
    let mut options = Options::new(folder, "127.0.0.1:0".parse()?);
    let plenty = NonZeroU32::MAX;
    options.limits =
        Limits { device_rate: plenty, device_burst: plenty, stranger_rate: plenty, stranger_burst: plenty, ..Limits::default() };
    options.log = Box::new(|line| eprintln!("{line}"));
    let running = http::start(options)?;
    let url = running.url();
    let key = SigningKey::from_bytes(&[1; 32]);
    let device = DeviceId(key.verifying_key().to_bytes());
    if let Some(code) = running.code() {
        let signature = Signature(key.sign(&signed::enrollment(&code, &device, "tester")).to_bytes());
        tell::<serde_json::Value>(&url, Route::Enroll, &Enroll { code, device, name: "tester".into(), signature })?;
    }
    let challenged: Challenged = tell(&url, Route::Challenge, &Challenge { device })?;
    let signature = Signature(key.sign(&signed::challenge(&challenged.store, &challenged.nonce, &device)).to_bytes());
    let granted: Granted = tell(&url, Route::Token, &Proof { device, nonce: challenged.nonce, signature })?;
    let create = format!("{url}{}", Route::CreateCollection.path(&["contacts"]));
    ureq::put(create).header("authorization", format!("Bearer {}", granted.token)).send_empty()?;
    println!("{url}\n{}", granted.token);
    std::io::stdin().read_to_end(&mut Vec::new())?;
    running.stop();
    Ok(())
}

fn tell<T: DeserializeOwned>(url: &str, route: Route, message: &impl Serialize) -> Outcome<T> {
    let body = serde_json::to_vec(message)?;
    let request = ureq::post(format!("{url}{}", route.path(&[]))).content_type("application/json");
    Ok(serde_json::from_slice(&request.send(&body)?.body_mut().read_to_vec()?)?)
}
