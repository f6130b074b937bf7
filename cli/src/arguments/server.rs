//! The words of everything that is about a server: running one, and managing devices, collections, leases and the log there.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

/// A server that is run here.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Where everything is kept; default: `server/` in the state directory
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The address to listen at; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7171")]
    pub(crate) listen: SocketAddr,
    /// Listen to other machines without TLS: whoever is on the way can read everything
    #[arg(long)]
    pub(crate) insecure_http: bool,
    /// The certificate chain (PEM) to show
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The certificate's private key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
}

/// Which server is asked.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// The server; default: the one of the configuration, else the only one that this device is enrolled at
    #[arg(long, value_name = "URL")]
    pub(crate) server: Option<String>,
}

/// What to do with devices.
#[derive(Debug, Subcommand)]
pub(crate) enum Device {
    /// Make this device one of a server's, with a code that somebody there was given
    Enroll {
        /// The server
        #[arg(value_name = "URL")]
        url: String,
        /// The code, good for one device and a short time
        #[arg(long, value_name = "CODE")]
        code: String,
        /// What the device is called there
        #[arg(long, value_name = "NAME")]
        name: String,
        /// The only certificate authority to trust (PEM), for a server with a certificate of its own
        #[arg(long, value_name = "FILE")]
        authority: Option<PathBuf>,
        /// Speak to another machine without TLS: whoever is on the way can read everything
        #[arg(long)]
        insecure_http: bool,
    },
    /// Make a code with which another device may be enrolled
    Invite {
        /// What that device may do with a collection: read, write or admin; may be given several times
        #[arg(long, value_name = "COLLECTION=RIGHT")]
        grant: Vec<String>,
        /// How many records it may delete in 24 hours without approval, in each of these collections; default: any number
        #[arg(long, value_name = "COUNT", requires = "grant")]
        delete_budget: Option<u64>,
        /// Make it an administrator of the whole server
        #[arg(long, conflicts_with = "grant")]
        administrator: bool,
        /// How long the code is good
        #[arg(long, value_name = "TIME", default_value = "10m", value_parser = crate::span::some)]
        expires: Duration,
        #[command(flatten)]
        which: Which,
    },
    /// List the devices: who they are, when they were last heard of
    List {
        #[command(flatten)]
        which: Which,
    },
    /// Show one device and what it may do
    Show {
        /// Its name, or the first digits of its key
        #[arg(value_name = "DEVICE")]
        device: String,
        #[command(flatten)]
        which: Which,
    },
    /// Give a device another name
    Rename {
        /// Its name, or the first digits of its key
        #[arg(value_name = "DEVICE")]
        device: String,
        /// The new name
        #[arg(value_name = "NAME")]
        name: String,
        #[command(flatten)]
        which: Which,
    },
    /// Take every right from a device, at once and for good; what it wrote stays
    Revoke {
        /// Its name, or the first digits of its key
        #[arg(value_name = "DEVICE")]
        device: String,
        #[command(flatten)]
        which: Which,
    },
    /// Say what a device may do with a collection
    Grant {
        /// Its name, or the first digits of its key
        #[arg(value_name = "DEVICE")]
        device: String,
        /// The right: read, write or admin; none takes it away
        #[arg(value_name = "COLLECTION=RIGHT")]
        grant: String,
        /// How many records it may delete in 24 hours without approval; default: any number
        #[arg(long, value_name = "COUNT")]
        delete_budget: Option<u64>,
        #[command(flatten)]
        which: Which,
    },
}

/// What to do with collections.
#[derive(Debug, Subcommand)]
pub(crate) enum Collection {
    /// List the collections that this device may see
    List {
        #[command(flatten)]
        which: Which,
    },
    /// Make a collection
    Create {
        /// Its name
        #[arg(value_name = "COLLECTION")]
        name: String,
        /// What a lease keeps from others: `write`, or `exclusive` for reads too
        #[arg(long, value_name = "MODE")]
        lease: Option<String>,
        #[command(flatten)]
        which: Which,
    },
    /// Show where a collection stands, and each of its devices
    Show {
        /// Its name
        #[arg(value_name = "COLLECTION")]
        name: String,
        #[command(flatten)]
        which: Which,
    },
    /// Change what holds for everybody in a collection
    Set {
        /// Its name
        #[arg(value_name = "COLLECTION")]
        name: String,
        /// What a lease keeps from others: `write`, or `exclusive` for reads too
        #[arg(long, value_name = "MODE", required_unless_present = "retention")]
        lease: Option<String>,
        /// How long entries stay at least before `compact` may remove them, in days, as `30d`; 0 for not at all
        #[arg(long, value_name = "DAYS", value_parser = crate::span::days)]
        retention: Option<u64>,
        #[command(flatten)]
        which: Which,
    },
    /// Leave the collection's whole state at the server, so that a newcomer need not read every entry
    Snapshot {
        /// Its name; a job of the configuration keeps it here
        #[arg(value_name = "COLLECTION")]
        name: String,
        #[command(flatten)]
        which: Which,
    },
    /// Leave a snapshot, and remove the entries that it stands for
    Compact {
        /// Its name; a job of the configuration keeps it here
        #[arg(value_name = "COLLECTION")]
        name: String,
        #[command(flatten)]
        which: Which,
    },
}

/// What to do with deletions that wait for somebody's word.
#[derive(Debug, Subcommand)]
pub(crate) enum Deletion {
    /// List transactions that delete more records than their device may without approval
    List {
        #[command(flatten)]
        which: Which,
    },
    /// Let the device delete as many records once; it does so at its next sync
    Approve {
        /// The transaction, or its first digits
        #[arg(value_name = "TRANSACTION")]
        transaction: String,
        #[command(flatten)]
        which: Which,
    },
    /// Refuse; nothing is deleted
    Reject {
        /// The transaction, or its first digits
        #[arg(value_name = "TRANSACTION")]
        transaction: String,
        #[command(flatten)]
        which: Which,
    },
}

/// What to do with leases.
#[derive(Debug, Subcommand)]
pub(crate) enum Lease {
    /// List who holds a collection now, and for how long
    List {
        #[command(flatten)]
        which: Which,
    },
    /// End the lease of a collection, whoever holds it; nothing can be lost by that
    Release {
        /// The collection
        #[arg(value_name = "COLLECTION")]
        collection: String,
        #[command(flatten)]
        which: Which,
    },
}

/// What to do with the files of a store on this machine.
#[derive(Debug, Args)]
pub(crate) struct Store {
    /// The store's folder, as `serve --data` has it; default: this device's own store
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) data: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: StoreCommand,
}

/// What to do with the files of a store.
#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Copy the whole store into one new file; it may be in use
    Backup {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Put a backup in the store's place; what stands there is kept beside it
    Restore {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Check every entry, hash and blob
    Fsck,
    /// Count collections, entries and bytes
    Stats,
    /// Free what compaction and deleted collections left
    Compact,
}
