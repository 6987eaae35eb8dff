"""TIFF of every depth and arrangement: what Pillow reads only in its plain forms, or not at all."""
