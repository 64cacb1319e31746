"""The controls around the charts: one widget tree, one figure, and no arithmetic of its own.

The accessor imports it when it is first asked for, so that importing the package
brings neither plotly nor ipywidgets.
"""

from helius_frames.explorer._explorer import Explorer, explore
from helius_frames.explorer._save import Download, FileFormat, SaveItem, SaveMenu

__all__ = ["Download", "Explorer", "FileFormat", "SaveItem", "SaveMenu", "explore"]
