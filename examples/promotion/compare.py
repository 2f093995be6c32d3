"""Judges a model: on the test data it must not be worse than the one before by more than a tenth.

The last argument is a folder: ``input.json`` says what is in it. The last line that is printed is
the verdict.
"""

import json
import sys
from pathlib import Path

folder = Path(sys.argv[-1])
told = json.loads((folder / "input.json").read_text(encoding="utf-8"))


def error(side):
    return json.loads((folder / side["metrics"]).read_text(encoding="utf-8"))["error"]


new = error(told["new"])
old = error(told["old"]) if told["old"] else None
is_good = old is None or new <= 1.1 * old
reason = f"off by {new:.2f}" + (f", was {old:.2f}" if old is not None else "")
print(json.dumps({"verdict": "accepted" if is_good else "rejected", "reason": reason}))
sys.exit(0 if is_good else 1)
