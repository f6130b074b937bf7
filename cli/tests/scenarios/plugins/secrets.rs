//! Secrets: given to one plugin, told to it alone, and shown nowhere.

use std::io::Write;
use std::process::Stdio;

use super::workshop::{add, json_rows, there};
use crate::harness::{Desk, Run};

const ID: &str = "org.example.json-rows";
const SECRET: &str = "hushed-4711";

/// Lets a plugin in that asks for its password before it opens anything, and fails without it.
fn asking(desk: &Desk, capabilities: &str) {
    json_rows(desk);
    let before = "    def __init__(self, path, options):\n";
    let asks =
        "        say(\"want\", {\"secret\": \"password\"})\n        sys.stdout.flush()\n        told = json.loads(sys.stdin.readline())\n";
    let fails = "        if told.get(\"secret\") != \"-\".join([\"hushed\", \"4711\"]):\n            raise Failed(\"auth\", \"it needs its password\")\n";
    desk.edit("plugins/json-rows/json_rows.py", before, &format!("{before}{asks}{fails}"));
    desk.edit("plugins/json-rows/adapter.toml", "kind = ", &format!("{capabilities}kind = "));
    add(desk, &desk.path("plugins/json-rows"));
    desk.put("rows.csv", "id,title\nr1,Bread\n");
    desk.put("rows.jsonl", "{\"id\": \"r1\", \"title\": \"Bread\"}\n");
    let endpoint = |adapter, path| format!("[[job.rows.endpoint]]\nadapter = \"{adapter}\"\npath = \"{path}\"\n");
    let job = format!("[job.rows]\nkind = \"row\"\n{}{}", endpoint("csv", "rows.csv"), endpoint(ID, "rows.jsonl"));
    desk.put("syncretic.toml", job.replace("path = \"rows.csv\"\n", "path = \"rows.csv\"\nkey = [\"id\"]\n"));
}

fn give(desk: &Desk, secret: &str) -> Run {
    let mut child = desk.command(&["plugin", "secret", ID, "password"]);
    let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(secret.as_bytes()).unwrap();
    Run::of(&child.wait_with_output().unwrap())
}

#[test]
fn a_plugin_gets_the_secret_that_it_was_given() {
    if !there("python3") {
        return;
    }
    let desk = Desk::new();
    asking(&desk, "capabilities = [\"secrets\"]\n");
    let run = desk.run(&["sync"]);
    assert_eq!(run.code, 7, "{run:?}");
    run.says(&["it needs its password", &format!("syncretic plugin secret {ID} NAME"), "nothing was taken for deleted"]);

    let run = give(&desk, &format!("{SECRET}\n"));
    assert!(run.code == 0 && !format!("{run:?}").contains(SECRET), "{run:?}");
    let run = desk.run(&["plugin", "secret", ID]);
    assert!(run.code == 0 && run.out == "password\n", "{run:?}");
    let run = desk.run(&["-v", "sync"]);
    assert!(run.code == 0 && !format!("{run:?}").contains(SECRET), "{run:?}");
    let file = desk.state().join("secrets").join(ID).join("password");
    let holds = |(path, bytes): (&std::path::PathBuf, &Vec<u8>)| {
        assert!(*path == file || !bytes.windows(SECRET.len()).any(|part| part == SECRET.as_bytes()), "{}", path.display());
    };
    desk.state_contents().iter().for_each(holds);

    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
        let run = desk.run(&["sync"]);
        assert_eq!(run.code, 8, "{run:?}");
        run.says(&["others can read its secret", "chmod go-rwx"]);
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
    }

    let run = desk.run(&["plugin", "secret", ID, "password", "--remove"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(desk.run(&["sync"]).code, 7);
    assert_eq!(desk.run(&["plugin", "secret", ID, "password", "--remove"]).code, 2);
    assert_eq!(give(&desk, SECRET).code, 0);
    assert_eq!(desk.run(&["plugin", "remove", ID]).code, 0);
    assert!(!file.exists());
}

#[test]
fn a_plugin_that_claims_no_secrets_gets_none() {
    if !there("python3") {
        return;
    }
    let desk = Desk::new();
    asking(&desk, "");
    let run = give(&desk, SECRET);
    assert_eq!(run.code, 2, "{run:?}");
    run.says(&["asks for no secrets", "nothing was kept"]);
    // Not even one that lies there from elsewhere.
    let folder = desk.state().join("secrets").join(ID);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("password"), SECRET).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(folder.join("password"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    assert_eq!(desk.run(&["sync"]).code, 7);
    let run = desk.run(&["plugin", "secret", "org.example.nobody", "password"]);
    assert_eq!(run.code, 2, "{run:?}");
}
