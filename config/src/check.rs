//! The check of an endpoint's options against what its adapter takes.

use crate::job::Endpoint;
use crate::options::{Expected, OptionValue, Shape};
use crate::printable::quoted;
use crate::problem::{Kind, Problem};
use crate::source::{Source, Span, Spanned};
use crate::suggest::nearest;

impl Endpoint {
    /// Holds the options against what the adapter accepts, and returns a problem for each that does not fit.
    #[must_use]
    pub fn check(&self, source: &Source, expected: &[Expected<'_>]) -> Vec<Problem> {
        let written = self.options.iter().filter_map(|(name, value)| match expected.iter().find(|option| option.name == name.value) {
            None => Some(self.unknown_option(source, name, expected)),
            Some(option) => self.wrong_shape(source, value, option),
        });
        let missing = expected.iter().filter(|option| option.required && self.options.value(option.name).is_none());
        written.chain(missing.map(|option| self.missing_option(source, option))).collect()
    }

    /// Reports what an adapter says about one of its options, or about a part of it: `["columns", "Mobile"]`.
    ///
    /// Without such an option the endpoint's adapter is marked.
    #[must_use]
    pub fn wrong_option(&self, source: &Source, option: &[&str], message: impl Into<String>) -> Problem {
        let mut span = self.adapter.span;
        let mut within = Some(&self.options);
        for name in option {
            let Some(value) = within.and_then(|options| options.value(name)) else {
                break;
            };
            span = value.span;
            within = if let OptionValue::Table(inner) = &value.value { Some(inner) } else { None };
        }
        Problem::at(source, span, Kind::Option, message)
    }

    /// Reports that no adapter of the written name is known.
    #[must_use]
    pub fn unknown_adapter(&self, source: &Source, known: &[&str]) -> Problem {
        let message = format!("no adapter is called {}", quoted(&self.adapter));
        let problem = Problem::at(source, self.adapter.span, Kind::WrongValue, message);
        let problem = problem.note(format!("adapters: {}", known.join(", ")));
        match nearest(&self.adapter, known.iter().copied()) {
            Some(name) => problem.label(format!("did you mean `{name}`?")).help(format!("write `adapter = \"{name}\"`")),
            None => problem.help("write one of the adapters above, then run `syncretic config check`"),
        }
    }

    fn unknown_option(&self, source: &Source, name: &Spanned<String>, expected: &[Expected<'_>]) -> Problem {
        let adapter = quoted(&self.adapter);
        let message = format!("adapter {adapter} has no option {}", quoted(name));
        let problem = Problem::at(source, name.span, Kind::Option, message);
        let names: Vec<_> = expected.iter().map(|option| option.name).collect();
        let problem = match names.as_slice() {
            [] => problem.note(format!("adapter {adapter} has no options")),
            names => problem.note(format!("options of {adapter}: {}", names.join(", "))),
        };
        match nearest(name, names.iter().copied().chain(["name", "adapter", "path"])) {
            Some(meant) => problem.label(format!("did you mean `{meant}`?")).help(format!("write `{meant}` in its place")),
            None => problem.label("not an option").help("remove the line, then run `syncretic config check`"),
        }
    }

    fn wrong_shape(&self, source: &Source, value: &Spanned<OptionValue>, option: &Expected<'_>) -> Option<Problem> {
        let Some((span, found)) = misfit(value, option.shapes) else {
            return self.wrong_choice(source, value, option);
        };
        let wanted: Vec<_> = option.shapes.iter().map(Shape::to_string).collect();
        let message = format!("option `{}` of adapter {} must be {}", option.name, quoted(&self.adapter), wanted.join(" or "));
        let problem = Problem::at(source, span, Kind::Option, message).label(format!("this is {found}"));
        Some(with_example(problem, option))
    }

    fn wrong_choice(&self, source: &Source, value: &Spanned<OptionValue>, option: &Expected<'_>) -> Option<Problem> {
        let OptionValue::Text(text) = &value.value else {
            return None;
        };
        if option.choices.is_empty() || option.choices.contains(&text.as_str()) {
            return None;
        }
        let message = format!("option `{}` of adapter {} cannot be {}", option.name, quoted(&self.adapter), quoted(text));
        let problem = Problem::at(source, value.span, Kind::Option, message).note(format!("it is one of: {}", option.choices.join(", ")));
        Some(match nearest(text, option.choices.iter().copied()) {
            Some(word) => problem.label(format!("did you mean `{word}`?")).help(format!("write `{} = \"{word}\"`", option.name)),
            None => problem.help("write one of the words above, then run `syncretic config check`"),
        })
    }

    fn missing_option(&self, source: &Source, option: &Expected<'_>) -> Problem {
        let message = format!("adapter {} needs the option `{}`", quoted(&self.adapter), option.name);
        let problem = Problem::at(source, self.adapter.span, Kind::Option, message);
        with_example(problem.label("this adapter"), option)
    }
}

/// Returns the place and the type of what fits none of the shapes, if anything does not.
fn misfit(value: &Spanned<OptionValue>, shapes: &[Shape]) -> Option<(Span, Shape)> {
    let found = value.shape();
    if shapes.is_empty() || shapes.contains(&found) {
        return None;
    }
    let not_text = |inner: &&Spanned<OptionValue>| inner.shape() != Shape::Text;
    let inner = match &value.value {
        OptionValue::List(items) if shapes.contains(&Shape::Texts) => items.iter().find(not_text),
        OptionValue::Table(table) if shapes.contains(&Shape::TextTable) => table.iter().map(|(_, inner)| inner).find(not_text),
        _ => Some(value),
    };
    inner.map(|inner| (inner.span, inner.shape()))
}

fn with_example(problem: Problem, option: &Expected<'_>) -> Problem {
    if option.example.is_empty() { problem } else { problem.help(format!("write for instance `{}`", option.example)) }
}
