"""The board: the pages that people look at. Rendered here, patched in place by a browser."""
