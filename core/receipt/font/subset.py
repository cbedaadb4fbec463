#!/usr/bin/env python3
"""Makes micro-hei-mono-gb2312.ttf from the font of Debian's package fonts-wqy-microhei.

Needs fonttools (Debian: python3-fonttools). The characters are those of GB2312 and ASCII; hints, layout tables and the
names of glyphs are left out: receipts are drawn in cells.

    ./subset.py [/usr/share/fonts/truetype/wqy/wqy-microhei.ttc]
"""

import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTCollection

SOURCE = "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc"
OUT = Path(__file__).with_name("micro-hei-mono-gb2312.ttf")


def characters():
    yield from range(0x20, 0x7F)
    for row in range(0xA1, 0xF8):
        for cell in range(0xA1, 0xFF):
            try:
                yield ord(bytes((row, cell)).decode("gb2312"))
            except UnicodeDecodeError:
                pass


def main():
    source = sys.argv[1] if len(sys.argv) > 1 else SOURCE
    fonts = TTCollection(source).fonts
    font = next(f for f in fonts if f["name"].getDebugName(4) == "WenQuanYi Micro Hei Mono")
    options = subset.Options(
        hinting=False,
        layout_features=[],
        glyph_names=False,
        notdef_outline=True,
        name_IDs=[0, 1, 4, 5, 13, 14],
        drop_tables=["FFTM", "GDEF", "GPOS", "GSUB", "gasp", "vhea", "vmtx"],
    )
    # The same bytes at every run.
    font.recalcTimestamp = False
    maker = subset.Subsetter(options)
    maker.populate(unicodes=characters())
    maker.subset(font)
    font.save(OUT)
    print(f"{OUT.name}: {OUT.stat().st_size} bytes, {len(font.getBestCmap())} characters")


if __name__ == "__main__":
    main()
