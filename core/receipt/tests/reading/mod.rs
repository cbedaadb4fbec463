//! What a person reads of a rendered receipt.

use softpos_receipt::{Format, Rendered};

use crate::{pdf_text, printer};

/// What a person reads of it; of a picture nothing can be read back, its rows are those of the text.
pub fn read_back(format: Format, rendered: &Rendered) -> String {
    match format {
        Format::Text | Format::Html => String::from_utf8(rendered.bytes.clone()).unwrap(),
        Format::EscPos | Format::EscPosUtf8 => {
            let printed = printer::print(&rendered.bytes).unwrap();
            let texts = printed.iter().map(|one| match one {
                printer::Printed::Row { text, .. } | printer::Printed::Code { text, .. } => text.as_str(),
                printer::Printed::Drawer | printer::Printed::Cut => "",
            });
            texts.collect::<Vec<_>>().join("\n")
        }
        Format::Pdf => pdf_text::of(&rendered.bytes),
        Format::Png => String::new(),
    }
}
