"""Writes ``pictures/brothers``: TIFFs by an independent writer, for the tests of Fovea's own reader.

    python -m pip install tifffile imagecodecs   # not needed to run the tests
    python tests/cases/make_brothers.py

Each file holds the colour scene ``colour.png`` or the grey scene ``grey.png``; its name says how, and its first part
which of them (``rgb``, ``grey``) the right picture is. Made with tifffile 2026.3.3 and imagecodecs 2026.3.6.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image

HERE = Path(__file__).parent / "pictures" / "brothers"
WIDTH, HEIGHT = 42, 30


def scenes() -> tuple[np.ndarray, np.ndarray]:
    """The colour scene (H, W, 3) and the grey one (H, W): ramps and patches, black and white in both."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    grey = (x * 255 // (WIDTH - 1)).astype(np.uint8)
    grey[:6, :10], grey[:6, 10:20] = 0, 255
    grey[20:, 30:] = 90
    colour = np.stack([grey, (y * 255 // (HEIGHT - 1)), ((x + y) * 5 % 256)], axis=2).astype(np.uint8)
    colour[:6, :10], colour[:6, 10:20], colour[24:, :8] = 0, 255, (250, 20, 10)
    return colour, grey


def main() -> None:
    """Write everything."""
    colour, grey = scenes()
    HERE.mkdir(parents=True, exist_ok=True)
    Image.fromarray(colour).save(HERE / "colour.png")
    Image.fromarray(grey).save(HERE / "grey.png")
    alpha = np.full((HEIGHT, WIDTH), 255, np.uint8)

    def write(name: str, values: np.ndarray, **options: Any) -> None:
        tifffile.imwrite(HERE / f"{name}.tif", values, metadata=None, **options)

    wide = colour.astype(np.uint16) * 257
    for order, letters in ((">", "be"), ("<", "le")):
        for compression in (None, "zlib", "lzw", "packbits", "zstd", "lzma"):
            for planar in ("contig", "separate"):
                packed = compression or "none"
                pairs = ((">", "none"), (">", "lzw"), ("<", "zlib"), ("<", "lzw"), ("<", "packbits"))
                single = (("<", "zstd", "contig"), (">", "lzma", "separate"))
                if (order, packed) not in pairs and (order, packed, planar) not in single:
                    continue
                values = wide if planar == "contig" else np.moveaxis(wide, 2, 0)
                more = {"predictor": True} if packed in ("zlib", "lzw") else {}
                write(
                    f"rgb16-{letters}-{packed}-{planar}",
                    values,
                    photometric="rgb",
                    planarconfig=planar,
                    byteorder=order,
                    compression=compression,
                    rowsperstrip=7,
                    **more,
                )
                if packed in ("none", "lzw"):
                    write(
                        f"rgb16-{letters}-{packed}-{planar}-tiles",
                        values,
                        photometric="rgb",
                        planarconfig=planar,
                        byteorder=order,
                        compression=compression,
                        tile=(16, 16),
                    )
    for bits in (10, 12, 14):
        shallow = (colour.astype(np.uint32) * ((1 << bits) - 1) // 255).astype(np.uint16)
        write(f"rgb16-holding{bits}", shallow, photometric="rgb", compression="zlib")
        write(f"rgb16-holding{bits}-planar-be", np.moveaxis(shallow, 2, 0), photometric="rgb", byteorder=">",
              planarconfig="separate")  # fmt: skip
        with_alpha = np.dstack([shallow, np.full((HEIGHT, WIDTH), 65535, np.uint16)])
        write(f"rgb16-holding{bits}-alpha", with_alpha, photometric="rgb", extrasamples=["unassalpha"],
              compression="zlib")  # fmt: skip
        write(f"grey16-holding{bits}", (grey.astype(np.uint32) * ((1 << bits) - 1) // 255).astype(np.uint16),
              photometric="minisblack", compression="lzw")  # fmt: skip
        write(f"rgb{bits}-packed", shallow, photometric="rgb", bitspersample=bits)
        plain = (grey.astype(np.uint32) * ((1 << bits) - 1) // 255).astype(np.uint16)
        write(f"grey{bits}-packed", plain, photometric="minisblack", bitspersample=bits)
    unit = colour.astype(np.float64) / 255
    for name in ("float16", "float32", "float64"):
        write(f"rgb-{name}", unit.astype(name), photometric="rgb", compression="zlib")
        write(f"rgb-{name}-be-planar", np.moveaxis(unit, 2, 0).astype(name), photometric="rgb", byteorder=">",
              planarconfig="separate", compression="lzw")  # fmt: skip
        write(f"rgb-{name}-predictor", unit.astype(name), photometric="rgb", compression="zlib", predictor=True,
              byteorder=">")  # fmt: skip
        write(f"grey-{name}", (grey / 255).astype(name), photometric="minisblack", byteorder=">")
        write(f"grey-{name}-predictor-tiles", (grey / 255).astype(name), photometric="minisblack", compression="lzw",
              predictor=True, tile=(16, 32))  # fmt: skip
    for name in ("int8", "int16", "int32", "int64", "uint32", "uint64"):
        info = np.iinfo(name)
        values = (info.min + grey.astype(object) * ((info.max - info.min) // 255)).astype(name)
        small = grey.astype(object) * 20 - (2000 if name.startswith("i") else 0)
        write(f"grey-{name}-be", values, photometric="minisblack", byteorder=">", compression="zlib")
        if name != "int8":
            write(f"grey-{name}-part", small.astype(name), photometric="minisblack", compression="lzw")
    write("rgb-uint32", colour.astype(np.uint32) * 16843009, photometric="rgb", compression="zlib")
    deep = grey.astype(np.uint16) * 257
    write("grey16-inverted-be", 65535 - deep, photometric="miniswhite", byteorder=">")
    write("grey16-inverted-planar-alpha", np.stack([65535 - deep, np.full_like(deep, 65535)]), photometric="miniswhite",
          planarconfig="separate", extrasamples=["unassalpha"], compression="lzw")  # fmt: skip
    for name, dtype, factor in (("8", np.uint8, 1), ("16", np.uint16, 257)):
        pair = np.stack([grey.astype(dtype) * dtype(factor), alpha.astype(dtype) * dtype(factor)])
        for planar in ("contig", "separate"):
            write(f"grey{name}-alpha-{planar}", pair if planar == "separate" else np.moveaxis(pair, 0, 2),
                  photometric="minisblack", planarconfig=planar, extrasamples=["unassalpha"],
                  compression="zlib")  # fmt: skip
    half = np.full((HEIGHT, WIDTH, 1), 0x8080, np.uint16)
    ghost = np.concatenate([(wide.astype(np.uint32) * 0x8080 // 65535).astype(np.uint16), half], axis=2)
    write("half16-premultiplied", ghost, photometric="rgb", extrasamples=["assocalpha"], compression="zlib")
    bands = np.concatenate([wide, wide[..., :2]], axis=2)
    write("rgb16-5bands-planar", np.moveaxis(bands, 2, 0), photometric="rgb", planarconfig="separate",
          extrasamples=["unspecified"] * 2, compression="zlib")  # fmt: skip
    write("rgb8-6bands", np.concatenate([colour, colour[..., ::-1]], axis=2), photometric="rgb",
          extrasamples=["unspecified"] * 3, compression="zlib")  # fmt: skip
    write("grey16-3bands", np.dstack([deep, deep // 2, deep // 3]), photometric="minisblack", planarconfig="contig",
          extrasamples=["unspecified"] * 2, compression="zlib")  # fmt: skip
    for text in ("-9999", "1e20", "nan", "-3.4028234663852886e+38"):
        holes = (grey.astype(np.float32) * 4).copy()
        holes[::4, ::3] = np.float32(text)
        for name in ("float32", "float64"):
            stored = holes.astype(name)
            stored[::4, ::3] = float(text)
            write(f"holes-{name}-{text}", stored, photometric="minisblack", compression="zlib",
                  extratags=[(42113, 2, 0, text, True)])  # fmt: skip
    for name, value in (("int16", -32768), ("uint16", 65535), ("uint16", 0), ("int32", -2147483648)):
        stored = grey.astype(name) * np.dtype(name).type(4) + np.dtype(name).type(100)
        stored[::4, ::3] = value
        write(f"holes-{name}-{value}", stored, photometric="minisblack", byteorder=">", compression="lzw",
              extratags=[(42113, 2, 0, str(value), True)])  # fmt: skip
    plain = np.minimum(grey, 254)
    plain[::4, ::3] = 255
    write("holes-uint8-255", plain, photometric="minisblack", compression="lzw", extratags=[(42113, 2, 0, "255", True)])
    hidden = np.full((HEIGHT, WIDTH), 255, np.uint16)
    hidden[:, 30:] = 0
    shallow = colour.astype(np.uint16) * 16
    for name, veil in (("alpha12", hidden * 16), ("alpha8", hidden), ("alpha16", hidden * 257)):
        write(f"veiled-rgb-{name}", np.dstack([shallow, veil]), photometric="rgb", extrasamples=["unassalpha"],
              compression="zlib")  # fmt: skip
        write(f"veiled-grey-{name}", np.dstack([grey.astype(np.uint16) * 16, veil]), photometric="minisblack",
              planarconfig="contig", extrasamples=["unassalpha"], compression="lzw")  # fmt: skip
    write("rgb8-bigtiff-be-tiles", colour, photometric="rgb", bigtiff=True, byteorder=">", tile=(16, 16),
          compression="zlib")  # fmt: skip
    write("grey16-bigtiff-be", deep, photometric="minisblack", bigtiff=True, byteorder=">")
    write("rgb8-webp-tiles", colour, photometric="rgb", compression="webp", compressionargs={"lossless": True},
          tile=(16, 16))  # fmt: skip
    write("rgb8-webp-strips", colour, photometric="rgb", compression="webp", compressionargs={"lossless": True},
          rowsperstrip=11)  # fmt: skip
    write("rgb8-jpeg2000", colour, photometric="rgb", compression="jpeg2000")
    write("rgb8-planar-jpeg", np.moveaxis(colour, 2, 0), photometric="rgb", planarconfig="separate", compression="jpeg",
          compressionargs={"level": 98})  # fmt: skip
    write("refused-lerc", deep, photometric="minisblack", compression="lerc")
    write("refused-jpegxl", colour, photometric="rgb", compression="jpegxl")
    write("refused-complex", grey.astype(np.complex64), photometric="minisblack")
    inks = np.dstack([65535 - wide, np.zeros_like(deep)])
    write("cmyk16-planar-be", np.moveaxis(inks, 2, 0), photometric="separated", planarconfig="separate", byteorder=">",
          compression="lzw")  # fmt: skip
    write("cmyk16-holding12", inks >> 4, photometric="separated", compression="zlib")
    table = np.zeros((3, 256), np.uint16)
    table[0], table[1], table[2] = np.arange(256), 255 - np.arange(256), 7
    write("palette8-entries-of-8-bits", grey, photometric="palette", colormap=table)
    write("palette8-entries-of-16-bits", grey, photometric="palette", colormap=table * 257)


if __name__ == "__main__":
    main()
