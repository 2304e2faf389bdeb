"""Run all benchmarks, one after the other, and print what they say.

Usage: python scripts/bench.py [--markdown] [--quick] [--only NAME]

Every benchmark is a script of its own (scripts/bench_NAME.py --help says what it compares); this runs them so that none
disturbs another. Close other programs: ratios within a run bear a busy machine, times do not.
"""

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
#: Arguments of every benchmark: as usual, and for a quick look.
BENCHMARKS: dict[str, tuple[list[str], list[str]]] = {
    "study": ([], ["--rounds", "3", "--case", "a", "--only", "study"]),
    "loaders": ([], ["--rounds", "5"]),
    "geometry": ([], ["--rounds", "3", "--case", "a"]),
    "growth": ([], ["--largest", "256", "--studies", "10"]),
    "agreement": ([], ["--resamples", "2000"]),
    "batch": ([], ["--cases", "48", "--blocks", "2"]),
}
#: Those that print tables as Markdown.
WITH_MARKDOWN = frozenset({"study", "geometry", "growth"})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--markdown", action="store_true", help="tables as Markdown, everything else as text")
    parser.add_argument("--quick", action="store_true", help="fewer rounds and smaller cases")
    parser.add_argument("--only", choices=BENCHMARKS, action="append", help="one benchmark; repeatable")
    given = parser.parse_args()
    failed = []
    for name in given.only or BENCHMARKS:
        usual, quick = BENCHMARKS[name]
        options = (quick if given.quick else usual) + (["--markdown"] * (given.markdown and name in WITH_MARKDOWN))
        print(f"\n## {name}\n" if given.markdown else f"\n{name}\n{'=' * len(name)}", flush=True)
        plain = given.markdown and name not in WITH_MARKDOWN
        print("```text" if plain else "", flush=True)
        ended = subprocess.run([sys.executable, str(HERE / f"bench_{name}.py"), *options])
        print("```" if plain else "", flush=True)
        failed += [name] if ended.returncode else []
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
