"""Pictures of graphs: Graphviz's language, SVG, and a page that steps through a run.

| file | purpose |
|---|---|
| `dot.py` | the graph for Graphviz |
| `html.py` | the page, and what notebooks show |
| `page.html`, `page.css` | its parts |
| `run.js`, `layout.js`, `page.js` | its script: what it knows, where the boxes are, what it does |
| `replay.py` | the run that the page shows, frame by frame |
| `turns.py` | its loops, played turn by turn |
| `outline.py` | what can be opened: loops, turns, repeated blocks |
| `folds.py` | repeated blocks in any sequence |
| `formulas.py` | the rule of each row as a formula, or in words |
| `named.py` | what an operand gets, in the names of a step |
| `mathml.py` | formulas as MathML |
| `numbers.py` | numbers and arrays as text |
| `code.py` | the user's lines |
"""

from .dot import to_dot, to_svg
from .html import mimebundle, to_html

__all__ = ["mimebundle", "to_dot", "to_html", "to_svg"]
