//! A symbol as SVG: one path for the dark modules on a light ground.

use alloc::string::String;
use core::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Dress, Symbol};

/// Height of a line under the symbol, in modules.
const LINE: usize = 4;

impl Symbol {
    /// An SVG document. It scales to any size; its unit is a module.
    pub fn svg(&self, dress: &Dress<'_>) -> String {
        let side = self.drawn_side();
        let height = side.saturating_add(dress.caption.len().saturating_mul(LINE));
        let module = usize::from(dress.module_px.max(1)).max(if dress.module_px == 0 { 8 } else { 1 });
        let (width_px, height_px) = (side.saturating_mul(module), height.saturating_mul(module));
        let mut svg = String::new();
        // Writing to a string cannot fail.
        let _ = write!(
            svg,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width_px}\" height=\"{height_px}\" \
             viewBox=\"0 0 {side} {height}\" shape-rendering=\"crispEdges\">\
             <rect width=\"{side}\" height=\"{height}\" fill=\"#fff\"/><path fill=\"#000\" d=\""
        );
        self.path(&mut svg);
        svg.push_str("\"/>");
        if let Some(logo) = dress.logo {
            self.logo(&mut svg, logo);
        }
        for (line, text) in dress.caption.iter().enumerate() {
            let y = side.saturating_add(line.saturating_mul(LINE)).saturating_add(2);
            let half = side.saturating_sub(side / 2);
            let _ = write!(
                svg,
                "<text x=\"{half}\" y=\"{y}\" font-family=\"sans-serif\" font-size=\"3\" \
                 text-anchor=\"middle\" fill=\"#000\">"
            );
            escape(&mut svg, text);
            svg.push_str("</text>");
        }
        svg.push_str("</svg>");
        svg
    }

    /// A horizontal stroke for each run of dark modules.
    fn path(&self, svg: &mut String) {
        let side = self.drawn_side();
        for y in 0..side {
            let mut x = 0;
            while x < side {
                let run = (x..side).take_while(|x| self.is_dark_drawn(*x, y)).count();
                if run > 0 {
                    let _ = write!(svg, "M{x} {y}h{run}v1h-{run}z");
                }
                x = x.saturating_add(run).saturating_add(1);
            }
        }
    }

    fn logo(&self, svg: &mut String, png: &[u8]) {
        let logo = self.logo_side();
        let at = self.drawn_side().saturating_sub(logo) / 2;
        let inner = logo.saturating_sub(2);
        let inner_at = at.saturating_add(1);
        let data = STANDARD.encode(png);
        let _ = write!(
            svg,
            "<rect x=\"{at}\" y=\"{at}\" width=\"{logo}\" height=\"{logo}\" fill=\"#fff\"/>\
             <image x=\"{inner_at}\" y=\"{inner_at}\" width=\"{inner}\" height=\"{inner}\" \
             href=\"data:image/png;base64,{data}\"/>"
        );
    }
}

fn escape(svg: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '<' => svg.push_str("&lt;"),
            '>' => svg.push_str("&gt;"),
            '&' => svg.push_str("&amp;"),
            '"' => svg.push_str("&quot;"),
            c if c.is_control() => {}
            c => svg.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Purpose;

    #[test]
    fn the_path_is_the_symbol() {
        let symbol = Symbol::new("HELLO", Purpose::Screen).unwrap();
        let svg = symbol.svg(&Dress::default());
        let path = svg.split("d=\"").nth(1).unwrap().split('"').next().unwrap();
        let mut dark = 0;
        for stroke in path.split('M').skip(1) {
            let (at, rest) = stroke.split_once('h').unwrap();
            let run: usize = rest.split('v').next().unwrap().parse().unwrap();
            let (x, y) = at.split_once(' ').unwrap();
            let (x, y): (usize, usize) = (x.parse().unwrap(), y.parse().unwrap());
            assert!((x..x + run).all(|x| symbol.is_dark_drawn(x, y)));
            dark += run;
        }
        assert_eq!(dark, symbol.modules().iter().filter(|dark| **dark).count());
    }

    #[test]
    fn what_is_written_beside_it_cannot_break_out() {
        let symbol = Symbol::new("HELLO", Purpose::Screen).unwrap();
        let svg = symbol.svg(&Dress {
            caption: &["12.50 CNY", "<Café> & \"Söhne\"\n"],
            ..Dress::default()
        });
        assert!(svg.contains(">12.50 CNY</text>"));
        assert!(svg.contains(">&lt;Café&gt; &amp; &quot;Söhne&quot;</text>"));
    }
}
