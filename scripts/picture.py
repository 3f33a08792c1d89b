#!/usr/bin/env python3
"""Draws the picture of the README: a terminal in which a folder of notes is asked, edited and asked again.

    cargo build --release && python3 scripts/picture.py

Every line after a `$` is what the built command printed in a folder that this script makes. The lines appear one after
another where the viewer animates, and all at once where it does not.
"""

import html
import os
import pathlib
import re
import subprocess
import tempfile
import textwrap

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "target" / "release" / "engram"
PICTURE = ROOT / "docs" / "images" / "vault.svg"

NOTES = {
    "People/Marta.md": "# Marta\n\nPlays the cello in the [[Lantern Quartet]]. Cannot eat walnuts.\n",
    "Lantern Quartet.md": "# Lantern Quartet\n\nFour friends and a borrowed viola. Rehearsals are in the [[Old Mill]].\n",
    "Places/Old Mill.md": "# Old Mill\n\nThe key hangs behind the third shutter. No heating: bring a coat.\n",
    "Cake.md": "# Cake\n\nCarrots, walnuts, four eggs. Everybody asks for it at rehearsals.\n",
    "Trains.md": "# Trains\n\nThe last one back from the harbour leaves at 22:40.\n",
}
ASK = 'engram recall --vault notes -k 3 "what should I take along when Marta rehearses?"'
EDIT = 'echo "The heating works again." >> "notes/Places/Old Mill.md"'

COLUMNS, LINE, CHARACTER, MARGIN = 96, 19, 8.05, 18
SECONDS = 10
# Blanks that no viewer folds.
UNFOLDED = "\u00a0\u00a0"
COMMAND, HIT, PATH, TEXT = "#8be9a8", "#7fb4f0", "#f2c078", "#d8dee9"


def run(folder):
    """The lines of the session, each with the second at which it appears."""
    lines, at = [], 0.3
    environment = {"PATH": f"{PROGRAM.parent}:{os.environ['PATH']}", "COLUMNS": str(COLUMNS), "HOME": str(folder)}
    for command, pause in ((ASK, 3.6), (EDIT, 0.8), (ASK, 3.0)):
        lines.append((at, f"$ {command}"))
        ran = subprocess.run(command, shell=True, cwd=folder, env=environment, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        printed = (ran.stderr + ran.stdout).rstrip("\n")
        for line in printed.splitlines() if printed else []:
            for part in textwrap.wrap(line, COLUMNS, subsequent_indent="    ", drop_whitespace=False) or [""]:
                lines.append((at + 0.6, part))
        if printed:
            lines.append((at + 0.6, ""))
        at += 0.6 + pause
    return lines


def colour(line):
    start = line.lstrip()
    if start.startswith("$"):
        return COMMAND
    if start.startswith("cue"):
        return PATH
    return HIT if re.match(r"\d+\. ", start) else TEXT


def drawn(lines):
    """The lines as an SVG."""
    width, height = round(COLUMNS * CHARACTER) + 2 * MARGIN, len(lines) * LINE + 2 * MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'role="img" aria-label="A folder of notes is asked, edited and asked again">',
        "<style>text{font:13.4px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;"
        "white-space:pre}"
        "@keyframes appear{from{opacity:0}to{opacity:1}}"
        "@media(prefers-reduced-motion:no-preference){text{animation:appear .2s both}}</style>",
        f'<rect width="{width}" height="{height}" rx="10" fill="#1b2130"/>',
    ]
    for number, (at, line) in enumerate(lines):
        x = MARGIN + CHARACTER * (len(line) - len(line.lstrip()))
        y = MARGIN + LINE * number + 14
        text = html.escape(line.lstrip()).replace("  ", UNFOLDED)
        parts.append(f'<text x="{x:.0f}" y="{y}" fill="{colour(line)}" style="animation-delay:{at:.1f}s">{text}</text>')
    return "\n".join([*parts, "</svg>", ""])


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for name, text in NOTES.items():
            path = folder / "notes" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        lines = run(folder)
    assert lines[-1][0] <= SECONDS
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(drawn(lines))
    print(f"{PICTURE.relative_to(ROOT)}: {len(lines)} lines")


if __name__ == "__main__":
    main()
