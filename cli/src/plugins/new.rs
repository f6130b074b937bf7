//! The folder of a new plugin: an example of its language, under its own name, that builds and passes at once.

use std::fs;
use std::path::Path;

use crate::arguments::Language;
use crate::failure::{Failure, Outcome};

/// A file of a template: its name, and its content.
type File = (&'static str, &'static str);

macro_rules! example {
    ($name:literal) => {
        include_str!(concat!("../../../examples/plugins/", $name))
    };
}

const HEADER: &str = include_str!("../../../framework/adapter/include/syncretic_adapter.h");
const CBOR: &str = include_str!("../../../framework/adapter/include/syncretic_cbor.h");

/// What a template is called where it comes from: id, then other forms of its name.
struct Template {
    id: &'static str,
    name: &'static str,
    files: &'static [File],
    build: &'static str,
}

const RUST: Template = Template {
    id: "org.example.todo-txt",
    name: "todo-txt",
    files: &[
        ("Cargo.toml", example!("todo-txt/Cargo.toml")),
        ("adapter.toml", example!("todo-txt/adapter.toml")),
        ("check.toml", example!("todo-txt/check.toml")),
        ("src/lib.rs", example!("todo-txt/src/lib.rs")),
        ("src/line.rs", example!("todo-txt/src/line.rs")),
        ("src/file.rs", example!("todo-txt/src/file.rs")),
        (".gitignore", "target/\n"),
    ],
    build: "cargo build",
};

const C: Template = Template {
    id: "org.example.jot",
    name: "jot",
    files: &[
        ("jot.c", example!("jot/jot.c")),
        ("Makefile", example!("jot/Makefile")),
        ("adapter.toml", example!("jot/adapter.toml")),
        ("check.toml", example!("jot/check.toml")),
        ("syncretic_adapter.h", HEADER),
        ("syncretic_cbor.h", CBOR),
        (".gitignore", "*.so\n"),
    ],
    build: "make",
};

const PYTHON: Template = Template {
    id: "org.example.json-rows",
    name: "json_rows",
    files: &[
        ("json_rows.py", example!("json-rows/json_rows.py")),
        ("adapter.toml", example!("json-rows/adapter.toml")),
        ("check.toml", example!("json-rows/check.toml")),
    ],
    build: "",
};

/// Makes the folder, and returns what to type to build the plugin; nothing if there is nothing to build.
pub(crate) fn create(folder: &Path, language: Language, id: Option<&str>, sdk: Option<&Path>) -> Outcome<&'static str> {
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !name.bytes().all(plain) || !name.starts_with(|first: char| first.is_ascii_lowercase()) {
        return Err(Failure::usage(format!("`{name}` cannot be a plugin's name")).help("use a-z, 0-9 and `-`, a letter first"));
    }
    let template = match language {
        Language::Rust => RUST,
        Language::C => C,
        Language::Python => PYTHON,
    };
    let id = id.map_or_else(|| format!("org.example.{name}"), str::to_owned);
    fs::create_dir(folder).map_err(|error| {
        Failure::usage(format!("`{}` cannot be made: {error}", folder.display())).help("name a folder that is not there yet")
    })?;
    let sdk = sdk.map(|sdk| sdk.canonicalize().map_err(|error| Failure::io("find", sdk, &error))).transpose()?;
    for (file, content) in template.files {
        let path = folder.join(renamed(file, &template, &name));
        let content = match *file {
            "syncretic_adapter.h" | "syncretic_cbor.h" => (*content).to_owned(),
            "Cargo.toml" => dependencies(&adapted(content, &template, &name, &id), sdk.as_deref()),
            "Makefile" => adapted(content, &template, &name, &id).replace("../../../framework/adapter/include", "."),
            _ => adapted(content, &template, &name, &id),
        };
        write(&path, &content, file.ends_with(".py")).map_err(|error| Failure::io("write", &path, &error))?;
    }
    Ok(template.build)
}

/// Puts the new name where the template's stands; an underscore where a language wants one.
fn renamed(text: &str, template: &Template, name: &str) -> String {
    let underscored = name.replace('-', "_");
    match template.name {
        "todo-txt" => text.replace("todo_txt", &underscored).replace("todo-txt", name),
        "json_rows" => text.replace("json_rows", &underscored).replace("json-rows", name),
        other => text.replace(&format!("{other}.so"), &format!("{name}.so")).replace(&format!("{other}.c"), &format!("{name}.c")),
    }
}

fn adapted(content: &str, template: &Template, name: &str, id: &str) -> String {
    const MARK: &str = "\u{1}id\u{1}";
    renamed(&content.replace(template.id, MARK), template, name).replace(MARK, id)
}

fn dependencies(manifest: &str, sdk: Option<&Path>) -> String {
    let lines = manifest.lines().map(|line| match (line.contains("../framework/"), sdk) {
        (true, Some(sdk)) => line.replace("../../../framework", &sdk.display().to_string()),
        (true, None) => {
            let (head, _) = line.split_once(", path").unwrap_or((line, ""));
            format!("{head}, version = \"{}\" }}", env!("CARGO_PKG_VERSION"))
        }
        (false, _) => line.to_owned(),
    });
    lines.map(|line| line + "\n").collect()
}

fn write(path: &Path, content: &str, executable: bool) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, content)?;
    #[cfg(unix)]
    if executable {
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    }
    #[cfg(not(unix))]
    let _ = executable;
    Ok(())
}
