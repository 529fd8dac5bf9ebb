"""Pictures of graphs: Graphviz's language, SVG, and a page that steps through a run.

| file | purpose |
|---|---|
| `dot.py` | the graph for Graphviz |
| `html.py` | the page, and what notebooks show; `page.html`, `page.css`, `page.js` are its parts |
| `replay.py` | the run that the page shows, frame by frame |
| `turns.py` | its loops, played turn by turn |
| `outline.py` | what can be opened: loops, turns, repeated blocks |
| `formulas.py` | the rule of each row as a formula, or in words |
| `folds.py` | repeated blocks |
| `code.py` | the user's lines |
"""

from .dot import to_dot, to_svg
from .html import mimebundle, to_html

__all__ = ["mimebundle", "to_dot", "to_html", "to_svg"]
