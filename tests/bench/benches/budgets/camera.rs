//! Frames as a cheap camera takes them of a code: turned, tilted, out of focus, noisy.

use softpos_qr::render::Symbol;

pub(crate) const WIDTH: usize = 640;
pub(crate) const HEIGHT: usize = 480;
/// How many frames there are.
pub(crate) const FRAMES: u32 = 50;
/// Pixels of a module of the drawing that is photographed.
const MODULE: usize = 8;

/// Small differences that are the same every time.
struct Hand(u64);

impl Hand {
    /// Between -1 and 1.
    fn swing(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let top = u32::try_from(self.0 >> 32).expect("32 bits");
        f64::from(top) / f64::from(u32::MAX) * 2.0 - 1.0
    }
}

/// A frame of the symbol.
pub(crate) fn frame(symbol: &Symbol, seed: u32) -> Vec<u8> {
    let mut hand = Hand(u64::from(seed).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let drawing = symbol.luma(MODULE);
    let side = integer_root(drawing.len());
    let angle = f64::from(seed) * 0.41 + hand.swing() * 0.1;
    let (sin, cos) = angle.sin_cos();
    // How large the code lies in the frame, and how much further its far edge is.
    let scale = side_f64(side) / (300.0 + 60.0 * hand.swing());
    let (tilt_x, tilt_y) = (hand.swing() * 0.0007, hand.swing() * 0.0007);
    let (shift_x, shift_y) = (hand.swing() * 20.0, hand.swing() * 15.0);
    let sharp: Vec<f64> = (0..WIDTH * HEIGHT)
        .map(|at| {
            let x = side_f64(at % WIDTH) - side_f64(WIDTH) / 2.0 - shift_x;
            let y = side_f64(at / WIDTH) - side_f64(HEIGHT) / 2.0 - shift_y;
            let depth = 1.0 + tilt_x * x + tilt_y * y;
            let (x, y) = (x / depth * scale, y / depth * scale);
            let (x, y) = (x * cos - y * sin, x * sin + y * cos);
            ink(&drawing, side, x + side_f64(side) / 2.0, y + side_f64(side) / 2.0)
        })
        .collect();
    let blurred = blur(&blur(&sharp));
    blurred
        .into_iter()
        .map(|light| byte(60.0 + light * 0.55 + hand.swing() * 14.0))
        .collect()
}

/// The brightness of the drawing there; a grey table outside.
fn ink(drawing: &[u8], side: usize, x: f64, y: f64) -> f64 {
    let inside = |at: f64| (0.0..side_f64(side)).contains(&at);
    if !inside(x) || !inside(y) {
        return 140.0;
    }
    let at = index(y) * side + index(x);
    drawing.get(at).copied().map_or(140.0, f64::from)
}

/// The mean of nine neighbours.
fn blur(light: &[f64]) -> Vec<f64> {
    let at = |x: usize, y: usize| light.get(y * WIDTH + x).copied().unwrap_or(140.0);
    (0..WIDTH * HEIGHT)
        .map(|here| {
            let (x, y) = (here % WIDTH, here / WIDTH);
            if x == 0 || y == 0 || x + 1 == WIDTH || y + 1 == HEIGHT {
                return at(x, y);
            }
            let rows = [y - 1, y, y + 1];
            rows.into_iter()
                .map(|y| at(x - 1, y) + at(x, y) + at(x + 1, y))
                .sum::<f64>()
                / 9.0
        })
        .collect()
}

fn integer_root(square: usize) -> usize {
    (0..=square)
        .find(|root| root * root >= square)
        .unwrap_or_default()
}

fn side_f64(pixels: usize) -> f64 {
    f64::from(u32::try_from(pixels).expect("a small picture"))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "only for places inside the drawing"
)]
const fn index(at: f64) -> usize {
    at as usize
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to a byte"
)]
const fn byte(light: f64) -> u8 {
    light.clamp(0.0, 255.0) as u8
}
