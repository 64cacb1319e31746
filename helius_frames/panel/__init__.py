"""The pull panel: a form for people who do not write code, one pull at a time, and the explorer below it.

`helius_frames.app` imports it when it is first asked for, so that importing the
package brings no widgets.
"""

from helius_frames.panel._panel import Panel

__all__ = ["Panel"]
