//! The Fluent files, parsed once for each language.

use std::borrow::Cow;
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use softpos_types::Language;
use unic_langid::{LanguageIdentifier, subtags};

pub(crate) const ZH: &str = include_str!("../locales/zh.ftl");
pub(crate) const EN: &str = include_str!("../locales/en.ftl");

type Bundle = FluentBundle<FluentResource>;

static ZH_BUNDLE: LazyLock<Bundle> = LazyLock::new(|| parse(Language::Zh, ZH));
static EN_BUNDLE: LazyLock<Bundle> = LazyLock::new(|| parse(Language::En, EN));

/// The text of a message or of one of its attributes; nothing if there is none.
pub(crate) fn format(
    language: Language,
    key: &str,
    attribute: Option<&str>,
    args: &[(&str, &str)],
) -> Option<String> {
    let bundle = match language {
        Language::Zh => &*ZH_BUNDLE,
        Language::En => &*EN_BUNDLE,
    };
    let message = bundle.get_message(key)?;
    let pattern = match attribute {
        Some(name) => message.get_attribute(name)?.value(),
        None => message.value()?,
    };
    let args: FluentArgs<'_> = args
        .iter()
        .map(|(name, value)| (Cow::Borrowed(*name), FluentValue::from(*value)))
        .collect();
    // A missing parameter stands in the text as its own name; the tests find it.
    let mut errors = Vec::new();
    Some(
        bundle
            .format_pattern(pattern, Some(&args), &mut errors)
            .into_owned(),
    )
}

fn parse(language: Language, source: &str) -> Bundle {
    // Both files are constants of the program, and a test holds that they have no faults; what could not be read
    // would be left out.
    let resource = FluentResource::try_new(source.to_owned()).unwrap_or_else(|(partial, _)| partial);
    let code = subtags::Language::from_bytes(language.code().as_bytes()).unwrap_or_default();
    let mut bundle = Bundle::new_concurrent(vec![LanguageIdentifier::from_parts(code, None, None, &[])]);
    bundle.set_use_isolating(false);
    bundle.add_resource_overriding(resource);
    bundle
}
